"""Branch and bound on complementarity: of every pair one is zero, without big-M.

A node fixes some multipliers and some slacks at zero. Where the game decouples, the followers'
duals with the prices on one side and everybody's quantities on the other share no column: the
bound of a node is a sum, and a decision solves only one side again, from a warm basis.
"""

import heapq
from collections.abc import Callable

import numpy as np

from equigrid.arrays import FloatArray, IntArray, StateArray
from equigrid.markets.bilevel.branching.incumbents import TIGHT, Incumbents, SearchResult
from equigrid.markets.bilevel.branching.nodes import BINDING, NO_VALUE, OPEN, Evaluator, Node
from equigrid.markets.bilevel.branching.pseudo_costs import TINY, PseudoCosts
from equigrid.markets.bilevel.mpcc import Mpcc
from equigrid.markets.forms.search_limits import SearchLimits

_CANDIDATES = 4
_TRUSTED = 2
# Every so many nodes a better answer is looked for: from the node, and around the best one.
_IMPROVE = 20
_SEARCH = 100
_STEPS = 40
_MUCH = 1e9
# A pair is met where slack or multiplier is below this, each in a unit of its own.
_MET = 1e-8


class Branching:
    """Best first, each time down to a leaf before the next best.

    Parameters
    ----------
    stated : Mpcc
    gap : float
        Relative.
    progress : callable, optional
        Told nodes, incumbent and bound now and then.
    tell_every : int
        Nodes between two words of progress.
    """

    def __init__(
        self,
        stated: Mpcc,
        gap: float,
        progress: Callable[[int, float, float], None] | None = None,
        tell_every: int = 50,
    ) -> None:
        self._stated, self._progress = stated, progress
        self._tell_every = tell_every
        self.evaluator = Evaluator(stated)
        self.incumbents = Incumbents(self.evaluator, gap)
        self._costs = PseudoCosts(np.ones((2, stated.pairs.count)))
        self._heap: list[tuple[float, int, Node]] = []
        self._pruned = np.inf
        self._nodes, self._pushed = 0, 0
        self._node: Node | None = None
        self._started, self._iterations = False, 0
        self.unbounded = self._loose = False

    def run(self, node_limit: int, effort: SearchLimits | None = None) -> SearchResult:
        """Search until the gap is closed or the nodes are used up; may be called again.

        Parameters
        ----------
        node_limit : int
            Of all calls together.
        effort : SearchLimits, optional
            What the search may spend beside that. Ctrl-C ends it like a limit, and it says so.
        """
        effort = effort or SearchLimits(node_limit)
        try:
            self._search(node_limit, effort)
        except KeyboardInterrupt:
            effort.interrupt()
        bound = self.bound if self._started else -np.inf
        return SearchResult(self.incumbents.best, bound, self._nodes, self._status())

    def _search(self, node_limit: int, effort: SearchLimits) -> None:
        if not self._started:
            self._node = self._root()
            self._started = True
        self._spend(effort, 0)
        while self._nodes < node_limit and not self.unbounded and not effort.over:
            self._node = self._node or self._pop()
            if self._node is None:
                break
            self._nodes += 1
            if self._nodes % _IMPROVE == 0:
                self.incumbents.improve(self._node)
            if self._nodes % _SEARCH == 1:
                self._search_near(self._node)
            self._node = self._step(self._node)
            self._spend(effort, 1)
            if self._progress and self._nodes % self._tell_every == 0:
                self._progress(self._nodes, self.incumbents.value, self.bound)

    def _spend(self, effort: SearchLimits, nodes: int) -> None:
        iterations = self.evaluator.iterations
        size = sum(self._stated.program.matrix.shape)
        effort.spend(nodes, iterations - self._iterations, size)
        self._iterations = iterations

    def _status(self) -> str:
        if self.unbounded:
            return "unbounded"
        if not self._started or self._node is not None or self._heap or self._loose:
            return "limit"
        if self.incumbents.best is None:
            return "infeasible"
        return "optimal" if self.incumbents.near(self.bound) else "limit"

    @property
    def bound(self) -> float:
        """Least bound of everything that is open or was pruned."""
        open_ = [entry[0] for entry in self._heap[:1]]
        open_ += [self._node.bound] if self._node is not None else []
        return min([self._pruned, self.incumbents.value, *open_])

    def _root(self) -> Node | None:
        root = self.evaluator.root()
        if root is not None:
            self.incumbents.improve(root)
        return root

    def _search_near(self, node: Node) -> None:
        """Search a little where the best answer and a relaxed point do not agree."""
        near = self.incumbents.neighbourhood(node)
        if near is None:
            return
        kept, self._heap = (self._heap, self._pruned, self._loose), []
        current: Node | None = near
        try:
            for _ in range(_STEPS):
                current = self._step(current) if current else None
                if current is None and self._heap:
                    current = heapq.heappop(self._heap)[2]
        finally:
            self._heap, self._pruned, self._loose = kept

    def _pop(self) -> Node | None:
        """Take the best open node, or none once the gap is closed."""
        while self._heap:
            _, _, node = heapq.heappop(self._heap)
            if not self._prune(node):
                self._node = node  # whatever interrupts what follows, it is not lost
                self.incumbents.improve(node)
                return node
        return None

    def _prune(self, node: Node) -> bool:
        value = self.incumbents.value
        if not np.isfinite(value) or node.bound < value - self.incumbents.allowed:
            return False
        self._pruned = min(self._pruned, node.bound)
        return True

    def _step(self, node: Node) -> Node | None:
        """Branch on a node and go on with its better child."""
        if self._prune(node):
            return None
        if node.fractional.size:
            children = self._integer_children(node)
        else:
            pair, decided = self._choice(node)
            if decided is None or pair is None:
                # What was decided on the way may have made whole numbers fractional.
                done = decided is None or not decided.fractional.size
                return self._leaf(decided) if decided is not None and done else decided
            children = self._pair_children(decided, pair)
        return self._descend(children)

    def _descend(self, children: list[Node | None]) -> Node | None:
        """Keep the children for later but the better one."""
        kept = [child for child in children if child is not None and not self._prune(child)]
        kept.sort(key=lambda child: child.bound)
        for other in kept[1:]:
            self._pushed += 1
            heapq.heappush(self._heap, (other.bound, self._pushed, other))
        return kept[0] if kept else None

    def _leaf(self, node: Node) -> Node | None:
        """All pairs hold and all whole numbers are whole: an answer, or no end of them.

        Squares are met only roughly until then; met in full, a pair may not hold any more.
        """
        if self.evaluator.stated.squares.epigraph.size:
            met = self.evaluator.evaluate(
                node.states, node.lower, node.upper, None, propagate=False, tight=TIGHT
            )
            if met is None or met.fractional.size or self._violated(met).size:
                return met
            node = met
        if np.isneginf(node.bound):
            self.unbounded = True
            return None
        self.incumbents.accept(node)
        if self.incumbents.near(node.bound):
            self._pruned = min(self._pruned, node.bound)
            return None
        return self._further(node)

    def _further(self, node: Node) -> Node | None:
        """Decide a pair that was taken for met, where nothing meets the bound of a leaf."""
        product = np.where(node.states == OPEN, node.multiplier * node.slack, 0.0)
        if product.size and product.max() > 0:
            return self._descend(self._pair_children(node, int(np.argmax(product))))
        # Rounding made an answer of what is none; the bound stands, but nothing meets it.
        self._pruned = min(self._pruned, node.bound)
        self._loose = True
        return None

    def _integer_children(self, node: Node) -> list[Node | None]:
        at = node.fractional
        distance = np.abs(node.whole[at] - np.floor(node.whole[at]) - 0.5)
        k = int(at[np.argmin(distance)])
        upper, lower = node.upper.copy(), node.lower.copy()
        upper[k], lower[k] = np.floor(node.whole[k]), np.ceil(node.whole[k])
        return [
            self.evaluator.evaluate(node.states, node.lower, upper, node),
            self.evaluator.evaluate(node.states, lower, node.upper, node),
        ]

    def _choice(self, node: Node) -> tuple[int | None, Node | None]:
        """Return the pair to branch on, trying those that little is known of.

        A pair of which one child has no answer is decided at once, in the node returned.
        """
        violated = self._violated(node)
        if not violated.size:
            return None, node
        score = self._costs.expected(violated, node.multiplier[violated], node.slack[violated])
        order = violated[np.argsort(-score, kind="stable")][:_CANDIDATES]
        best, best_score = int(order[0]), -np.inf
        for pair in order.tolist():
            if (self._costs.trials[:, pair] < _TRUSTED).any():
                gains = self._try(node, pair)
                if np.isinf(gains).any():
                    return self._forced(node, pair, gains)
            else:
                gains = self._costs.gain[:, pair] * (node.multiplier[pair], node.slack[pair])
            value = max(gains[0], TINY) * max(gains[1], TINY)
            if value > best_score:
                best, best_score = pair, value
        return best, node

    def _violated(self, node: Node) -> IntArray:
        positive = (node.multiplier > _MET) & (node.slack > _MET)
        return np.flatnonzero(positive & (node.states == OPEN))

    def _try(self, node: Node, pair: int) -> FloatArray:
        """Gain in bound of both children, infinite where there is no answer."""
        gains = np.full(2, np.inf)
        for side, state in enumerate((NO_VALUE, BINDING)):
            states = _decided(node.states, pair, state)
            child = self.evaluator.evaluate(states, node.lower, node.upper, node, propagate=False)
            if child is not None and not self._prune(child):
                gains[side] = self._learn(node, child, pair, side)
        return gains

    def _learn(self, node: Node, child: Node, pair: int, side: int) -> float:
        """Remember what a decision gained; out of nothing it gains much, but not everything."""
        gain = child.bound - node.bound
        if not np.isfinite(node.bound):
            return 0.0 if np.isneginf(child.bound) else _MUCH
        self._costs.learn(pair, side, gain, float((node.multiplier, node.slack)[side][pair]))
        return max(gain, 0.0)

    def _forced(self, node: Node, pair: int, gains: FloatArray) -> tuple[int | None, Node | None]:
        """Go on with the only child that is left, if one is."""
        if np.isinf(gains).all():
            return None, None
        state = BINDING if np.isinf(gains[0]) else NO_VALUE
        states = _decided(node.states, pair, state)
        child = self.evaluator.evaluate(states, node.lower, node.upper, node)
        if child is None or self._prune(child):
            return None, None
        return self._choice(child)

    def _pair_children(self, node: Node, pair: int) -> list[Node | None]:
        collected = []
        for side, state in enumerate((NO_VALUE, BINDING)):
            states = _decided(node.states, pair, state)
            child = self.evaluator.evaluate(states, node.lower, node.upper, node)
            if child is not None:
                self._learn(node, child, pair, side)
            collected.append(child)
        return collected


def _decided(states: StateArray, pair: int, state: np.int8) -> StateArray:
    changed = states.copy()
    changed[pair] = state
    return changed
