"""Studies cut into shorter steps: what is said of an hour is said of each step in it."""

from typing import Any


def shorter(data: dict[str, Any], parts: int) -> dict[str, Any]:
    """Return a study of hours in which each is so many steps, every series repeated."""
    cut: dict[str, Any] = _cut(data, data["steps"], parts)
    return cut | {"steps": parts * data["steps"], "step_minutes": 60 // parts}


def _cut(value: Any, hours: int, parts: int) -> Any:
    if isinstance(value, dict):
        return {key: _cut(inner, hours, parts) for key, inner in value.items()}
    if not isinstance(value, list):
        return value
    if len(value) == hours and all(isinstance(item, int | float) for item in value):
        return [item for item in value for _ in range(parts)]
    return [_cut(item, hours, parts) for item in value]
