import math
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import numpy as np
import pytest
import yaml
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from pydantic import Field, ValidationInfo, field_validator, model_validator

import equigrid.experiments.spec.findings as found
from equigrid.arrays import FloatArray
from equigrid.experiments.spec.findings import Document, Finding, UnusableInput
from equigrid.experiments.spec.limits import Limits
from equigrid.experiments.spec.part import Part, checked
from equigrid.experiments.spec.series import SeriesField
from equigrid.experiments.spec.surroundings import Surroundings
from equigrid.experiments.spec.yaml_reading import read_yaml
from equigrid.experiments.spec.yaml_writing import to_yaml

Colour = Enum("Colour", {"RED": "red"})
Pair = tuple[float, float]


class Cell(Part):
    power_mw: float = Field(default=1.0, ge=0, le=10)
    cycles: int = Field(default=1, gt=0, lt=5)


class Battery(Part):
    kind: Literal["battery"]
    name: str = Field(min_length=1, max_length=8)
    battery: Cell = Cell()
    load_mw: Annotated[FloatArray, SeriesField(Limits(ge=0))] | None = None

    @model_validator(mode="after")
    def _no_joker(self) -> Self:
        if self.name == "joker":
            raise ValueError("a joker is no battery")
        return self


class Load(Part):
    kind: Literal["load"]
    share: float | tuple[float, ...] = 1.0
    bid: Cell | None = None


class Study(Part):
    low: float = 0.0
    high: float = 1.0
    hours: int = 3
    enforce: bool = True
    pair: tuple[int, float] = (1, 2.0)
    few: tuple[int, ...] = Field(default=(1, 2), min_length=2, max_length=3)
    table: dict[str, Cell] = Field(default={})
    rows: tuple[Pair, ...] = Field(default=((1.0, 2.0), (3.0, 4.0)), min_length=2)
    method: Literal["exact", "best-response"] = "exact"
    colour: Colour = Colour["RED"]
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


def validated(model: Any, document: Document, extra: Any = (), steps: int | None = 3) -> Any:
    instance, findings = checked(model, document, Surroundings(steps=steps))
    findings += document.explained(extra)
    if findings:
        raise UnusableInput(findings)
    return instance


def read(folder: Path, text: str | bytes, extra: Any = (), model: Any = Study) -> Any:
    return validated(model, parsed(folder, text, lenient=True), extra)


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
        (b"a: 1\n---\nb: 2", "2: a second document; keep one"),
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
    with pytest.raises(UnusableInput) as caught:
        parsed(folder, text)
    assert str(caught.value) == f"{folder / 'study.yaml'}:{told}"


@pytest.mark.parametrize("name", [".", "absent.yaml", "absent/study.yaml", "a\0b", "x" * 300])
def test_what_cannot_be_opened_is_refused(folder: Path, name: str) -> None:
    with pytest.raises(UnusableInput, match=r":1: cannot be read: \w+") as caught:
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
    with pytest.raises(UnusableInput, match="indent with spaces, not tabs") as caught:
        parsed(folder, "a: 1\na: !x 2\nb:\n\t- c")
    assert [finding.line for finding in caught.value.findings] == [2, 2, 4]


TEXTS = "yes no on off y 18:00 0777 08 0x1F 0o7 1_000 nan e5 1e . + -.e1 1.5.2 \u0661 2024-01-01"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        *[(text, None) for text in ("", "~", "null", "NULL")],
        *[("true", True), ("False", False), ("7", 7), ("-0", 0), ("+12", 12)],
        *[("1e-4", 1e-4), ("1.", 1.0), (".5", 0.5), ("-1.5E+3", -1500.0), ("1E3", 1000.0)],
        *[(".inf", math.inf), ("-.INF", -math.inf), ("1e999", math.inf)],
        *[("'7'", "7"), ('"~"', "~"), ("|\n  7\n", "7\n"), ("'<<'", "<<"), ("=", "=")],
        *[(text, text) for text in TEXTS.split()],
    ],
)
def test_scalars_mean_what_the_core_schema_says(folder: Path, text: str, value: object) -> None:
    read = parsed(folder, f"\ufeffa: {text}\n").data["a"]
    assert (type(read), read) == (type(value), value)


def test_lines_and_places(folder: Path) -> None:
    document = parsed(folder, "# x\na:\n- b: 1\n  c:\n    [2,\n     3]\n- {b: x}\n- b: []\n- 4\n")
    lines = {(): 2, ("a", 0, "c"): 4, ("a", 0, "c", 1): 6, ("a", 0, "z", "z"): 3, ("z",): 2}
    assert {loc: document.line(loc) for loc in lines} == lines
    assert list(document.find("a", "*", "b")) == [(("a", 0, "b"), 1), (("a", 1, "b"), "x")]
    assert document.finding(("a", 1), "odd", [1]).got == "a list of 1"


