"""Columns of two tables compared in every bit, all rows at once."""

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Bools = npt.NDArray[np.bool_]


def differing(one: pa.Table, other: pa.Table, name: str) -> Bools:
    """Of each row, whether two tables differ in a column: shape (rows,). What is not a number equals itself."""
    return ~_same(one[name].combine_chunks(), other[name].combine_chunks())


def _same(one: pa.Array, other: pa.Array) -> Bools:
    """Elementwise equality of two arrays of one type and length; null equals null and nothing else."""
    if pa.types.is_list(one.type):
        same = _same_lists(one, other)
    elif pa.types.is_struct(one.type):
        same = np.ones(len(one), bool)
        for mine, theirs in zip(one.flatten(), other.flatten(), strict=True):
            same &= _same(mine, theirs)
    elif pa.types.is_floating(one.type):
        same = _same_floats(_numbers(one), _numbers(other))
    else:
        same = _bools(pc.fill_null(pc.equal(one, other), False))
    null, also = _bools(one.is_null()), _bools(other.is_null())
    equal: Bools = np.where(null | also, null == also, same)
    return equal


def _same_floats(one: npt.NDArray[np.float64], other: npt.NDArray[np.float64]) -> Bools:
    """By their bits, since 0.0 and -0.0 are two values; all that is not a number is one."""
    same: Bools = (one.view(np.int64) == other.view(np.int64)) | (np.isnan(one) & np.isnan(other))
    return same


def _same_lists(one: pa.Array, other: pa.Array) -> Bools:
    """Of each list, whether it has as many elements as the other's and all of them are equal."""
    lengths = [pc.fill_null(pc.list_value_length(each), 0).to_numpy() for each in (one, other)]
    long_as = lengths[0] == lengths[1]
    kept = pa.array(long_as)
    elements = _same(one.filter(kept).flatten(), other.filter(kept).flatten())
    before = np.concatenate([[0], np.cumsum(~elements)])  # elements that differ, counted up to each
    ends = np.cumsum(lengths[0][long_as])
    same = np.zeros(len(one), bool)
    same[long_as] = before[ends] == before[ends - lengths[0][long_as]]
    return same


def _numbers(array: pa.Array) -> npt.NDArray[np.float64]:
    values: npt.NDArray[np.float64] = pc.fill_null(array, 0.0).to_numpy(zero_copy_only=False)
    return values


def _bools(array: pa.Array) -> Bools:
    values: Bools = array.to_numpy(zero_copy_only=False)
    return values
