"""Series in place, as one number, from a CSV; buses; files beside a study."""

import hashlib
from typing import Any

import numpy as np
import pytest
from tests.experiments.spec.conftest import BASE, Read, Street

import equigrid as eg
from equigrid.experiments.spec.study_reading import document_of, study_of

START = "2026-03-27T22:00 Europe/Berlin"
FEEDER = {"feeder": "baran-wu-33"}
LOT = {"name": "a", "bus": 4}


def test_a_series_is_a_read_only_array(read: Read) -> None:
    spec = read.spec(spot_per_mwh=[30, -5.5, 0, 1e3])
    assert spec.spot_per_mwh.tolist() == [30.0, -5.5, 0.0, 1000.0]
    assert (spec.spot_per_mwh * 2 @ np.ones(4)) == 2049.0
    with pytest.raises(ValueError, match="read-only"):
        spec.spot_per_mwh[0] = 1
    assert read.spec(spot_per_mwh=7).spot_per_mwh.tolist() == [7.0] * 4
    assert read.spec().spot_per_mwh.tolist() == [30.0] * 4


def test_models_with_series_are_compared_and_written(read: Read) -> None:
    one, again = (read.spec(spot_per_mwh=[1, 2, 3, 4]) for _ in range(2))
    assert one == again
    assert hash(one) == hash(again)
    assert one != read.spec(spot_per_mwh=[1, 2, 3, 5])
    assert one.model_dump_json() == again.model_dump_json()
    assert one.model_dump()["spot_per_mwh"] == [1.0, 2.0, 3.0, 4.0]


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ([1, 2, 3], "spot_per_mwh: must have 4 values, has 3 (got a list of 3)"),
        ([1, 2, "3", 4], "spot_per_mwh[2]: must be a number; remove the quotes (got '3')"),
        ([1, float("nan"), 3, 4], "spot_per_mwh[1]: must be finite (got nan)"),
        ([1, True, 3, None], "spot_per_mwh[1]: must be a number (got true)"),
        ("30", "spot_per_mwh: must be a list of numbers, one number, or {file"),
        (None, "spot_per_mwh: must be a list of numbers, one number, or {file"),
        (True, "spot_per_mwh: must be a list of numbers"),
        (float("inf"), "spot_per_mwh: must be finite (got inf)"),
        ({"file": "p.csv"}, "spot_per_mwh.column: missing field 'column'"),
        ({"column": "price"}, "spot_per_mwh.file: missing field 'file'"),
        ({"file": 3, "column": "x"}, "spot_per_mwh.file: must be text (got 3)"),
        (
            {"file": "p.csv", "colum": "price"},
            "spot_per_mwh.colum: unknown field 'colum'; did you mean 'column'?",
        ),
        ({"file": "q.csv", "column": "price"}, "spot_per_mwh.file: there is no file of this name"),
        ({"file": "../p.csv", "column": "price"}, "must stand in the folder of the study or below"),
        ({"file": "/p.csv", "column": "price"}, "must stand in the folder of the study or below"),
        ({"file": "p\0", "column": "price"}, "spot_per_mwh.file: there is no file of this name"),
        ({"file": "p.csv", "column": "pric"}, "has this name; did you mean 'price'? (got 'pric')"),
        (
            {"file": "p.csv", "column": "price", "time": "when"},
            "spot_per_mwh.time: rows are picked by time, so the study has to say when it starts",
        ),
    ],
)
def test_what_is_no_series_is_told_at_its_field(said: object, words: str, read: Read) -> None:
    read.file("p.csv", "when,price\n" + "2026-01-01,1\n" * 4)
    told = read.told(spot_per_mwh=said)
    assert any(words in line for line in told), told
    assert all(line.startswith("study.yaml:") for line in told)


def test_a_column_in_the_order_of_the_steps(read: Read) -> None:
    text = '\ufeffhour,price per MWh\r\n1, 30 \r\n2,-4e0\r\n3,"5"\r\n4,+.5\r\n\r\n'
    read.file("p.csv", text)
    said = {"file": "p.csv", "column": "price per MWh"}
    study = read.study(spot_per_mwh=said)
    assert study.spec.spot_per_mwh.tolist() == [30.0, -4.0, 5.0, 0.5]
    digest = hashlib.sha256(text.encode()).hexdigest()
    assert study.files == {"p.csv": digest}
    read.file("study.yaml", study.to_yaml())  # which holds the values
    assert "p.csv" not in study.to_yaml()


