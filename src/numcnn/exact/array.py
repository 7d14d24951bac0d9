"""Arrays whose sums are exact: NumPy's arrays, with every operation looked at.

The layers' own code computes with them unchanged: ``x @ w``, ``dy.sum(axis=0)`` and ``np.exp(x)``
are handed to `ExactArray`, which lets NumPy do what rounds the same everywhere, does itself what
does not, and refuses what it does not know. So nothing inexact gets through unseen, not in a layer
of one's own either.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from importlib import import_module
from typing import Any, NoReturn, Self, final

import numpy as np
from numpy.typing import DTypeLike, NDArray

from numcnn.exact import functions, sums
from numcnn.nn.arrays import Array

_ELEMENTWISE = frozenset(
    {
        *(np.add, np.subtract, np.multiply, np.divide, np.sqrt, np.square, np.reciprocal),
        *(np.negative, np.positive, np.absolute, np.sign, np.copysign, np.signbit),
        *(np.rint, np.floor, np.ceil, np.trunc, np.ldexp, np.frexp),
        *(np.equal, np.not_equal, np.less, np.less_equal, np.greater, np.greater_equal),
        *(np.logical_and, np.logical_or, np.logical_not, np.logical_xor),
        *(np.isfinite, np.isnan, np.isinf, np.bitwise_and, np.bitwise_or, np.invert),
    }
)
"""What IEEE 754 fixes to the last bit, number by number, or what does not round at all."""

# The ufunc that np.clip calls has no public name.
_CLIP: np.ufunc = import_module("numpy._core.umath").clip

_OF_TWO_ZEROS = frozenset({np.maximum, np.minimum, np.fmax, np.fmin, _CLIP})
"""What may return either of 0 and -0, by the processor: they count as equal."""

_FUNCTIONS: dict[np.ufunc, Callable[[NDArray[Any]], NDArray[np.float64]]] = {
    np.exp: functions.exp,
    np.expm1: functions.expm1,
    np.log: functions.log,
    np.log1p: functions.log1p,
    np.tanh: functions.tanh,
    np.sin: functions.sine,
    np.cos: functions.cosine,
    np.tan: functions.tangent,
    np.radians: lambda x: x * (math.pi / 180),
    np.deg2rad: lambda x: x * (math.pi / 180),
}

_MOVING = frozenset(
    {
        *("all", "amax", "amin", "any", "append", "argmax", "argmin", "argsort", "array_equal"),
        *("atleast_1d", "atleast_2d", "atleast_3d", "broadcast_arrays", "broadcast_to", "clip"),
        *("concatenate", "copy", "copyto", "count_nonzero", "delete", "empty_like", "expand_dims"),
        *("flatnonzero", "flip", "full_like", "hstack", "isfinite", "max", "mean", "min"),
        *("moveaxis", "ndim", "nonzero", "ones_like", "pad", "put_along_axis", "ravel", "repeat"),
        *("reshape", "resize", "result_type", "roll", "rollaxis", "rot90", "round", "shape"),
        *("shares_memory", "size", "sliding_window_view", "split", "squeeze", "stack", "std"),
        *("sum", "swapaxes", "take", "take_along_axis", "tile", "transpose", "tril", "triu"),
        *("unique", "var", "vstack", "where", "zeros_like"),
    }
)
"""NumPy's functions that move numbers, or that are made of what is looked at here."""

EXAMPLES: ContextVar[int] = ContextVar("EXAMPLES", default=1)
"""How many examples the arrays at work hold, along their first axis."""

PENDING: ContextVar[list[Pending] | None] = ContextVar("PENDING", default=None)
"""If this is a piece of a batch, the sums over the batch that wait for the other pieces."""

WATCH: ContextVar[Callable[[str, NDArray[Any]], None] | None] = ContextVar("WATCH", default=None)
"""What is told of each operation on numbers, with its name and its result."""


AT: ContextVar[str] = ContextVar("AT", default="")
"""Where the operations that are watched belong: a layer and its pass, or the loss."""

HAS_NO_USE: ContextVar[bool] = ContextVar("HAS_NO_USE", default=False)
"""Whether the layer at work is the first one that learns: nobody asks for its input's gradient."""


