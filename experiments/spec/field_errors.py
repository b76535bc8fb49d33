"""How a field type says what is wrong with its value: all of it, each at its own place."""

from typing import Any

import pydantic
from pydantic_core import PydanticCustomError

from equigrid.experiments.spec.findings import Loc, shown

SENTENCE, IN_FILE = "sentence", "in_file"


class FieldErrors:
    """What is wrong with the value of one field, collected.

    Attributes
    ----------
    items : list
        As pydantic takes them.
    """

    def __init__(self) -> None:
        self.items: list[Any] = []

    def add(self, loc: Loc, kind: str, value: object, **context: object) -> None:
        """Note an error of a kind that pydantic knows, such as ``float_type``."""
        self.items.append({"type": kind, "loc": loc, "input": value, "ctx": context})

    def say(self, loc: Loc, sentence: str, value: object = None, *, absent: bool = False) -> None:
        """Note a sentence about a place; `value` is the guilty one, None to omit it.

        Where what the place should hold is `absent`, the data do not have it.
        """
        got = None if value is None else shown(value)
        self._custom(loc, SENTENCE, sentence, {"got": got, "absent": absent})

    def in_file(self, file: str, line: int, sentence: str, got: str | None = None) -> None:
        """Note a sentence about a line of another file than the study's."""
        text = None if got is None else shown(got)
        place = {"file": file, "line": line, "absent": False}
        self._custom((), IN_FILE, sentence, {**place, "got": text})

    def _custom(self, loc: Loc, kind: str, sentence: str, context: dict[str, Any]) -> None:
        error = PydanticCustomError(kind, sentence, context)
        self.items.append({"type": error, "loc": loc, "input": None})

    def raise_if_any(self) -> None:
        """Raise what was noted, if anything."""
        if self.items:
            raise pydantic.ValidationError.from_exception_data("field", self.items)


def refused(sentence: str, value: object = None) -> pydantic.ValidationError:
    """Return the error that says one sentence about a field; `value` None to omit it."""
    errors = FieldErrors()
    errors.say((), sentence, value)
    return pydantic.ValidationError.from_exception_data("field", errors.items)
