"""A commented system of one's own, written to start from."""

from importlib.resources import files
from pathlib import Path

from equigrid.experiments.whole import write_new


def write_own_system(name: str, folder: Path) -> tuple[Path, Path]:
    """Write a system file and its study, neither of which exists yet.

    Parameters
    ----------
    name : str
        Of the study: small letters, digits and ``-``.
    folder : Path

    Returns
    -------
    system, study : Path

    Raises
    ------
    UnusablePlace
        When one of them exists or cannot be written; then neither is left.
    """
    module = name.replace("-", "_")
    code, study = folder / f"{module}.py", folder / f"{name}.yaml"
    write_new(code, _filled("system.py.txt", name, module))
    try:
        write_new(study, _filled("study.yaml.txt", name, module))
    except BaseException:
        code.unlink()
        raise
    return code, study


def _filled(template: str, name: str, module: str) -> str:
    text = files("equigrid.experiments").joinpath("templates", template).read_text("utf-8")
    return text.replace("MODULE", module).replace("NAME", name)