@final
@dataclass(frozen=True)
class Pending:
    """A sum over a batch, of which one piece is known.

    Attributes:
        total: Makes the sum of the pieces.
        piece: This one.
        result: Where the sum will be written to.
    """

    total: Callable[[list[Any]], NDArray[np.float64]]
    piece: Any
    result: Array


class ExactArray(np.ndarray):
    """An array of NumPy's whose results are the same bits on every machine.

    Attributes:
        over_batch: Whether this is the transpose of a batch: its last axis runs over examples.
    """

    over_batch: bool
    __array_priority__ = 100

    def __array_finalize__(self, other: Any) -> None:
        self.over_batch = False

    @property
    def T(self) -> Self:  # noqa: N802 (the name that NumPy gives it)
        """The transpose."""
        transposed = self.transpose()
        transposed.over_batch = self.ndim == 2
        return transposed

    def __array_ufunc__(
        self, ufunc: np.ufunc, method: str, *inputs: Any, out: Any = None, **options: Any
    ) -> Any:
        """Compute an operation of NumPy's; see the class."""
        numbers = [plain(value) for value in inputs]
        if ufunc is np.matmul and method == "__call__":
            result = _product(inputs, numbers)
        elif ufunc is np.add and method == "reduce":
            result = _sum(numbers[0], **options)
        elif ufunc in _FUNCTIONS and method == "__call__" and not options:
            result = _FUNCTIONS[ufunc](numbers[0]).astype(np.result_type(numbers[0], np.float32))
        elif ufunc is np.power and method == "__call__":
            result = _power(*numbers)
        elif (ufunc in _ELEMENTWISE and method in ("__call__", "outer")) or _is_reduction(
            ufunc, method
        ):
            return self._elementwise(ufunc, method, numbers, out, options)
        else:
            return self._unknown(ufunc, method, numbers, out, options)
        if out is not None:
            np.copyto(plain(out[0]), result, casting="same_kind")
            _tell(ufunc, method, plain(out[0]))
            return out[0]
        return self._told(ufunc, method, result)

    def _elementwise(
        self, ufunc: np.ufunc, method: str, numbers: list[Any], out: Any, options: dict[str, Any]
    ) -> Any:
        into = {} if out is None else {"out": tuple(plain(value) for value in out)}
        result = getattr(ufunc, method)(*numbers, **into, **options)
        if ufunc in _OF_TWO_ZEROS and np.asarray(result).dtype.kind == "f":
            # In place, unless it is one number.
            result = np.add(result, 0.0, out=result if isinstance(result, np.ndarray) else None)
        if out is not None:
            _tell(ufunc, method, plain(out[0]))
            return out[0] if len(out) == 1 else out
        if isinstance(result, tuple):
            return tuple(self._told(ufunc, method, part) for part in result)
        return self._told(ufunc, method, result)

    def _told(self, ufunc: np.ufunc, method: str, result: Any) -> Any:
        if isinstance(result, _Unneeded):
            return result
        array = np.asarray(result)
        _tell(ufunc, method, array)
        return array.view(type(self)) if array.dtype.kind == "f" else result

    def _unknown(
        self, ufunc: np.ufunc, method: str, numbers: list[Any], out: Any, options: dict[str, Any]
    ) -> Any:
        """Refuse."""
        name = ufunc.__name__ if method == "__call__" else f"{ufunc.__name__}.{method}"
        raise _refusal(f"numpy.{name}")

    def __repr__(self) -> str:
        return repr(plain(self))

    def __str__(self) -> str:
        return str(plain(self))

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        """Call a function of NumPy's that only moves numbers, or is made of what is exact."""
        if function.__name__ not in _MOVING or "linalg" in function.__module__:
            return self._unknown_function(function, args, kwargs)
        kinds = {kind if issubclass(kind, ExactArray) else np.ndarray for kind in types}
        result = super().__array_function__(function, tuple(kinds), args, kwargs)
        return self._wrapped(result)

    def _unknown_function(self, function: Any, args: Any, kwargs: Any) -> Any:
        """Refuse."""
        raise _refusal(f"numpy.{function.__name__}")

    def _wrapped(self, result: Any) -> Any:
        if isinstance(result, tuple | list):
            return type(result)(self._wrapped(part) for part in result)
        if isinstance(result, np.ndarray) and result.dtype.kind == "f":
            return result if isinstance(result, ExactArray) else result.view(type(self))
        return result

    def sum(self, axis: Any = None, dtype: Any = None, out: Any = None, **options: Any) -> Any:
        """The sum."""
        return np.add.reduce(self, axis=axis, dtype=dtype, out=out, **options)

    def mean(  # type: ignore[override]
        self, axis: Any = None, dtype: Any = None, out: None = None, keepdims: bool = False
    ) -> Any:
        """The mean: the sum, divided by the count in float64."""
        dtype = _mean_dtype(self.dtype, dtype)
        sums_ = _sum(plain(self), axis, np.dtype(np.float64), keepdims=keepdims)
        result = np.asarray(sums_ / _count(self.shape, axis)).astype(dtype)
        return self._told(np.add, "mean", result)

    def var(  # type: ignore[override]
        self,
        axis: Any = None,
        dtype: Any = None,
        out: None = None,
        ddof: int = 0,
        keepdims: bool = False,
    ) -> Any:
        """The variance: the sum of squared distances from the mean, by the count less ``ddof``."""
        dtype = _mean_dtype(self.dtype, dtype)
        away = plain(self) - plain(self.mean(axis, dtype, keepdims=True))
        np.multiply(away, away, out=away)
        sums_ = _sum(away, axis, np.dtype(np.float64), keepdims=keepdims)
        count = max(_count(self.shape, axis) - ddof, 0)
        return self._told(np.add, "var", np.asarray(sums_ / count).astype(dtype))

    def std(self, *args: Any, **kwargs: Any) -> Any:
        """The square root of the variance."""
        return np.sqrt(self.var(*args, **kwargs))

    def dot(self, other: Any, out: None = None) -> Any:  # type: ignore[override]
        """The product, as ``self @ other``."""
        return self @ other

    def cumsum(self, *_: Any, **__: Any) -> NoReturn:
        """Refuse."""
        raise _refusal("cumsum")

    cumprod = prod = trace = partition = argpartition = cumsum