SAID = {"file": "p.csv", "column": "price"}
FAULTY: list[tuple[str, str]] = [
    ("price\n1\n2\n3\n", "p.csv:4: spot_per_mwh: the file has 3 rows below its header, the study"),
    ("price\n1\n2\n3\n4\n5\n", "p.csv:6: spot_per_mwh: the file has 5 rows below its header"),
    ("price\n1\n\n3\n4\n", "p.csv:3: spot_per_mwh: column 'price': is empty; give a number"),
    ("price\n1\nx\n3\n4\n", "p.csv:3: spot_per_mwh: column 'price': must be a number (got 'x')"),
    ('price\n1\n"2,5"\n3\n4\n', "p.csv:3: spot_per_mwh: column 'price': must be a number; write"),
    ("price\n1\nnan\n3\n4\n", "p.csv:3: spot_per_mwh: column 'price': must be a number (got 'na"),
    ("price\n1\n2\n1e999\n4\n", "p.csv:4: spot_per_mwh: column 'price': must be a number"),
    ("price,x\n1,1\n2\n3,3\n4,4\n", "p.csv:3: spot_per_mwh: has 1 cells, the header has 2"),
    ("price,x\n1,1\n2,2,2\n3,3\n4,4\n", "p.csv:3: spot_per_mwh: has 3 cells, the header has 2"),
    ("price;x\n1;1\n", "p.csv:1: spot_per_mwh: separates columns by semicolons"),
    ("price,price\n1,1\n", "p.csv:1: spot_per_mwh: has two columns of the name 'price'"),
    ("", "p.csv:1: spot_per_mwh: is empty; begin with a row of column names"),
    ('price\n"1\n2\n', "p.csv:3: spot_per_mwh: is no CSV: unexpected end of data"),
]


@pytest.mark.parametrize(("text", "words"), FAULTY)
def test_what_is_wrong_in_a_csv_is_told_with_its_line(text: str, words: str, read: Read) -> None:
    read.file("p.csv", text)
    told = read.told(spot_per_mwh=SAID)
    assert len(told) == 1
    assert words in told[0]


def test_a_csv_that_is_no_text(read: Read) -> None:
    (read.folder / "p.csv").write_bytes(b"price\n1\n\xff\n")
    assert "p.csv:3: spot_per_mwh: is not UTF-8" in read.told(spot_per_mwh=SAID)[0]


TIMED = {**SAID, "time": "t"}
HOURS = ("2026-03-27T22:00", "2026-03-27T23:00", "2026-03-28T00:00", "2026-03-28T01:00")


def _timed(*rows: str) -> str:
    return "\n".join(["t,price", *rows, ""])


def test_rows_are_picked_by_time_with_or_without_an_offset(read: Read) -> None:
    local = [f"{t},{k}" for k, t in enumerate(HOURS)]
    rows = ["2026-03-27T21:00,x", *reversed(local), "2026-03-28 02:00,y"]
    read.file("p.csv", _timed(*rows))
    assert read.spec(spot_per_mwh=TIMED, start=START).spot_per_mwh.tolist() == [0, 1, 2, 3]
    read.file("p.csv", _timed(*(f"2026-03-27T{h}:00Z,{h}" for h in (21, 22, 23)), "2026-03-28,9"))
    told = read.told(spot_per_mwh=TIMED, start=START)
    assert "the time occurs twice, first on line 4; keep one (got '2026-03-28')" in told[1]
    read.file("p.csv", _timed(*(f"2026-03-2{7 + h // 24}T{h % 24:02}:00Z,{h}" for h in range(48))))
    assert read.spec(spot_per_mwh=TIMED, start=START).spot_per_mwh.tolist() == [21, 22, 23, 24]


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        (
            [f"{t},1" for t in HOURS[:3]],
            "p.csv:4: spot_per_mwh: below this line the row of 2026-03-28T01:00+01:00 is missing "
            "(step 4)",
        ),
        (
            [f"{HOURS[0]},1", f"{HOURS[3]},1"],
            "p.csv:2: spot_per_mwh: below this line rows are missing, from 2026-03-27T23:00+01:00 "
            "to 2026-03-28T00:00+01:00 (steps 2 to 3)",
        ),
        (["2020-01-01,1"], "p.csv:2: spot_per_mwh: below this line rows are missing, from"),
        ([f"{t},1" for t in (*HOURS, HOURS[1])], "p.csv:6: spot_per_mwh: the time occurs twice"),
        ([f"{t},1" for t in (*HOURS, "noon")], "p.csv:6: spot_per_mwh: must be a time like"),
        (
            [f"{t},1" for t in (*HOURS, "2026-03-27T22:15")],
            "p.csv:6: spot_per_mwh: no step begins here, steps are of 60 minutes",
        ),
        ([f"{t},{t[11]}x" for t in HOURS], "p.csv:2: spot_per_mwh: column 'price': must be a num"),
    ],
)
def test_faults_of_times_are_told_with_their_line(rows: list[str], words: str, read: Read) -> None:
    read.file("p.csv", _timed(*rows))
    told = read.told(spot_per_mwh=TIMED, start=START)
    assert words in told[0]


def test_an_hour_that_comes_twice_elsewhere_in_a_file_is_no_fault(read: Read) -> None:
    autumn = ["2026-10-25T02:00,1", "2026-10-25T02:00,2"]
    read.file("p.csv", _timed(*(f"{t},1" for t in HOURS), *autumn))
    assert read.spec(spot_per_mwh=TIMED, start=START).spot_per_mwh.tolist() == [1.0] * 4


