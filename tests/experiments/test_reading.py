import math
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
import yaml
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, Field, ValidationInfo, field_validator, model_validator

from equigrid.experiments.findings import Document, Finding, UnusableInput, dotted, suggestion
from equigrid.experiments.reading import Strict, exactly, read_yaml, to_yaml, validated


class Colour(Enum):
    RED = "red"


class Cell(Strict):
    power_mw: float = Field(default=1.0, ge=0, le=10)
    cycles: int = Field(default=1, gt=0, lt=5)


class Battery(Strict):
    kind: Literal["battery"]
    name: str = Field(min_length=1, max_length=8)
    battery: Cell = Cell()
    load_mw: Annotated[tuple[Annotated[float, Field(ge=0)], ...], exactly("hours")] = ()

    @model_validator(mode="after")
    def _no_joker(self) -> "Battery":
        if self.name == "joker":
            raise ValueError("a joker is no battery")
        return self


class Load(Strict):
    kind: Literal["load"]
    share: float | tuple[float, ...] = 1.0
    bid: Cell | None = None


class Study(Strict):
    hours: int = 3
    low: float = 0.0
    high: float = 1.0
    enforce: bool = True
    pair: tuple[int, float] = (1, 2.0)
    few: tuple[int, ...] = Field(default=(1, 2), min_length=2, max_length=3)
    table: dict[str, Cell] = {}
    rows: Annotated[tuple[Annotated[tuple[float, ...], exactly(2)], ...], exactly(2)] = (
        (1, 2),
    ) * 2
    method: Literal["exact", "best-response"] = "exact"
    colour: Colour = Colour.RED
    tie: Cell | Load | None = None
    source: str = Field(default="", alias="from", pattern="^[a-z]*$")
    agents: tuple[Annotated[Battery | Load, Field(discriminator="kind")], ...] = ()

    @field_validator("high")
    @classmethod
    def _not_below_low(cls, value: float, info: ValidationInfo) -> float:
        if value < info.data.get("low", value):
            raise ValueError("must not be below low")
        return value


def parsed(folder: Path, text: str | bytes, *, lenient: bool = False) -> Document:
    file = folder / "study.yaml"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_yaml(file, lenient=lenient)


def complaints(folder: Path, text: str | bytes, model: type[BaseModel] | None = None) -> list[str]:
    """Return what is said about a file, without its name."""
    with pytest.raises(UnusableInput) as caught:
        document = parsed(folder, text, lenient=model is not None)
        validated(model or Study, document, context={"hours": 3})
    lines = str(caught.value).splitlines()
    assert lines == [str(finding) for finding in caught.value.findings]
    return [line.removeprefix(f"{folder / 'study.yaml'}:") for line in lines]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("studies")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (b"", "1: is empty; write a mapping of fields (name: value)"),
        (b"# nothing\n", "1: is empty; write a mapping of fields (name: value)"),
        (b"---\n", "2: must be a mapping of fields (name: value) (got null)"),
        (b"- 1", "1: must be a mapping of fields (name: value) (got a list of 1)"),
        (b"\n3", "2: must be a mapping of fields (name: value) (got 3)"),
        (b"a: 1\n---\nb: 2", "2: a second document starts; keep one"),
        (b"a: 1\nb: \xff", "2: is not UTF-8; save it as UTF-8"),
        (b"a: 1\nb: \0", "2: character 0x0000 is not text; is this a YAML file?"),
        (b"a: [1", "1: is not YAML: expected ',' or ']', but got '<stream end>'"),
        (b"a: b: c", "1: is not YAML: mapping values are not allowed here"),
        (b'\na: "\\UFFFFFFFF"', "2: is not YAML: number out of range"),
        (b"%YAML 1." + b"1" * 5000 + b"\n--- {}", "1: is not YAML: number out of range"),
        (b"a: " + b"[" * 100_000, "1: is nested deeper than 40 levels"),
        (b"#" * 2_000_001, "1: is larger than 2 MB; make it smaller"),
        (b"a: !foo 1", "1: a: tag; remove it (got !foo)"),
        (b"a: ! x", "1: a: tag; remove it (got !)"),
        (b"a: !!python/none", "1: a: tag; remove it (got !!python/none)"),
        (b"!!map {a: 1}", "1: tag; remove it (got !!map)"),
        (b"a: &x 1", "1: a: anchor; remove it (got &x)"),
        (b"a:\n  b: *x", "2: a.b: alias; write the value out (got *x)"),
        (b"*x : 1", "1: ['?']: alias; write the value out (got *x)"),
        (b"<<: {a: 1}", "1: ['<<']: merge key; write the fields out"),
        (b"a: 1\n'a': 2", "2: a: occurs twice, first on line 1; keep one"),
        (b"a: [{b: {}, b: 1}]", "1: a[0].b: occurs twice, first on line 1; keep one"),
        (b"1: 1", "1: 1: key is not text; put it in quotes"),
        (b"? [a]\n: 1", "1: ['?']: key is not text; put it in quotes"),
        (b"a: " + b"9" * 5000, f"1: a: has more than 100 digits; round it (got {'9' * 60}…)"),
        (b'a: "\\ud800"', "1: a: has half a character; write the whole one (got '\\ud800')"),
    ],
    ids=lambda value: value[:12],
)
def test_what_is_no_plain_mapping_is_refused(folder: Path, text: bytes, told: str) -> None:
    assert complaints(folder, text) == [told]