class _Unneeded(ExactArray):
    """The gradient of a network's input, which nobody asks for: nothing of it is computed."""

    def __array_ufunc__(
        self, ufunc: np.ufunc, method: str, *inputs: Any, out: Any = None, **options: Any
    ) -> Any:
        """Leave it."""
        return self if out is None else out[0]

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        """Give one of the right shape."""
        shape = kwargs.get("shape", self.shape)
        return self if function is np.pad else _unneeded(shape, self.dtype)


def _unneeded(shape: tuple[int, ...], dtype: Any) -> _Unneeded:
    return np.broadcast_to(np.zeros(1, dtype), shape).view(_Unneeded)


class ExactOutputs(ExactArray):
    """What a model computed, for whoever asked: exact where it can be, NumPy's where not.

    A loss or a softmax of it is exact, too. All else is as with any array.
    """

    def _unknown(
        self, ufunc: np.ufunc, method: str, numbers: list[Any], out: Any, options: dict[str, Any]
    ) -> Any:
        into = {} if out is None else {"out": tuple(plain(value) for value in out)}
        return getattr(ufunc, method)(*numbers, **into, **options)

    def _unknown_function(self, function: Any, args: Any, kwargs: Any) -> Any:
        return function(*_all_plain(args), **_all_plain(kwargs))

    def cumsum(self, *args: Any, **kwargs: Any) -> Any:
        """As NumPy has it."""
        return plain(self).cumsum(*args, **kwargs)

    def prod(self, *args: Any, **kwargs: Any) -> Any:
        """As NumPy has it."""
        return plain(self).prod(*args, **kwargs)


def exact(x: Any, dtype: DTypeLike | None = None) -> ExactArray:
    """View an array as one whose sums are exact; copied only for another dtype."""
    return np.asarray(x, dtype).view(ExactArray)


def plain(x: Any) -> Any:
    """The array of NumPy's that an `ExactArray` is; anything else as it is."""
    return x.view(np.ndarray) if isinstance(x, ExactArray) else x


