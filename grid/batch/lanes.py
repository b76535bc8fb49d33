"""Eight rows side by side: a number for each of them in one value of type ``Lanes``.

Kernels read as for a single row, ``store(v, j, load(v, i) - load(drop, j))``, and the compiler is
left no choice but to use vector registers: a bus of a tree waits for the one before it, so there is
nothing to be done at once but rows. Eight fill two registers of AVX2 and hide the waiting; sixteen
are no faster.

Arrays have the shape (positions, WIDTH), so that what a step needs of eight rows is 64 bytes in a
row, and the scratch of a feeder of 33 buses fits into the nearest cache. ``gather`` and ``scatter``
turn eight rows of a table into that shape and back while they pass; to transpose whole tables first
would send them through memory, which is what limits small feeders, three times.
"""

import operator
from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic, models, overload, register_model

from equigrid.grid.batch.compiling import drop_stale_kernels

drop_stale_kernels()

WIDTH = 8
_VECTOR = ir.VectorType(ir.DoubleType(), WIDTH)
_INDEX, _LANE = ir.IntType(64), ir.IntType(32)
Build = Callable[[Any, Any, Any, Any], Any]


class Lanes(types.Type):
    """The type of WIDTH numbers side by side."""

    def __init__(self) -> None:
        super().__init__(name=f"GridLanes{WIDTH}")


lanes = Lanes()


@register_model(Lanes)
class _LanesModel(models.PrimitiveModel):
    def __init__(self, manager: Any, kind: Any) -> None:
        super().__init__(manager, kind, _VECTOR)  # type: ignore[no-untyped-call]


def _instruction(function: Callable[..., Any]) -> Any:
    """As numba's intrinsic, whose annotations say that it is called with the typing context."""
    return intrinsic(function)


def _address(
    context: Any, builder: Any, kind: Any, array: Any, position: Any, vector: Any = _VECTOR
) -> Any:
    data = context.make_array(kind)(context, builder, array).data
    start = builder.gep(data, [builder.mul(position, ir.Constant(_INDEX, WIDTH))])
    return builder.bitcast(start, ir.PointerType(vector))


@_instruction
def load(typing: Any, array: Any, position: Any) -> Any:
    """Return the numbers at a position of a contiguous array of shape (positions, WIDTH)."""

    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.load(_address(context, builder, signature.args[0], *args), align=8)

    return lanes(array, types.int64), build


@_instruction
def store(typing: Any, array: Any, position: Any, value: Any) -> Any:
    """Write the numbers at a position of a contiguous array of shape (positions, WIDTH)."""

    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        place = _address(context, builder, signature.args[0], args[0], args[1])
        builder.store(args[2], place, align=8)
        return context.get_dummy_value()

    return types.void(array, types.int64, lanes), build


def _cells(context: Any, builder: Any, kinds: Any, args: Any) -> list[Any]:
    """Return where rows start to stop of a table have a column; the last row stands for missing."""
    table = context.make_array(kinds[0])(context, builder, args[0])
    width = builder.extract_value(table.shape, 1)
    last = builder.sub(args[2], ir.Constant(_INDEX, 1))
    cells = []
    for lane in range(WIDTH):
        row = builder.add(args[1], ir.Constant(_INDEX, lane))
        row = builder.select(builder.icmp_signed("<", row, last), row, last)
        place = builder.add(builder.mul(row, width), args[3])
        cells.append(builder.gep(table.data, [place]))
    return cells


def _joined(builder: Any, cells: list[Any]) -> Any:
    """Return the numbers in cells side by side."""
    numbers = ir.Constant(_VECTOR, ir.Undefined)
    for lane, cell in enumerate(cells):
        number = builder.load(cell)
        numbers = builder.insert_element(numbers, number, ir.Constant(_LANE, lane))
    return numbers


@_instruction
def gather(typing: Any, table: Any, start: Any, stop: Any, column: Any) -> Any:
    """Return a column of rows start to stop of a contiguous table, the last repeated."""

    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return _joined(builder, _cells(context, builder, signature.args, args))

    return lanes(table, types.int64, types.int64, types.int64), build


@_instruction
def scatter(typing: Any, table: Any, start: Any, stop: Any, column: Any, value: Any) -> Any:
    """Write a column of rows start to stop of a contiguous table; spare lanes hold the last row."""

    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        for lane, cell in enumerate(_cells(context, builder, signature.args, args)):
            number = builder.extract_element(args[4], ir.Constant(_LANE, lane))
            builder.store(number, cell)
        return context.get_dummy_value()

    return types.void(table, types.int64, types.int64, types.int64, lanes), build