def test_tabs_are_explained(folder: Path) -> None:
    assert "indent with spaces, not tabs" in complaints(folder, "a:\n\t- b")[0]


@pytest.mark.parametrize("name", [".", "absent.yaml", "absent/study.yaml", "a\0b", "x" * 300])
def test_what_cannot_be_opened_is_refused(folder: Path, name: str) -> None:
    with pytest.raises(UnusableInput, match=":1: cannot be read: .") as caught:
        read_yaml(folder / name)
    assert str(caught.value).isprintable()


def test_an_unreadable_file_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(UnusableInput, match="cannot be read: Permission denied"):
        read_yaml(folder / "study.yaml")


def test_an_alias_bomb_is_refused_before_it_expands(folder: Path) -> None:
    levels = [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 40)]
    with pytest.raises(UnusableInput) as caught:
        parsed(folder, "a0: &a0 x\n" + "\n".join(levels))
    assert len(caught.value.findings) == 40 + 39 * 9
    assert str(caught.value).splitlines()[200:] == ["… and 191 more"]


def test_a_syntax_error_does_not_hide_what_came_before(folder: Path) -> None:
    told = complaints(folder, "a: 1\na: !x 2\nb: ]")
    assert [line.split(":")[0] for line in told] == ["2", "2", "3"]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        *[(text, None) for text in ("", "~", "null", "NULL")],
        *[("true", True), ("False", False), ("7", 7), ("-0", 0), ("+12", 12)],
        *[("1e-4", 1e-4), ("1.", 1.0), (".5", 0.5), ("-1.5E+3", -1500.0), ("1E3", 1000.0)],
        *[(".inf", math.inf), ("-.INF", -math.inf), ("1e999", math.inf)],
        *[("'7'", "7"), ('"~"', "~"), ("|\n  7\n", "7\n"), ("'<<'", "<<"), ("=", "=")],
        *[(text, text) for text in "yes no on off y 18:00 0777 08 0x1F 0o7 1_000 nan e5".split()],
        *[(text, text) for text in "2024-01-01 1e . + -.e1 1.5.2 \u0661".split()],
    ],
)
def test_scalars_mean_what_the_core_schema_says(folder: Path, text: str, value: object) -> None:
    read = parsed(folder, f"\ufeffa: {text}\n").data["a"]
    assert (type(read), read) == (type(value), value)


def test_nan_is_read(folder: Path) -> None:
    assert math.isnan(parsed(folder, "a: .nan").data["a"])