def _all_plain(value: Any) -> Any:
    if isinstance(value, tuple | list):
        return type(value)(_all_plain(part) for part in value)
    if isinstance(value, dict):
        return {key: _all_plain(part) for key, part in value.items()}
    return plain(value)


def _is_reduction(ufunc: np.ufunc, method: str) -> bool:
    """Whether it takes one of several numbers, or joins booleans: nothing is rounded."""
    if method == "__call__":
        return ufunc in _OF_TWO_ZEROS
    return method == "reduce" and (
        ufunc in _OF_TWO_ZEROS or ufunc in (np.logical_and, np.logical_or)
    )


def _product(inputs: tuple[Any, ...], numbers: list[Any]) -> Array:
    a, b = (np.asarray(value) for value in numbers)
    dtype = np.result_type(a, b)
    if a.ndim != 2 or b.ndim != 2 or a.shape[1] != b.shape[0] or not a.size:
        return sums.any_product(a, b, dtype)
    if getattr(inputs[0], "over_batch", False):
        return _over_batch(sums.outer_products, (a.T, b), (len(a), b.shape[1]), dtype)
    if HAS_NO_USE.get():
        return _unneeded((len(a), b.shape[1]), dtype)
    examples = EXAMPLES.get()
    return sums.product(a, b, 1 if len(a) % examples else examples, dtype)


def _over_batch(
    total: Callable[[list[Any]], NDArray[np.float64]],
    piece: Any,
    shape: tuple[int, ...],
    dtype: Any,
) -> NDArray[Any]:
    """Sum over the batch; if this is a piece of it, leave an array that is filled later."""
    pending = PENDING.get()
    if pending is None:
        return total([piece]).astype(dtype)
    result = np.zeros(shape, dtype)
    pending.append(Pending(total, piece, result))
    return result


def _sum(
    x: NDArray[Any],
    axis: int | tuple[int, ...] | None = 0,
    dtype: Any = None,
    keepdims: bool = False,
    initial: Any = np._NoValue,
    where: Any = True,
) -> NDArray[Any]:
    if where is not True or initial is not np._NoValue:
        raise _refusal("a sum with initial or where")
    if x.dtype.kind != "f":
        return x.sum(axis=axis, dtype=dtype, keepdims=bool(keepdims))
    axes = tuple(range(x.ndim)) if axis is None else _axes(axis, x.ndim)
    if PENDING.get() is not None and 0 in axes:
        assert axes == tuple(range(x.ndim - 1))
        assert not keepdims
        columns = x.shape[-1]
        return _over_batch(sums.column_totals, x.reshape(-1, columns), (columns,), dtype or x.dtype)
    return sums.total(x, axes, bool(keepdims)).astype(x.dtype if dtype is None else dtype)


def _axes(axis: int | tuple[int, ...], ndim: int) -> tuple[int, ...]:
    given = axis if isinstance(axis, tuple) else (axis,)
    return tuple(sorted(place % ndim for place in given))


def _count(shape: tuple[int, ...], axis: Any) -> int:
    axes = range(len(shape)) if axis is None else _axes(axis, len(shape))
    return math.prod(shape[place] for place in axes)


def _mean_dtype(own: np.dtype[Any], asked: Any) -> np.dtype[Any]:
    return np.dtype(asked) if asked is not None else np.result_type(own, np.float32)


def _power(base: Any, exponent: Any) -> NDArray[Any]:
    if np.ndim(exponent) or float(exponent) != int(exponent):
        logarithm = functions.log(np.asarray(base, np.float64))
        return functions.exp(exponent * logarithm).astype(np.result_type(base, exponent))
    return functions.whole_power(base, int(exponent))


def _tell(ufunc: np.ufunc, method: str, result: NDArray[Any]) -> None:
    watch = WATCH.get()
    if watch is not None:
        name = ufunc.__name__
        watch(
            name
            if method == "__call__"
            else {"mean": "mean", "var": "var"}.get(method, method)
            if method in ("mean", "var")
            else f"{name}.{method}",
            result,
        )


def _refusal(what: str) -> ValueError:
    return ValueError(
        f'{what} is not among what engine="exact" computes with the same bits on every machine; '
        "write it with sums, products and numpy.exp, log or tanh, or train with "
        'engine="layers"'
    )
