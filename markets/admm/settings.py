"""Settings of an exchange by ADMM, which both sides of it go by."""

from dataclasses import dataclass, field
from typing import Literal

from equigrid.markets.messaging.talk_limits import Progress


@dataclass(frozen=True)
class AdmmSettings:
    """How rounds go, and when they end; ``Admm`` says what each setting means."""

    rounds: int = 2000
    tolerance: float = 1e-6
    dual_tolerance: float = 1e-5
    rho: float | None = None
    adapt: bool = True
    relaxation: float = 1.6
    memory: int = 10
    patience: int = 40
    silent: Literal["stop", "go on"] = "stop"
    compare_up_to: int = 20_000
    work_limit: float | None = None
    seconds: float | None = None
    progress: Progress | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        """Refuse settings that no exchange can go by."""
        findings = [text for fits, text in self._conditions() if not fits]
        if findings:
            raise ValueError("\n".join(findings))

    def _conditions(self) -> list[tuple[bool, str]]:
        def told(name: str, wanted: str) -> str:
            return f"{name} of Admm must be {wanted} (got {getattr(self, name)!r})"

        return [
            (self.rounds >= 1, told("rounds", "at least 1")),
            (self.tolerance > 0, told("tolerance", "above 0")),
            (self.dual_tolerance > 0, told("dual_tolerance", "above 0")),
            (self.rho is None or self.rho > 0, told("rho", "above 0")),
            (1 <= self.relaxation < 2, told("relaxation", "from 1 to below 2")),
            (self.memory >= 0, told("memory", "at least 0")),
            (self.patience >= 1, told("patience", "at least 1")),
            (self.work_limit is None or self.work_limit > 0, told("work_limit", "above 0")),
            (self.seconds is None or self.seconds > 0, told("seconds", "above 0")),
            (self.silent in ("stop", "go on"), told("silent", "'stop' or 'go on'")),
        ]