def test_lines_and_places(folder: Path) -> None:
    document = parsed(folder, "# x\na:\n- b: 1\n  c:\n    [2,\n     3]\n- {b: x}\n- b: []\n- 4\n")
    lines = {(): 2, ("a", 0, "c"): 4, ("a", 0, "c", 1): 6, ("a", 0, "z", "z"): 3, ("z",): 2}
    assert {loc: document.line(loc) for loc in lines} == lines
    assert list(document.find("a", "*", "b")) == [(("a", 0, "b"), 1), (("a", 1, "b"), "x")]
    assert document.finding(("a", 1), "odd", [1]).got == "a list of 1"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("hours: '3'", "hours: must be a whole number; remove the quotes (got '3')"),
        ("hours: 3.0", "hours: must be a whole number (got 3.0)"),
        ("hours: true", "hours: must be a whole number (got true)"),
        ("low: 0777", "low: must be a number (got '0777')"),
        ("low: [1]", "low: must be a number (got a list of 1)"),
        ("low:", "low: must be a number (got null)"),
        ("low: -.inf", "low: must be finite (got -inf)"),
        ("low: .nan", "low: must be finite (got nan)"),
        ("low: 2", "high: must not be below low (got 1.0)"),
        ("enforce: 'true'", "enforce: must be true or false; remove the quotes (got 'true')"),
        ("enforce: yes", "enforce: must be true or false (got 'yes')"),
        ("from: 3", "from: must be text; put it in quotes (got 3)"),
        ("from: A", "from: must match '^[a-z]*$' (got 'A')"),
        ("xyz: a", "xyz: unknown field 'xyz'; fields here are: hours, low, high, enforce, "
         "pair, few, table, rows, method, colour, tie, from, agents"),
        ("methd: x", "methd: unknown field 'methd'; did you mean 'method'?"),
        ("method: exat", "method: must be 'exact' or 'best-response'; did you mean 'exact'? "
         "(got 'exat')"),
        ("colour: reed", "colour: must be 'red'; did you mean 'red'? (got 'reed')"),
        ("pair: [1]", "pair[1]: missing; the list is too short"),
        ("pair: [1, 2, 3]", "pair: must have at most 2 values, has 3 (got a list of 3)"),
        ("few: [1]", "few: must have at least 2 values, has 1 (got a list of 1)"),
        ("few: [1, x]", "few[1]: must be a whole number (got 'x')"),
        ("few: {}", "few: must be a list (got a mapping)"),
        ("rows: [[1, 2], [3]]", "rows[1]: must have 2 values, has 1 (got a list of 1)"),
        ("rows: 1", "rows: must be a list (got 1)"),
        ("table: {a: {cycles: 0}}", "table.a.cycles: must be greater than 0 (got 0)"),
        ("table: {a b: {cycles: 5}}", "table['a b'].cycles: must be less than 5 (got 5)"),
        ("tie: {power_mw: -1, kind: load}", "tie.power_mw: must be at least 0 or unknown field "
         "'power_mw'; fields here are: kind, share, bid (got -1)"),
        ("agents: [{}]", "agents[0].kind: missing field 'kind'"),
        ("agents: [1]", "agents[0]: must be a mapping (got 1)"),
        ("agents: [{kind: [x]}]", "agents[0].kind: must be 'battery' or 'load' (got a list of 1)"),
        ("agents: [{kind: lod}]", "agents[0].kind: must be 'battery' or 'load'; "
         "did you mean 'load'? (got 'lod')"),
        ("agents: [{kind: load, share: x}]",
         "agents[0].share: must be a number or must be a list (got 'x')"),
        ("agents: [{kind: load, share: [x]}]", "agents[0].share[0]: must be a number (got 'x')"),
        ("agents: [{kind: load, bid: {power_mv: 1}}]",
         "agents[0].bid.power_mv: unknown field 'power_mv'; did you mean 'power_mw'?"),
    ],
    ids=lambda value: value[:20],
)  # fmt: skip
def test_wrong_values_are_told_in_words(folder: Path, text: str, told: str) -> None:
    answer = complaints(folder, text, Study)
    assert answer[-1] == f"1: {told}"
    assert len(answer) == 1 + text.startswith("tie")  # of each member of the union