def test_buses_by_number_and_name(read: Read) -> None:
    lots = [{"name": "a", "bus": 12}, {"name": "b", "bus": "18"}]
    spec = read.spec(network=FEEDER, lots=lots)
    assert [lot.bus for lot in spec.lots] == [12, 18]


@pytest.mark.parametrize(
    ("bus", "words"),
    [
        (99, "lots[0].bus: no bus of the feeder has this number (it has 1 to 33) (got 99)"),
        ("bus 12", "lots[0].bus: no bus of the feeder has this name"),
        ("1x", "; did you mean '1"),
        (1.5, "lots[0].bus: must be the number or the name of a bus (got 1.5)"),
        (True, "lots[0].bus: must be the number or the name of a bus (got true)"),
    ],
)
def test_unknown_buses_are_refused(bus: object, words: str, read: Read) -> None:
    assert words in read.told(network=FEEDER, lots=[{"name": "a", "bus": bus}])[0]


def test_a_study_without_a_network_has_no_buses(read: Read) -> None:
    assert read.study(network=None).network is None
    told = read.told(lots=[{"name": "a", "bus": 3}], load_mw={"3": 1})
    assert "lots[0].bus: the study has no network, so it has no buses; name a feeder" in told[0]
    assert "load_mw: the study has no network, so it has no buses" in told[1]
    broken = read.told(network={"feeder": "nowhere"}, lots=[{"name": "a", "bus": "x"}])
    assert len(broken) == 1  # what buses there are is not known


def test_series_by_bus(read: Read) -> None:
    spec = read.spec(network=FEEDER, load_mw={"12": 0.5, "18": [1, 2, 3, 4]})
    assert spec.load_mw.shape == (33, 4)
    assert spec.load_mw[11].tolist() == [0.5] * 4
    assert spec.load_mw.sum() == 12.0
    read.file("l.csv", "t,12,18\na,0.5,1\nb,0.5,2\nc,0.5,3\nd,0.5,4\n")
    told = read.told(network=FEEDER, load_mw={"file": "l.csv"})
    assert "l.csv:1: load_mw: column 't': no bus of the feeder has this name" in told[0]
    read.file("l.csv", "12,18\n0.5,1\n0.5,2\n0.5,3\n0.5,4\n")
    again = read.study(network=FEEDER, load_mw={"file": "l.csv"})
    assert again.spec == spec
    read.file("again.yaml", again.to_yaml())
    read.file("study.yaml", again.to_yaml())
    assert read.spec(network=FEEDER, load_mw=spec.load_mw.tolist()) == spec


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"99": 1}, "load_mw.99: no bus of the feeder has this number"),
        ({"12": [1]}, "load_mw.12: must have 4 values, has 1"),
        ({"12": [1, 2, "x", 4]}, "load_mw.12[2]: must be a number"),
        ([1, 2], "load_mw: must have a series for each of 33 buses, has 2"),
        (3, "load_mw: must map buses to series"),
        ({"file": "no.csv"}, "load_mw.file: there is no file of this name"),
    ],
)
def test_faults_of_series_by_bus(said: object, words: str, read: Read) -> None:
    assert any(words in line for line in read.told(network=FEEDER, load_mw=said))


def test_a_path_is_a_file_beside_the_study(read: Read) -> None:
    read.file("sun.txt", "bright")
    study = read.study(weather="sun.txt")
    assert study.spec.weather.read_text() == "bright"
    assert study.files == {"sun.txt": hashlib.sha256(b"bright").hexdigest()}
    assert "weather: sun.txt" in study.to_yaml()
    assert "weather: there is no file of this name" in read.told(weather="rain.txt")[0]
    assert "weather: must be the name of a file (got 3)" in read.told(weather=3)[0]


def test_a_study_of_python(read: Read) -> None:
    said: dict[str, Any] = {
        **BASE, "network": FEEDER, "spot_per_mwh": np.arange(4), "load_mw": {12: 0.5},
        "lots": (LOT,), "seed": np.int64(3),
    }  # fmt: skip
    study: Any = study_of(document_of(said), Street)
    assert study.spec.spot_per_mwh.tolist() == [0, 1, 2, 3]
    assert study.spec.load_mw[11, 0] == 0.5
    with pytest.raises(eg.UnusableInput) as refused:
        study_of(document_of({**said, "title": object(), "limit_mw": "x"}), Street)
    assert [(f.file, f.line, f.path) for f in refused.value.findings] == [
        ("(python)", 1, "limit_mw"),
        ("(python)", 1, "title"),
    ]


def test_parts_in_python_know_no_study() -> None:
    class Site(eg.Part):
        bus: eg.Bus
        price: eg.Series

    site = Site(bus=3, price=np.array([1.0, 2.0]))
    assert site.bus == 3
    for wrong in ({"bus": "x", "price": [1]}, {"bus": 3, "price": 2}, {"bus": -1, "price": [1]}):
        with pytest.raises(ValueError, match=r"bus|price"):
            Site(**wrong)