WRONG = {
    "hours: '3'": "hours: must be a whole number; remove the quotes (got '3')",
    "hours: 3.0": "hours: must be a whole number (got 3.0)",
    "hours: true": "hours: must be a whole number (got true)",
    "low: 0777": "low: must be a number (got '0777')",
    "low:": "low: must be a number (got null)",
    "low: -.inf": "low: must be finite (got -inf)",
    "low: .nan": "low: must be finite (got nan)",
    "low: 2": "high: must not be below low (got 1.0)",
    "enforce: 'true'": "enforce: must be true or false; remove the quotes (got 'true')",
    "enforce: yes": "enforce: must be true or false (got 'yes')",
    "from: 3": "from: must be text; put it in quotes (got 3)",
    "from: A": "from: must match '^[a-z]*$' (got 'A')",
    "methd: x": "methd: unknown field 'methd'; did you mean 'method'?",
    "method: exat": "method: must be 'exact' or 'best-response'; did you mean 'exact'? "
    "(got 'exat')",
    "colour: blue": "colour: must be 'red' (got 'blue')",
    "pair: [1]": "pair[1]: missing; the list is too short",
    "pair: [1, 2, 3]": "pair: must have at most 2 values, has 3 (got a list of 3)",
    "few: [1]": "few: must have at least 2 values, has 1 (got a list of 1)",
    "few: [1, x]": "few[1]: must be a whole number (got 'x')",
    "few: {}": "few: must be a list (got a mapping)",
    "rows: [[1, 2], [3]]": "rows[1][1]: missing; the list is too short",
    "rows: 1": "rows: must be a list (got 1)",
    "table: {a: {cycles: 0}}": "table.a.cycles: must be greater than 0 (got 0)",
    "table: {a b: {cycles: 5}}": "table['a b'].cycles: must be less than 5 (got 5)",
    "tie: {xyz: 1}": "tie.xyz: unknown field 'xyz'; fields here are: power_mw, cycles or "
    "unknown field 'xyz'; fields here are: kind, share, bid",
    "agents: [{}]": "agents[0].kind: missing field 'kind'",
    "agents: [1]": "agents[0]: must be a mapping (got 1)",
    "agents: [{kind: [x]}]": "agents[0].kind: must be 'battery' or 'load' (got a list of 1)",
    "agents: [{kind: load, share: x}]": "agents[0].share: must be a number or must be a list "
    "(got 'x')",
    "agents: [{kind: load, share: [x]}]": "agents[0].share[0]: must be a number (got 'x')",
    "agents: [{kind: load, bid: {power_mv: 1}}]": "agents[0].bid.power_mv: unknown field "
    "'power_mv'; did you mean 'power_mw'?",
}


@pytest.mark.parametrize(("text", "told"), WRONG.items(), ids=lambda value: value[:20])
def test_wrong_values_are_told_in_words(folder: Path, text: str, told: str) -> None:
    with pytest.raises(UnusableInput) as caught:
        read(folder, text)
    lines = str(caught.value).splitlines()
    assert lines[-1] == f"{folder / 'study.yaml'}:1: {told}"
    assert len(lines) == 1 + text.startswith("tie")  # it names the kind that is missing too


EVERYTHING = """\
agents:
- kind: battery
  battery: {power_mw: -1, cycles: x}
  load_mw: [1, -2]
- {kind: battery, name: joker, load_mw: [1, 2, 3]}
- {kind: battery, name: unbearable, load_mw: *x, load_mw: 2}
- {kind: battery, name: "", 5: 6, load_mw: [1, 2, "3"]}
"""


def test_everything_is_told_at_once(folder: Path) -> None:
    extra = [(("agents", 1, "name"), "no such joker", "joker"), (("agents", 0), "odd", None)]
    with pytest.raises(UnusableInput) as caught:
        read(folder, EVERYTHING, extra)
    assert [(f.line, f.path.removeprefix("agents"), f.message) for f in caught.value.findings] == [
        (2, "[0]", "odd"),
        (2, "[0].name", "missing field 'name'"),
        (3, "[0].battery.cycles", "must be a whole number"),
        (3, "[0].battery.power_mw", "must be at least 0"),
        (4, "[0].load_mw", "must have 3 values, has 2"),
        (4, "[0].load_mw[1]", "must be at least 0"),
        (5, "[1]", "a joker is no battery"),
        (5, "[1].name", "no such joker"),
        (6, "[2].load_mw", "alias; write the value out"),
        (6, "[2].load_mw", "occurs twice, first on line 6; keep one"),
        (6, "[2].name", "must have at most 8 characters"),
        (7, "[3].5", "key is not text; put it in quotes"),
        (7, "[3].load_mw[2]", "must be a number; remove the quotes"),
        (7, "[3].name", "must have at least 1 characters"),
    ]
    with pytest.raises(UnusableInput, match=r"agents\[0\]: odd$"):
        read(folder, "agents: []", extra[1:])


def test_a_default_is_checked_where_it_would_stand(folder: Path) -> None:
    class Wrong(Part):
        name: str = 3  # type: ignore[assignment]
        twin: Cell | float = "x"  # type: ignore[assignment]

    with pytest.raises(UnusableInput) as caught:
        read(folder, "{}", model=Wrong)
    assert [finding.path for finding in caught.value.findings] == ["name", "twin"]


