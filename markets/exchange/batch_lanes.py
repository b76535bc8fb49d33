"""Numbers of several members side by side in a vector register, for kernels that numba compiles.

A value of type ``Lanes`` holds one number for each of WIDTH members. Kernels are written as for
one member: ``store(z, j, load(z, j) - load(values, p) * load(z, k))``. Left to itself, numba's
compiler checks at each such line whether the rows overlap, which costs three times as much.
"""

import operator
from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic, models, overload, register_model

from equigrid.markets.exchange.batch_cache import drop_stale_kernels

drop_stale_kernels()

WIDTH = 16
_NUMBERS = ir.VectorType(ir.DoubleType(), WIDTH)
_FUSED = ("contract",)


def _instruction(function: Callable[..., Any]) -> Any:
    """As numba's intrinsic, whose annotations say that it is called with the typing context."""
    return intrinsic(function)


class Lanes(types.Type):
    """The type of WIDTH numbers side by side."""

    def __init__(self) -> None:
        super().__init__(name=f"Lanes{WIDTH}")


lanes = Lanes()


@register_model(Lanes)
class _LanesModel(models.PrimitiveModel):
    def __init__(self, manager: Any, kind: Any) -> None:
        super().__init__(manager, kind, _NUMBERS)  # type: ignore[no-untyped-call]


def _pointer(context: Any, builder: Any, kind: Any, array: Any, row: Any) -> Any:
    """Return where a row of an array of shape (rows, WIDTH) begins."""
    data = context.make_array(kind)(context, builder, array).data
    start = builder.gep(data, [builder.mul(row, ir.Constant(ir.IntType(64), WIDTH))])
    return builder.bitcast(start, ir.PointerType(_NUMBERS))


@_instruction
def load(typing: Any, array: Any, row: Any) -> Any:
    """Return a row of a contiguous array of shape (rows, WIDTH)."""

    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.load(_pointer(context, builder, signature.args[0], *args), align=8)

    return lanes(array, types.int64), build


@_instruction
def store(typing: Any, array: Any, row: Any, value: Any) -> Any:
    """Write a row of a contiguous array of shape (rows, WIDTH)."""

    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        place = _pointer(context, builder, signature.args[0], args[0], args[1])
        builder.store(args[2], place, align=8)
        return context.get_dummy_value()

    return types.void(array, types.int64, lanes), build


@_instruction
def fill(typing: Any, number: Any) -> Any:
    """Return the same number for every member."""

    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        one = builder.insert_element(ir.Constant(_NUMBERS, ir.Undefined), args[0], _at(0))
        zeros = ir.Constant(ir.VectorType(ir.IntType(32), WIDTH), None)
        return builder.shuffle_vector(one, ir.Constant(_NUMBERS, ir.Undefined), zeros)

    return lanes(types.float64), build


def _at(lane: int) -> Any:
    return ir.Constant(ir.IntType(32), lane)


@_instruction
def choose(typing: Any, left: Any, right: Any, then: Any, otherwise: Any) -> Any:
    """Return, member by member, ``then`` where left > right and ``otherwise`` elsewhere."""

    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        above = builder.fcmp_ordered(">", args[0], args[1])
        return builder.select(above, args[2], args[3])

    return lanes(lanes, lanes, lanes, lanes), build


@_instruction
def lanes_max(typing: Any, left: Any, right: Any) -> Any:
    """Return the greater of two numbers, member by member."""

    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.select(builder.fcmp_ordered(">", args[0], args[1]), args[0], args[1])

    return lanes(lanes, lanes), build


@_instruction
def lanes_min(typing: Any, left: Any, right: Any) -> Any:
    """Return the lesser of two numbers, member by member."""

    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.select(builder.fcmp_ordered("<", args[0], args[1]), args[0], args[1])

    return lanes(lanes, lanes), build


@_instruction
def magnitude(typing: Any, value: Any) -> Any:
    """Return absolute values."""

    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        below = builder.fcmp_ordered("<", args[0], ir.Constant(_NUMBERS, None))
        return builder.select(below, builder.fneg(args[0]), args[0])

    return lanes(lanes), build


@_instruction
def greatest(typing: Any, value: Any) -> Any:
    """Return the greatest number of all members."""

    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        best = builder.extract_element(args[0], _at(0))
        for lane in range(1, WIDTH):
            other = builder.extract_element(args[0], _at(lane))
            best = builder.select(builder.fcmp_ordered(">", other, best), other, best)
        return best

    return types.float64(lanes), build


def _arithmetic(symbol: Any, instruction: str) -> None:
    """Let an operator work member by member."""

    @_instruction
    def apply(typing: Any, left: Any, right: Any) -> Any:
        def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            return getattr(builder, instruction)(args[0], args[1], flags=_FUSED)

        return lanes(lanes, lanes), build

    # numba wants the same annotations on both; names say which side is one number for all.
    def both(left: Any, right: Any) -> Any:
        return apply(left, right)

    def times_one(left: Any, right: Any) -> Any:
        return apply(left, fill(right))

    def one_times(left: Any, right: Any) -> Any:
        return apply(fill(left), right)

    @overload(symbol)
    def lanewise(left: Any, right: Any) -> Callable[..., Any] | None:
        kinds = (isinstance(left, Lanes), isinstance(right, Lanes))
        return {(True, True): both, (True, False): times_one, (False, True): one_times}.get(kinds)


_arithmetic(operator.add, "fadd")
_arithmetic(operator.sub, "fsub")
_arithmetic(operator.mul, "fmul")
_arithmetic(operator.truediv, "fdiv")
