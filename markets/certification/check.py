"""A check: what was asked of an answer, what was measured and allowed, and whether it holds."""

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Check:
    """One question of a certificate, or of a study of its own.

    Attributes
    ----------
    question : str
    measured : float or None
        None where it is not known.
    allowed : float or None
        None where nothing is asked for.
    unit : str
    holds : bool or None
        None where nothing is asked for: told for information.
    part : str
        Under which heading it stands.
    how : str
        By what it was checked.
    shortfall : str
        The sentence to say where it does not hold.
    note : str
        What stands beside the measured figure, such as the same in currency.
    words : (str, str)
        What to say in place of the figures measured and allowed, where they are no figures.
    """

    question: str
    measured: float | None
    allowed: float | None = None
    unit: str = ""
    holds: bool | None = None
    part: str = ""
    how: str = ""
    shortfall: str = ""
    note: str = ""
    words: tuple[str, str] = ("", "")

    @classmethod
    def asked(cls, question: str, measured: float, allowed: float, **more: str) -> "Check":
        """Return a check that holds where `measured <= allowed`, which no NaN is."""
        holds = bool(measured <= allowed)
        return cls(question, float(measured), float(allowed), holds=holds, **more)  # type: ignore[arg-type]

    def reported(self, allowed: str) -> "Check":
        """Return the same for information only, with what to say in place of what is allowed."""
        return replace(self, allowed=None, holds=None, words=(self.words[0], allowed))