def test_findings_are_ordered_and_printable() -> None:
    paths = ["load[10]", "load[2]", "", "a"]
    findings = [Finding("f\n.yaml", 1, path, "is \u202e odd", "x" * 99) for path in paths]
    error = UnusableInput([*findings, Finding("a", 0, "z", "first")])
    assert [finding.path for finding in error.findings] == ["z", "", "a", "load[2]", "load[10]"]
    assert str(error).splitlines()[1] == rf"f\n.yaml:1: is \u202e odd (got {'x' * 60}…)"


def test_places_and_suggestions_read_well() -> None:
    assert found.dotted((0, "a", 1, "b c", "")) == "[0].a[1]['b c']['']"
    assert found.suggestion("disko", ["disco", "iso"]) == "; did you mean 'disco'?"
    assert found.suggestion("disko", []) == ""


def test_only_known_counts_are_asked_for(folder: Path) -> None:
    document = parsed(folder, "agents: [{kind: battery, name: a, load_mw: [1]}]")
    agent = validated(Study, document, steps=None).agents[0]
    assert agent == Battery(kind="battery", name="a", load_mw=np.array([1.0]))
    assert agent != Battery(kind="battery", name="a", load_mw=np.array([2.0]))


class NoAliases(yaml.SafeDumper):
    def ignore_aliases(self, _: object) -> bool:
        return True


scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False)
texts = st.text() | st.from_regex(r"[-+.0-9eE_:xoyYnN~<=]{1,6}", fullmatch=True)


def nested(leaves: st.SearchStrategy[Any], keys: st.SearchStrategy[str], size: int) -> Any:
    def grown(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
        return st.lists(inner, max_size=size) | st.dictionaries(keys, inner, max_size=size)

    return st.dictionaries(keys, st.recursive(leaves, grown, max_leaves=15), max_size=size)


def bare_number(data: object) -> bool:
    """Tell whether safe_dump writes a text bare that is a number since YAML 1.2, as 1e3."""
    if isinstance(data, dict | list):
        pairs = data.items() if isinstance(data, dict) else enumerate(data)
        return any(bare_number(item) for pair in pairs for item in pair)
    bare = isinstance(data, str) and yaml.safe_dump([data]) == f"- {data}\n"
    return bare and found.NUMBER.fullmatch(str(data)) is not None


@pytest.mark.slow
@settings(deadline=None)
@given(nested(scalars | texts, texts, 4))
def test_what_pyyaml_writes_is_read_back(folder: Path, data: dict[str, Any]) -> None:
    assume(not bare_number(data))
    assert parsed(folder, yaml.dump(data, Dumper=NoAliases)).data == data


@pytest.mark.slow
@settings(deadline=None)
@given(nested(scalars | texts, texts, 4))
def test_what_is_written_is_read_back(folder: Path, data: dict[str, Any]) -> None:
    text = to_yaml(data)
    assert parsed(folder, text).data == yaml.safe_load(text) == data


def test_written_text_is_short_and_keeps_its_order() -> None:
    row = [3]
    data = {"z": [1e-5, 1e22, -math.inf], "a": [row, (1, 2.5)], "b": row, "c": ["1e3", "0o7", "hé"]}
    assert to_yaml(data).split("\n") == [
        *["z: [1.0e-05, 1.0e+22, -.inf]", "a:", "- [3]", "- [1, 2.5]", "b: [3]"],
        *["c:", "- '1e3'", "- '0o7'", "- hé", ""],
    ]


batteries = st.builds(
    Battery, kind=st.just("battery"), name=st.text("aé 1", min_size=1, max_size=4)
)
loads = st.builds(Load, kind=st.just("load"), share=st.floats(0, 1) | st.just((1.0, 2e-7)))


@pytest.mark.slow
@settings(deadline=None)
@given(st.builds(Study, agents=st.lists(batteries | loads).map(tuple), hours=st.integers(0, 9)))
def test_a_model_survives_its_file(folder: Path, study: Study) -> None:
    assert validated(Study, parsed(folder, to_yaml(study))) == study


fields = [name for model in (Study, Battery, Load, Cell) for name in model.model_fields]
words = st.sampled_from([*fields, "battery", "load", "from", "exact", "Cell", "float", "3"])
leaves = scalars | words | st.just(math.nan) | st.integers(-(10**99), 10**99)


@pytest.mark.slow
@settings(max_examples=300, deadline=None)
@given(nested(leaves, words, 5))
def test_any_data_give_a_model_or_unusable_input(data: dict[str, Any]) -> None:
    try:
        assert isinstance(validated(Study, Document("f.yaml", data), steps=2), Study)
    except UnusableInput as error:
        lines = str(error).splitlines()
        if not lines or not all(line.startswith("f.yaml:1: ") for line in lines[:200]):
            raise


@settings(deadline=None)
@given(st.binary(max_size=40) | st.text("ab:-[]{}&*!|>%#'\"\\?,\t\n 01~<", max_size=40))
def test_any_file_gives_a_document_or_unusable_input(folder: Path, text: str | bytes) -> None:
    try:
        assert isinstance(parsed(folder, text).data, dict)
    except UnusableInput as error:
        if not error.findings:
            raise
