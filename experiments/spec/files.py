"""Files beside a study: each is read once, and its digest is kept."""

import csv
import hashlib
import io
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePath

_LARGEST_FILE = 50_000_000  # bytes


class UnusableFile(Exception):
    """A file that cannot be used; `line` is 0 where the study names it wrongly."""

    def __init__(self, sentence: str, line: int = 0) -> None:
        self.sentence, self.line = sentence, line
        super().__init__(sentence)


@dataclass(frozen=True)
class Row:
    """A row of a table: its line in the file and its cells."""

    line: int
    cells: tuple[str, ...]


@dataclass(frozen=True)
class CsvTable:
    """A CSV file with a header.

    Attributes
    ----------
    file : str
        As findings name it.
    columns : tuple of str
    rows : tuple of Row
        A row may have too few or too many cells.
    """

    file: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]

    @cached_property
    def uneven(self) -> tuple[Row, ...]:
        """Rows with another number of cells than the header."""
        return tuple(row for row in self.rows if len(row.cells) != len(self.columns))


class Files:
    """The files in the folder of a study.

    Parameters
    ----------
    folder : Path

    Attributes
    ----------
    digests : dict of str to str
        SHA-256 of each file that was read, by its name as the study says it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.digests: dict[str, str] = {}
        self._tables: dict[str, CsvTable | UnusableFile] = {}

    def path(self, name: str) -> Path:
        """Return the path of a file that exists in the folder or below it.

        Raises
        ------
        UnusableFile
        """
        pure, path = PurePath(name), self.folder / name
        if pure.is_absolute() or ".." in pure.parts:
            raise UnusableFile(
                "must stand in the folder of the study or below it, so that a result can keep a "
                "copy; copy it there"
            )
        try:
            found = path.is_file()
        except (OSError, ValueError):
            found = False
        if not found:
            raise UnusableFile(f"there is no file of this name in '{self.folder}'")
        return path

    def content(self, name: str) -> bytes:
        """Return what a file holds, and keep its digest.

        Raises
        ------
        UnusableFile
        """
        path = self.path(name)
        try:
            if path.stat().st_size > _LARGEST_FILE:
                most = _LARGEST_FILE // 1_000_000
                raise UnusableFile(f"is larger than {most} MB; leave out what is not needed")
            content = path.read_bytes()
        except OSError as error:
            raise UnusableFile(f"cannot be read: {error.strerror or error}") from error
        self.digests[name] = hashlib.sha256(content).hexdigest()
        return content

    def table(self, name: str) -> CsvTable:
        """Return a CSV file with a header.

        Raises
        ------
        UnusableFile
        """
        if name not in self._tables:
            try:
                self._tables[name] = _parsed(str(self.folder / name), self.content(name))
            except UnusableFile as error:
                self._tables[name] = error
        table = self._tables[name]
        if isinstance(table, UnusableFile):
            raise table
        return table


def _parsed(file: str, content: bytes) -> CsvTable:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise UnusableFile("is not UTF-8; save it as UTF-8", line) from error
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    rows: list[Row] = []
    begins = 1
    try:
        for cells in reader:
            rows.append(Row(begins, tuple(cell.strip() for cell in cells)))
            begins = reader.line_num + 1
    except csv.Error as error:
        raise UnusableFile(f"is no CSV: {error}", reader.line_num) from error
    while rows and not any(rows[-1].cells):
        rows.pop()
    if not rows:
        raise UnusableFile("is empty; begin with a row of column names", 1)
    return _with_header(file, rows[0], tuple(rows[1:]))


def _with_header(file: str, header: Row, rows: tuple[Row, ...]) -> CsvTable:
    columns = header.cells
    if len(columns) == 1 and ";" in columns[0]:
        raise UnusableFile("separates columns by semicolons; separate them by commas", 1)
    doubled = sorted({name for name in columns if columns.count(name) > 1})
    if doubled:
        raise UnusableFile(f"has two columns of the name {doubled[0]!r}; rename one", 1)
    # A blank line is a row whose only cell is empty.
    return CsvTable(file, columns, tuple(Row(r.line, r.cells or ("",)) for r in rows))
