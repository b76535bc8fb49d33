# `make` alone says what there is. The commands stand in CONTRIBUTING.md too; a test compares them.
.DEFAULT_GOAL := help
.PHONY: $(shell sed -n 's/^\([a-z-]*\):.*/\1/p' $(MAKEFILE_LIST))

help:  ## say what there is
	@awk -F ':  ## ' '/^[a-z-]+:  ## / {printf "make %-12s  %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install:  ## make .venv, with equigrid and all that its development needs, as in the lock
	python3 -m venv .venv
	.venv/bin/python -m pip install --constraint constraints.txt --editable ".[dev]"

hooks:  ## let git tidy and check what is committed
	.venv/bin/pre-commit install

test:  ## the quick tests, doctests included
	.venv/bin/pytest

slow:  ## the tests that the quick ones leave out
	.venv/bin/pytest -m slow

test-all:  ## all tests
	.venv/bin/pytest -m ""

coverage:  ## all tests, and what they do not reach
	.venv/bin/pytest -m "" --cov --cov-report=term-missing

style:  ## ruff: rules, then layout
	.venv/bin/ruff check .
	.venv/bin/ruff format .

types:  ## mypy
	.venv/bin/mypy

floors:  ## import-linter: who may import whom
	.venv/bin/lint-imports

docs:  ## the site with the API reference, into site/
	.venv/bin/zensical build --strict

lock:  ## renew the lock with today's newest versions
	.ci/renew-lock

differs:  ## what is installed and differs from the lock
	.venv/bin/python .ci/differs-from-lock

newest:  ## the main job and the smoke tests with the newest version of everything
	.ci/newest

random-games:  ## 1,000 random games against brute force
	.venv/bin/python benchmarks/random_games.py

ci:  ## everything, as CI does
	.ci/run
