"""Habits from other libraries: what something is called here, said where it is asked for.

An argument or a name that Keras, PyTorch or scikit-learn would know is refused with the name that
it has here, or with what to do instead. The names are in ``habits.json``; nothing else in this
package knows other libraries' names.
"""

import difflib
import functools
import inspect
import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable[..., Any])


@functools.cache
def habits(kind: str) -> dict[str, str]:
    """What to do instead of arguments, names or methods that are not there; read at need."""
    path = Path(__file__).with_name("habits.json")
    tables: dict[str, dict[str, str]] = json.loads(path.read_text(encoding="utf-8"))
    return tables[kind]


def function_name(function: Any) -> str:
    """What to call a function that a user gave."""
    return str(getattr(function, "__qualname__", type(function).__name__))


class UnknownArgumentError(ValueError, TypeError):
    """A function or a class has no argument of that name."""


class NotCallableError(ValueError, TypeError):
    """Something that is no function was called."""


def require_arguments(function: str, known: Iterable[str], given: Iterable[str]) -> None:
    """Refuse the names of arguments that a function does not have.

    Args:
        function: What to call it in the error.
        known: The names that it has.
        given: The names that it was given.

    Raises:
        UnknownArgumentError: One is not known; the message says what to give instead.
    """
    known = list(known)
    for name in given:
        if name not in known:
            close = difflib.get_close_matches(name, known, 1)
            instead = f"did you mean {close[0]}?" if close else f"it has {', '.join(known)}"
            remedies = habits("arguments")
            remedy = remedies.get(name, instead)
            if name in ("lr", "learning_rate") and "learning_rate" not in known:
                remedy = remedies["learning_rate"]
            raise UnknownArgumentError(f"{function} has no argument {name}; {remedy}")


def names_arguments(function: F) -> F:
    """Decorate a function: its unknown arguments are refused by `require_arguments`."""
    known = list(inspect.signature(function).parameters)

    @functools.wraps(function)
    def checked(*args: Any, **kwargs: Any) -> Any:
        require_arguments(function.__name__, known, kwargs)
        return function(*args, **kwargs)

    return checked  # type: ignore[return-value]


def no_attribute(owner: str, name: str, remedies: dict[str, str]) -> AttributeError:
    """The error for an attribute that is not there, with what to do instead if that is known."""
    remedy = f"; {remedies[name]}" if name in remedies else ""
    return AttributeError(f"{owner} has no attribute {name!r}{remedy}")
