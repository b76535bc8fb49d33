"""Agents: a problem, what it hears (Parameters) and what it says (expressions)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import cvxpy as cp

from equigrid.errors import UnusableGame


@dataclass(frozen=True, eq=False)
class Agent:
    """A pure decision maker: one optimisation problem, stated once.

    Parameters
    ----------
    name : str
        Unique in a game, without dots.
    problem : cvxpy.Problem, optional
        Its own problem, everything it pays and receives included; ``None`` for a party that
        only announces or receives.
    hears : Mapping of str to cvxpy.Parameter
        Every Parameter of the problem, by the name that links use.
    says : Mapping of str to cvxpy.Expression, array or float
        What others may refer to. Variables that occur only here belong to the agent as well.

    Raises
    ------
    UnusableGame
        When the agent contradicts itself; all findings at once.

    Examples
    --------
    >>> import cvxpy as cp
    >>> price, output_mw = cp.Parameter(2), cp.Variable(2, bounds=[0, 3])
    >>> wind = Agent("wind", cp.Problem(cp.Maximize(price @ output_mw)),
    ...              hears={"price": price}, says={"output_mw": output_mw})
    >>> wind.shape_of("output_mw")
    (2,)
    """

    name: str
    problem: cp.Problem | None = None
    hears: Mapping[str, cp.Parameter] = field(default_factory=dict)
    says: Mapping[str, cp.Expression] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Freeze the mappings, turn numbers into constants, and check."""
        said = {name: cp.Expression.cast_to_const(value) for name, value in self.says.items()}
        object.__setattr__(self, "hears", MappingProxyType(dict(self.hears)))
        object.__setattr__(self, "says", MappingProxyType(said))
        UnusableGame.raise_if(self._findings())

    def _findings(self) -> list[str]:
        findings = []
        if not self.name or "." in self.name:
            findings.append(f"agent name {self.name!r} must be text without dots")
        heard_ids = {parameter.id for parameter in self.hears.values()}
        findings += [
            f"agent '{self.name}' uses the Parameter '{parameter.name()}' that it does "
            "not hear; add it to hears"
            for parameter in self.parameters()
            if parameter.id not in heard_ids
        ]
        if self.problem is not None and not self.problem.is_dcp(dpp=True):
            findings.append(
                f"the problem of agent '{self.name}' is not a convex problem that stays so for "
                "every value it may hear (DPP); keep heard values out of products with each other"
            )
        return findings

    def parameters(self) -> list[cp.Parameter]:
        """Return the Parameters of the problem and of what is said, in order of appearance."""
        result = [] if self.problem is None else list(self.problem.parameters())
        for said in self.says.values():
            result += said.parameters()
        return list({parameter.id: parameter for parameter in result}.values())

    def variables(self) -> list[cp.Variable]:
        """Return the Variables of the problem and of what is said, in order of appearance."""
        result = [] if self.problem is None else list(self.problem.variables())
        for said in self.says.values():
            result += said.variables()
        return list({variable.id: variable for variable in result}.values())

    def shape_of(self, said: str) -> tuple[int, ...]:
        """Return the shape of something said."""
        return tuple(self.says[said].shape)

    @property
    def decides(self) -> bool:
        """Whether it has a problem of its own."""
        return self.problem is not None

    @property
    def maximises(self) -> bool:
        """Whether the agent's own objective is a gain."""
        return self.problem is not None and isinstance(self.problem.objective, cp.Maximize)
