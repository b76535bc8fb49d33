"""SIMD instructions for kernels that numba compiles: numbers side by side in a register.

A value of type ``Lanes`` holds one number for each of so many rows, members or whatever is worked
on at once. Kernels read as for one: ``store(z, j, load(z, j) - load(values, p) * load(z, k))``.
Left to itself, numba's compiler checks at each such line whether arrays overlap, which costs three
times as much. Arrays have the shape (positions, width).

Operators work lane by lane, and a single number stands for all lanes.
"""

import operator
from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic, models, overload, register_model

INDEX, LANE = ir.IntType(64), ir.IntType(32)


class Lanes(types.Type):
    """The type of so many numbers side by side."""

    def __init__(self, width: int) -> None:
        self.width = width
        super().__init__(name=f"Lanes{width}")


@register_model(Lanes)
class _LanesModel(models.PrimitiveModel):
    def __init__(self, manager: Any, kind: Any) -> None:
        super().__init__(manager, kind, vector(kind.width))  # type: ignore[no-untyped-call]


def vector(width: int, element: Any = None) -> Any:
    """Return LLVM's type of so many numbers."""
    return ir.VectorType(element or ir.DoubleType(), width)


def instruction(function: Callable[..., Any]) -> Any:
    """As numba's intrinsic, whose annotations say that it is called with the typing context."""
    return intrinsic(function)


def address(context: Any, builder: Any, kind: Any, array: Any, position: Any, into: Any) -> Any:
    """Return where an array of shape (positions, width) has a position, to be read as a vector."""
    data = context.make_array(kind)(context, builder, array).data
    start = builder.gep(data, [builder.mul(position, ir.Constant(INDEX, into.count))])
    return builder.bitcast(start, ir.PointerType(into))


def loading(width: int) -> Any:
    """Return ``load``, which reads so many numbers."""

    @instruction
    def load(typing: Any, array: Any, position: Any) -> Any:
        def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            array, position = args
            into = vector(width)
            here = address(context, builder, signature.args[0], array, position, into)
            return builder.load(here, align=8)

        return Lanes(width)(array, types.int64), build

    return load


def filling(width: int) -> Any:
    """Return ``fill``, which puts the same number into so many lanes."""

    @instruction
    def fill(typing: Any, number: Any) -> Any:
        def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            return _broadcast(builder, args[0], width)

        return Lanes(width)(types.float64), build

    return fill


def _broadcast(builder: Any, number: Any, width: int) -> Any:
    undefined = ir.Constant(vector(width), ir.Undefined)
    first = builder.insert_element(undefined, number, ir.Constant(LANE, 0))
    return builder.shuffle_vector(first, undefined, ir.Constant(vector(width, LANE), None))


@instruction
def fill_like(typing: Any, number: Any, like: Any) -> Any:
    """Return the same number in as many lanes as another value has."""

    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return _broadcast(builder, args[0], signature.args[1].width)

    return like(types.float64, like), build


@instruction
def store(typing: Any, array: Any, position: Any, value: Any) -> Any:
    """Write the numbers at a position of a contiguous array of shape (positions, width)."""

    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        into = vector(signature.args[2].width)
        here = address(context, builder, signature.args[0], args[0], args[1], into)
        builder.store(args[2], here, align=8)
        return context.get_dummy_value()

    return types.void(array, types.int64, value), build


@instruction
def choose(typing: Any, left: Any, right: Any, then: Any, otherwise: Any) -> Any:
    """Return ``then`` in lanes with left > right, ``otherwise`` elsewhere, so also beside NaN."""

    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.select(builder.fcmp_ordered(">", args[0], args[1]), args[2], args[3])

    return left(left, right, then, otherwise), build


def _extreme(relation: str) -> Any:
    def extreme(typing: Any, left: Any, right: Any) -> Any:
        def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            first = builder.fcmp_ordered(relation, args[0], args[1])
            return builder.select(first, args[0], args[1])

        return left(left, right), build

    return instruction(extreme)


larger, smaller = _extreme(">"), _extreme("<")


def _by_llvm(name: str) -> Any:
    def function(typing: Any, value: Any) -> Any:
        def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            numbers = vector(value.width)
            kind = ir.FunctionType(numbers, [numbers])
            return builder.call(
                _declared(builder.module, kind, f"llvm.{name}.v{value.width}f64"), args
            )

        return value(value), build

    return instruction(function)


def _declared(module: Any, kind: Any, name: str) -> Any:
    return module.globals.get(name) or ir.Function(module, kind, name)


magnitude, square_root = _by_llvm("fabs"), _by_llvm("sqrt")


@instruction
def largest(typing: Any, value: Any) -> Any:
    """Return the largest number of all lanes, a number."""

    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        best, *others = (
            builder.extract_element(args[0], ir.Constant(LANE, lane)) for lane in range(value.width)
        )
        for other in others:
            best = builder.select(builder.fcmp_ordered(">", other, best), other, best)
        return best

    return types.float64(value), build


def _arithmetic(symbol: Any, name: str) -> None:
    """Let an operator work lane by lane."""

    @instruction
    def apply(typing: Any, left: Any, right: Any) -> Any:
        def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            return getattr(builder, name)(args[0], args[1], flags=("contract",))

        return left(left, right), build

    # numba wants the same annotations on all; names say which side is one number for all lanes.
    def both(left: Any, right: Any) -> Any:
        return apply(left, right)

    def number_right(left: Any, right: Any) -> Any:
        return apply(left, fill_like(right, left))

    def number_left(left: Any, right: Any) -> Any:
        return apply(fill_like(left, right), right)

    @overload(symbol)
    def lanewise(left: Any, right: Any) -> Callable[..., Any] | None:
        kinds = (isinstance(left, Lanes), isinstance(right, Lanes))
        ways = {(True, True): both, (True, False): number_right, (False, True): number_left}
        return ways.get(kinds)


for _symbol, _name in (
    (operator.add, "fadd"),
    (operator.sub, "fsub"),
    (operator.mul, "fmul"),
    (operator.truediv, "fdiv"),
):
    _arithmetic(_symbol, _name)
