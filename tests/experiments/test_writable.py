"""Nothing that equigrid did not write is ever removed, wherever a result is told to go."""

import errno
import json
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from equigrid.errors import UnusablePlace
from equigrid.experiments.whole import write_new, write_whole
from equigrid.experiments.writable import free_place, place, require_place

MANIFEST = {"format": "equigrid-result-1"}


def _fill(word: str) -> Callable[[Path], None]:
    def fill(folder: Path) -> None:
        (folder / "tables").mkdir()
        (folder / "tables" / "a.parquet").write_text(word)
        (folder / "summary.json").write_text(word)

    return fill


def _contents(folder: Path) -> dict[str, bytes | None]:
    """Return everything below a folder, links as links."""
    return {
        path.relative_to(folder).as_posix(): (
            os.fsencode(path.readlink())
            if path.is_symlink()
            else path.read_bytes()
            if path.is_file()
            else None
        )
        for path in folder.rglob("*")
    }


def _refused(directory: Path | str, around: Path, word: str) -> None:
    """Assert that a place is refused in a sentence with this word, and nothing is touched."""
    before = _contents(around)
    with pytest.raises(UnusablePlace, match=word) as told:
        write_whole(directory, MANIFEST, _fill("new"))
    assert "\n" not in str(told.value)
    assert _contents(around) == before


@pytest.fixture
def ours(tmp_path: Path) -> Path:
    """Return a directory that was written by us."""
    write_whole(tmp_path / "mydata", MANIFEST, _fill("old"))
    return tmp_path / "mydata"


def test_what_was_written_is_replaced_whole(ours: Path) -> None:
    write_whole(ours, MANIFEST, _fill("new"))
    assert (ours / "summary.json").read_text() == "new"
    assert (ours / "tables" / "a.parquet").read_text() == "new"
    assert [path.name for path in ours.parent.iterdir()] == ["mydata"]


def test_directories_have_the_permissions_of_any_other(ours: Path) -> None:
    (ours.parent / "other").mkdir()
    assert ours.stat().st_mode == (ours.parent / "other").stat().st_mode


def test_an_empty_directory_is_filled(tmp_path: Path) -> None:
    (tmp_path / "mydata").mkdir()
    write_whole(tmp_path / "mydata", MANIFEST, _fill("new"))
    assert (tmp_path / "mydata" / "summary.json").read_text() == "new"


@pytest.mark.parametrize(
    "manifest",
    [
        None,
        "{",
        "[]",
        "{}",
        '{"format": "equigrid-result-1"}',
        '{"format": "other", "files": {"thesis.txt": ""}}',
        '{"name": "a web app", "files": []}',
    ],
)
def test_a_directory_that_is_not_ours_is_left_alone(tmp_path: Path, manifest: str | None) -> None:
    folder = tmp_path / "mydata"
    folder.mkdir()
    (folder / "thesis.txt").write_text("years of work")
    if manifest is not None:
        (folder / "manifest.json").write_text(manifest)
    _refused(folder, tmp_path, "nothing that equigrid did not write")


@pytest.mark.parametrize("name", ["notes.txt", "tables/b.parquet", "a/b/c.txt", ".hidden"])
def test_a_file_of_the_users_own_in_a_directory_of_ours_is_named(ours: Path, name: str) -> None:
    (ours / name).parent.mkdir(parents=True, exist_ok=True)
    (ours / name).write_text("mine")
    _refused(ours, ours.parent, name)


def test_a_file_that_was_changed_is_named(ours: Path) -> None:
    (ours / "summary.json").write_text("annotated")
    _refused(ours, ours.parent, r"changed since.*summary\.json")


def test_an_empty_folder_of_the_users_own_is_named(ours: Path) -> None:
    (ours / "plans").mkdir()
    _refused(ours, ours.parent, "plans/")


def test_a_link_inside_is_no_file_of_ours(ours: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "a.parquet").write_text("old")
    (ours / "tables" / "a.parquet").unlink()
    (ours / "tables").rmdir()
    (ours / "tables").symlink_to(tmp_path / "elsewhere")
    _refused(ours, tmp_path, "tables")


