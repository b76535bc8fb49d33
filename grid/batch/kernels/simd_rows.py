"""SIMD instructions of the power flow kernels: eight rows, one in each lane of a vector.

A bus of a tree waits for the one before it, so there is nothing to be done at once but rows. Eight
fill two registers of AVX2 and hide the waiting; sixteen are no faster.

What a step needs of eight rows is 64 bytes in a row, and the scratch of a feeder of 33 buses fits
into the nearest cache. ``gather`` and ``scatter`` turn eight rows of a table into that shape and
back while they pass; to transpose whole tables first would send them through memory, which is what
limits small feeders, three times.
"""

from pathlib import Path
from typing import Any, TypeAlias

from llvmlite import ir
from numba import types

from equigrid.compiled.compiling import drop_stale_kernels
from equigrid.compiled.simd import (
    INDEX,
    LANE,
    Lanes,
    address,
    filling,
    instruction,
    loading,
    vector,
)

drop_stale_kernels(Path(__file__).parent)

WIDTH = 8
# What Python has no value of: a number in each lane, of numba's type Lanes.
Register: TypeAlias = Any
lanes, load, fill = Lanes(WIDTH), loading(WIDTH), filling(WIDTH)
_VECTOR = vector(WIDTH)


def _table_cells(context: Any, builder: Any, kinds: Any, args: Any) -> list[Any]:
    """Return the addresses of a column in rows start to stop; the last row stands for missing."""
    table = context.make_array(kinds[0])(context, builder, args[0])
    width = builder.extract_value(table.shape, 1)
    last = builder.sub(args[2], ir.Constant(INDEX, 1))
    cells = []
    for lane in range(WIDTH):
        row = builder.add(args[1], ir.Constant(INDEX, lane))
        row = builder.select(builder.icmp_signed("<", row, last), row, last)
        offset = builder.add(builder.mul(row, width), args[3])
        cells.append(builder.gep(table.data, [offset]))
    return cells


def _packed(builder: Any, cells: list[Any]) -> Any:
    """Return the numbers in cells side by side."""
    numbers = ir.Constant(_VECTOR, ir.Undefined)
    for lane, cell in enumerate(cells):
        number = builder.load(cell)
        numbers = builder.insert_element(numbers, number, ir.Constant(LANE, lane))
    return numbers


@instruction
def gather(typing: Any, table: Any, start: Any, stop: Any, column: Any) -> Any:
    """Return a column of rows start to stop of a contiguous table, the last repeated."""

    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return _packed(builder, _table_cells(context, builder, signature.args, args))

    return lanes(table, types.int64, types.int64, types.int64), build


@instruction
def scatter(typing: Any, table: Any, start: Any, stop: Any, column: Any, value: Any) -> Any:
    """Write a column of rows start to stop of a contiguous table; spare lanes hold the last row."""

    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        for lane, cell in enumerate(_table_cells(context, builder, signature.args, args)):
            number = builder.extract_element(args[4], ir.Constant(LANE, lane))
            builder.store(number, cell)
        return context.get_dummy_value()

    return types.void(table, types.int64, types.int64, types.int64, lanes), build


def _lane_cells(context: Any, builder: Any, kinds: Any, args: Any) -> list[Any]:
    """Return the addresses in an array that a row of a table of positions names for each lane."""
    array = context.make_array(kinds[0])(context, builder, args[0])
    table = context.make_array(kinds[1])(context, builder, args[1])
    cells = []
    for lane in range(WIDTH):
        here = builder.add(
            builder.mul(args[2], ir.Constant(INDEX, WIDTH)), ir.Constant(INDEX, lane)
        )
        there = builder.load(builder.gep(table.data, [here]))
        offset = builder.mul(there, ir.Constant(INDEX, WIDTH))
        offset = builder.add(offset, ir.Constant(INDEX, lane))
        cells.append(builder.gep(array.data, [offset]))
    return cells


@instruction
def load_each(typing: Any, array: Any, table: Any, row: Any) -> Any:
    """Return the numbers of an array, each lane's at the position that a row of a table says."""

    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return _packed(builder, _lane_cells(context, builder, signature.args, args))

    return lanes(array, table, types.int64), build


@instruction
def add_each(typing: Any, array: Any, table: Any, row: Any, value: Any) -> Any:
    """Add to the numbers of an array, each lane's at the position that a row of a table says."""

    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        for lane, cell in enumerate(_lane_cells(context, builder, signature.args, args)):
            number = builder.extract_element(args[3], ir.Constant(LANE, lane))
            builder.store(builder.fadd(builder.load(cell), number), cell)
        return context.get_dummy_value()

    return types.void(array, table, types.int64, lanes), build


@instruction
def choose_each(typing: Any, table: Any, row: Any, then: Any, otherwise: Any) -> Any:
    """Return ``then`` in lanes where a row of a table of positions is not 0, else ``otherwise``."""

    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        wide = vector(WIDTH, INDEX)
        start = address(context, builder, signature.args[0], args[0], args[1], wide)
        there = builder.icmp_signed("!=", builder.load(start, align=8), ir.Constant(wide, None))
        return builder.select(there, args[2], args[3])

    return lanes(table, types.int64, lanes, lanes), build