def test_everything_is_told_at_once(folder: Path) -> None:
    text = """\
agents:
- kind: battery
  battery: {power_mw: -1, cycles: x}
  load_mw: [1, -2]
- {kind: battery, name: joker, load_mw: [1, 2, 3]}
- {kind: battery, name: unbearable, load_mw: *x, load_mw: 2}
- {kind: battery, name: "", 5: 6, load_mw: [1, 2, "3"]}
hours: 2
"""
    with pytest.raises(UnusableInput) as caught:
        document = parsed(folder, text, lenient=True)
        extra = [(("agents", 1, "name"), "no such joker", "joker"), (("agents", 0), "odd", None)]
        validated(Study, document, {"hours": 3}, extra)
    assert [(f.line, f.path, f.message) for f in caught.value.findings] == [
        (2, "agents[0]", "odd"),
        (2, "agents[0].name", "missing field 'name'"),
        (3, "agents[0].battery.cycles", "must be a whole number"),
        (3, "agents[0].battery.power_mw", "must be at least 0"),
        (4, "agents[0].load_mw", "must have 3 values, has 2"),
        (4, "agents[0].load_mw[1]", "must be at least 0"),
        (5, "agents[1]", "a joker is no battery"),
        (5, "agents[1].name", "no such joker"),
        (6, "agents[2].load_mw", "alias; write the value out"),
        (6, "agents[2].load_mw", "occurs twice, first on line 6; keep one"),
        (6, "agents[2].name", "must have at most 8 characters"),
        (7, "agents[3].5", "key is not text; put it in quotes"),
        (7, "agents[3].load_mw[2]", "must be a number; remove the quotes"),
        (7, "agents[3].name", "must have at least 1 characters"),
    ]


def test_a_default_is_checked_where_it_would_stand(folder: Path) -> None:
    class Wrong(Strict):
        cell: Cell = Field(default=Cell.model_construct(power_mw=-1.0))
        name: str = 3  # type: ignore[assignment]

    assert complaints(folder, "{}", Wrong) == ["1: name: must be text; put it in quotes (got 3)"]


def test_findings_are_ordered_and_printable() -> None:
    paths = ["load[10]", "load[2]", "", "a"]
    findings = [Finding("f\n.yaml", 1, path, "is \u202e odd", "x" * 99) for path in paths]
    error = UnusableInput([*findings, Finding("a", 0, "z", "first")])
    assert [finding.path for finding in error.findings] == ["z", "", "a", "load[2]", "load[10]"]
    assert str(error).splitlines()[1] == rf"f\n.yaml:1: is \u202e odd (got {'x' * 60}…)"


def test_places_and_suggestions_read_well() -> None:
    assert dotted((0, "a", 1, "b c", "")) == "[0].a[1]['b c']['']"
    assert suggestion("disko", ["disco", "iso"]) == "; did you mean 'disco'?"
    assert suggestion("disko", []) == ""


def test_only_known_counts_are_asked_for(folder: Path) -> None:
    document = parsed(folder, "agents: [{kind: battery, name: a, load_mw: [1]}]")
    agent = validated(Study, document, {"hours": None}).agents[0]
    assert agent == Battery(kind="battery", name="a", load_mw=(1.0,))


scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False)
texts = st.text() | st.from_regex(r"[-+.0-9eE_:xoyYnN~<=]{1,6}", fullmatch=True)


def nested(leaves: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    trees = st.recursive(
        leaves,
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
        max_leaves=12,
    )
    return st.dictionaries(texts, trees, max_size=4)


def number_only_for_1_2(value: object) -> bool:
    """Tell whether safe_dump leaves a text bare that YAML 1.2 takes for a number."""
    if isinstance(value, dict | list):
        return any(number_only_for_1_2(item) for pair in dict(enumerate(value)).items() for item in pair[1:])
    return isinstance(value, str)


@given(nested(scalars | texts))
def test_what_is_written_is_read_back(folder: Path, data: dict[str, Any]) -> None:
    text = to_yaml(data)
    assert parsed(folder, text).data == yaml.safe_load(text) == data
