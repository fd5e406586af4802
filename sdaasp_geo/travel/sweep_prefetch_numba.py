"""One instruction that numba does not offer: bring to the cache a line of memory that will be written soon."""

from __future__ import annotations

from typing import Any

from llvmlite import ir  # type: ignore[import-untyped] # llvmlite publishes no types
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

LINE = 64
"""Bytes of a cache line."""

Compiler = Any
"""What numba hands to those who extend it: it publishes no types."""

_TO_WRITE_KEEP_DATA = (1, 3, 1)


def _fetch(_typing: Compiler, table: Compiler, _row: Compiler, _column: Compiler) -> Compiler:
    """Ask for the line that holds ``table[row, column]``; no answer depends on it.

    Rows are written in the order of the nodes, which no processor can guess: without this, a sweep to every node
    spends half of its time waiting for them (LLVM Language Reference, ``llvm.prefetch``).
    """

    def generate(context: Compiler, builder: Compiler, _signature: Compiler, arguments: Compiler) -> Compiler:
        array = context.make_array(table)(context, builder, arguments[0])
        place: Compiler = cgutils.get_item_pointer
        address = builder.bitcast(place(context, builder, table, array, arguments[1:]), cgutils.voidptr_t)
        kind = ir.FunctionType(ir.VoidType(), [address.type, *[cgutils.int32_t] * 3])
        prefetch = builder.module.declare_intrinsic("llvm.prefetch", [address.type], kind)
        builder.call(prefetch, [address, *(cgutils.int32_t(option) for option in _TO_WRITE_KEEP_DATA)])
        return context.get_dummy_value()

    return types.void(table, types.intp, types.intp), generate


fetch: Compiler = intrinsic(_fetch)