def _each(context: Any, builder: Any, kinds: Any, args: Any) -> list[Any]:
    """Return where an array has the positions that lanes go to, by rows of a table of positions."""
    array = context.make_array(kinds[0])(context, builder, args[0])
    table = context.make_array(kinds[1])(context, builder, args[1])
    cells = []
    for lane in range(WIDTH):
        here = builder.add(
            builder.mul(args[2], ir.Constant(_INDEX, WIDTH)), ir.Constant(_INDEX, lane)
        )
        there = builder.load(builder.gep(table.data, [here]))
        place = builder.add(
            builder.mul(there, ir.Constant(_INDEX, WIDTH)), ir.Constant(_INDEX, lane)
        )
        cells.append(builder.gep(array.data, [place]))
    return cells


@_instruction
def load_each(typing: Any, array: Any, table: Any, row: Any) -> Any:
    """Return the numbers of an array, each lane's at the position that a row of a table says."""

    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return _joined(builder, _each(context, builder, signature.args, args))

    return lanes(array, table, types.int64), build


@_instruction
def add_each(typing: Any, array: Any, table: Any, row: Any, value: Any) -> Any:
    """Add to the numbers of an array, each lane's at the position that a row of a table says."""

    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        for lane, cell in enumerate(_each(context, builder, signature.args, args)):
            number = builder.extract_element(args[3], ir.Constant(_LANE, lane))
            builder.store(builder.fadd(builder.load(cell), number), cell)
        return context.get_dummy_value()

    return types.void(array, table, types.int64, lanes), build


@_instruction
def choose_each(typing: Any, table: Any, row: Any, then: Any, otherwise: Any) -> Any:
    """Return ``then`` in lanes where a row of a table of positions is not 0, else ``otherwise``."""

    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        wide = ir.VectorType(_INDEX, WIDTH)
        start = _address(context, builder, signature.args[0], args[0], args[1], wide)
        there = builder.icmp_signed("!=", builder.load(start, align=8), ir.Constant(wide, None))
        return builder.select(there, args[2], args[3])

    return lanes(table, types.int64, lanes, lanes), build


@_instruction
def fill(typing: Any, number: Any) -> Any:
    """Return the same number in every lane."""

    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        undefined = ir.Constant(_VECTOR, ir.Undefined)
        first = builder.insert_element(undefined, args[0], ir.Constant(_LANE, 0))
        nowhere = ir.Constant(ir.VectorType(_LANE, WIDTH), None)
        return builder.shuffle_vector(first, undefined, nowhere)

    return lanes(types.float64), build


@_instruction
def choose(typing: Any, left: Any, right: Any, then: Any, otherwise: Any) -> Any:
    """Return ``then`` in lanes with left > right, ``otherwise`` elsewhere, so also beside NaN."""

    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.select(builder.fcmp_ordered(">", args[0], args[1]), args[2], args[3])

    return lanes(lanes, lanes, lanes, lanes), build


def _extreme(relation: str) -> Any:
    def extreme(typing: Any, left: Any, right: Any) -> Any:
        def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            first = builder.fcmp_ordered(relation, args[0], args[1])
            return builder.select(first, args[0], args[1])

        return lanes(lanes, lanes), build

    return _instruction(extreme)


larger, smaller = _extreme(">"), _extreme("<")


def _declared(module: Any, kind: Any, name: str) -> Any:
    return module.globals.get(name) or ir.Function(module, kind, name)


def _by_llvm(name: str) -> Any:
    def function(typing: Any, value: Any) -> Any:
        def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            kind = ir.FunctionType(_VECTOR, [_VECTOR])
            full_name = f"llvm.{name}.v{WIDTH}f64"
            return builder.call(_declared(builder.module, kind, full_name), args)

        return lanes(lanes), build

    return _instruction(function)


magnitude, square_root = _by_llvm("fabs"), _by_llvm("sqrt")


@_instruction
def largest(typing: Any, value: Any) -> Any:
    """Return the largest number of all lanes, a number."""

    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        parts = [
            builder.extract_element(args[0], ir.Constant(_LANE, lane)) for lane in range(WIDTH)
        ]
        best = parts[0]
        for part in parts[1:]:
            best = builder.select(builder.fcmp_ordered(">", part, best), part, best)
        return best

    return types.float64(lanes), build


def _arithmetic(symbol: Any, name: str) -> None:
    """Let an operator work lane by lane, a single number standing for all lanes."""

    @_instruction
    def apply(typing: Any, left: Any, right: Any) -> Any:
        def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            return getattr(builder, name)(args[0], args[1], flags=("contract",))

        return lanes(lanes, lanes), build

    def both(left: Any, right: Any) -> Any:
        return apply(left, right)

    def number_right(left: Any, right: Any) -> Any:
        return apply(left, fill(right))

    def number_left(left: Any, right: Any) -> Any:
        return apply(fill(left), right)

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
