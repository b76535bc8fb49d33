"""Plain YAML that readers of YAML 1.1 and of 1.2 take for the same."""

import re
from collections.abc import Iterable
from typing import Any

import pydantic
import yaml

from equigrid.experiments.spec.findings import NUMBER


class _Dumper(yaml.SafeDumper):
    """Writes numbers in rows, no aliases, and quotes what any reader takes for no text."""

    def ignore_aliases(self, data: object) -> bool:
        return True

    def represent_text(self, data: str) -> yaml.Node:
        style = None if data.isprintable() else '"'  # keeps rare line breaks as they are
        return self.represent_scalar("tag:yaml.org,2002:str", data, style)

    def represent_series(self, data: Iterable[Any]) -> yaml.Node:
        numbers = all(type(value) in {int, float} for value in data)
        return self.represent_sequence("tag:yaml.org,2002:seq", data, flow_style=numbers)


_Dumper.add_representer(str, _Dumper.represent_text)
_Dumper.add_representer(list, _Dumper.represent_series)
_Dumper.add_representer(tuple, _Dumper.represent_series)
_Dumper.add_implicit_resolver(
    "tag:equigrid,2024:ambiguous",
    re.compile(rf"(?:{NUMBER.pattern}|[-+]?[0-9]+(?:[eE][-+]?[0-9]+)?|0o[0-7]+|[yYnN])\Z"),
    list("-+.0123456789yYnN"),
)


def to_yaml(content: pydantic.BaseModel | dict[str, Any]) -> str:
    """Write a model or plain data so that YAML 1.1 and 1.2 read the same.

    Parameters
    ----------
    content
        Dicts, lists and tuples of text, numbers, truth values and None, or a model of such.

    Raises
    ------
    yaml.representer.RepresenterError
        If there is anything else in it.
    """
    if isinstance(content, pydantic.BaseModel):
        content = content.model_dump(mode="json", by_alias=True)
    return yaml.dump(content, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100)