def test_a_manifest_that_lists_files_elsewhere_removes_none(ours: Path, tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    told = json.loads((ours / "manifest.json").read_text())
    told["files"]["../thesis.txt"] = "0"
    (ours / "manifest.json").write_text(json.dumps(told))
    write_whole(ours, MANIFEST, _fill("new"))
    assert (tmp_path / "thesis.txt").read_text() == "years of work"


@pytest.mark.parametrize("leads", ["mydata", "nowhere", "link"])
def test_a_symbolic_link_is_refused(ours: Path, leads: str) -> None:
    link = ours.parent / "link"
    link.symlink_to(ours.parent / leads)
    _refused(link, ours.parent, "symbolic link")


def test_a_file_in_place_of_a_directory_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mydata").write_text("mine")
    _refused(tmp_path / "mydata", tmp_path, "is a file")
    _refused(tmp_path / "mydata" / "below", tmp_path, "cannot be written")


@pytest.mark.parametrize("name", [".", "", "..", "../inner", "~", "/"])
def test_where_one_stands_or_lives_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    (tmp_path / "inner").mkdir()
    monkeypatch.chdir(tmp_path / "inner")
    monkeypatch.setenv("HOME", str(tmp_path / "inner"))
    _refused(name, tmp_path, "home directory, or holds the one you are in")


@pytest.mark.parametrize("name", ["x" * 300, "a\0b", "/proc/nothing", "/dev/null/x", "~nobody_x/y"])
def test_what_cannot_be_written_is_refused_before_anything_else(tmp_path: Path, name: str) -> None:
    if name.startswith("/") and not Path(name).parent.exists():
        pytest.skip("no such place on this system")
    with pytest.raises(UnusablePlace, match="cannot be written"):
        require_place(tmp_path / name if len(name) > 20 else name)


def test_a_read_only_place_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(**_: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(tempfile, "TemporaryFile", denied)
    _refused(tmp_path / "mydata", tmp_path, "Permission denied")


def test_a_full_disk_leaves_what_was_there(ours: Path) -> None:
    def full(folder: Path) -> None:
        (folder / "summary.json").write_text("half")
        raise OSError(errno.ENOSPC, "No space left on device")

    before = _contents(ours.parent)
    with pytest.raises(UnusablePlace, match="No space left on device"):
        write_whole(ours, MANIFEST, full)
    assert _contents(ours.parent) == before


def test_an_interrupt_while_writing_leaves_what_was_there(ours: Path) -> None:
    def stop(folder: Path) -> None:
        (folder / "summary.json").write_text("half")
        raise KeyboardInterrupt

    before = _contents(ours.parent)
    with pytest.raises(KeyboardInterrupt):
        write_whole(ours, MANIFEST, stop)
    assert _contents(ours.parent) == before


def test_a_file_that_comes_while_the_run_goes_on_is_kept(ours: Path) -> None:
    def late(folder: Path) -> None:
        _fill("new")(folder)
        (ours / "notes.txt").write_text("mine")

    with pytest.raises(UnusablePlace, match=r"notes\.txt"):
        write_whole(ours, MANIFEST, late)
    assert (ours / "notes.txt").read_text() == "mine"
    assert (ours / "summary.json").read_text() == "old"
    assert [path.name for path in ours.parent.iterdir()] == ["mydata"]


def test_a_directory_that_comes_while_the_run_goes_on_is_kept(tmp_path: Path) -> None:
    def late(folder: Path) -> None:
        _fill("new")(folder)
        write_whole(tmp_path / "mydata", MANIFEST, _fill("other"))

    with pytest.raises(UnusablePlace, match="exists already"):
        write_whole(tmp_path / "mydata", MANIFEST, late, replace=False)
    assert (tmp_path / "mydata" / "summary.json").read_text() == "other"


def test_names_that_looked_like_ours_before_are_kept(ours: Path) -> None:
    for name in (".mydata.part", ".mydata.old", f".equigrid-{os.getpid()}"):
        (ours.parent / name).mkdir()
        (ours.parent / name / "thesis.txt").write_text("years of work")
    before = _contents(ours.parent)
    write_whole(ours, MANIFEST, _fill("old"))
    assert _contents(ours.parent) == before


def test_numbers_go_on_past_anything_that_is_there(tmp_path: Path) -> None:
    assert free_place(tmp_path / "s") == tmp_path / "s"
    (tmp_path / "s").mkdir()
    (tmp_path / "s-2").write_text("")
    (tmp_path / "s-3").symlink_to("nowhere")
    assert free_place(tmp_path / "s") == tmp_path / "s-4"


def test_a_tilde_is_the_home_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert place("~/mydata") == tmp_path / "mydata"


def test_a_new_file_is_written_once_and_whole(tmp_path: Path) -> None:
    write_new(tmp_path / "a.yaml", "text")
    (tmp_path / "link.yaml").symlink_to("nowhere.yaml")
    for name in ("a.yaml", "link.yaml"):
        with pytest.raises(UnusablePlace, match="exists already"):
            write_new(tmp_path / name, "other")
    for name in ("absent/b.yaml", "a\0b", "a.yaml/b"):
        with pytest.raises(UnusablePlace, match="cannot be written"):
            write_new(tmp_path / name, "other")
    assert {path.name for path in tmp_path.iterdir()} == {"a.yaml", "link.yaml"}


def test_a_file_that_could_be_written_by_half_only_is_removed(tmp_path: Path) -> None:
    with pytest.raises(UnusablePlace, match="cannot be written"):
        write_new(tmp_path / "b.yaml", "half\ud800")
    assert not list(tmp_path.iterdir())


_NAMES = st.sampled_from(["a", "b", "summary.json", "manifest.json", "tables", "a.parquet"])
_PATHS = st.lists(_NAMES, min_size=1, max_size=3).map("/".join)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    files=st.dictionaries(_PATHS, st.binary(max_size=4), min_size=1, max_size=5), was=st.booleans()
)
def test_whatever_a_user_puts_somewhere_stays_or_was_ours(
    files: dict[str, bytes], was: bool
) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder, mine = Path(name) / "mydata", {}
        if was:
            write_whole(folder, MANIFEST, _fill("old"))
        folder.mkdir(exist_ok=True)
        written = {path.read_bytes() for path in folder.rglob("*") if path.is_file()}
        for path, data in files.items():
            try:
                (folder / path).parent.mkdir(parents=True, exist_ok=True)
                (folder / path).write_bytes(data)
            except OSError:
                continue  # a file where a folder would be
            mine[path] = data
        try:
            write_whole(folder, MANIFEST, _fill("new"))
        except UnusablePlace:
            assert all((folder / path).read_bytes() == data for path, data in mine.items())
        else:
            assert all(data in written for data in mine.values())
