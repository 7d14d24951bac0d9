"""What the network's documentation must have, and that its examples are true."""

import doctest
import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from types import ModuleType

import pytest

import numcnn.nn

MODULES: list[ModuleType] = [
    numcnn.nn,
    *(
        importlib.import_module(info.name)
        for info in pkgutil.walk_packages(numcnn.nn.__path__, "numcnn.nn.")
    ),
]
each_module = pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__)


def public_objects() -> Iterator[tuple[str, object]]:
    """Every public class, function and method that is defined in this room, by its name."""
    for module in MODULES:
        for name, member in vars(module).items():
            if name.startswith("_") or getattr(member, "__module__", None) != module.__name__:
                continue
            if inspect.isclass(member) or inspect.isfunction(member):
                yield f"{module.__name__}.{name}", member
            if inspect.isclass(member):
                for inner, value in vars(member).items():
                    value = value.fget if isinstance(value, property) else value
                    value = getattr(value, "__func__", value)
                    if not inner.startswith("_") and inspect.isfunction(value):
                        yield f"{module.__name__}.{name}.{inner}", value


EVERYTHING = dict(public_objects())


def test_there_is_something_to_document():
    assert {
        "numcnn.nn.layers.convolution.Conv2D",
        "numcnn.nn.layers.convolution.Conv2D.backward",
        "numcnn.nn.model.Sequential.from_config",
        "numcnn.nn.context.Context.rng",
        "numcnn.nn.optimizers.AdamW",
    } <= EVERYTHING.keys()


@pytest.mark.parametrize("name", EVERYTHING)
def test_whatever_is_public_has_a_docstring(name):
    text = EVERYTHING[name].__doc__
    assert text
    # A dataclass without one would get its signature.
    assert not text.startswith(f"{name.rsplit('.', 1)[-1]}(")


@each_module
def test_a_module_says_what_it_is(module):
    assert module.__doc__


@each_module
def test_the_examples_are_true(module):
    assert doctest.testmod(module).failed == 0


def test_there_are_examples():
    assert sum(doctest.testmod(module).attempted for module in MODULES) >= 4


def test_what_the_room_offers_is_there_and_listed_once():
    assert all(hasattr(numcnn.nn, name) for name in numcnn.nn.__all__)
    assert len(set(numcnn.nn.__all__)) == len(numcnn.nn.__all__)


@pytest.mark.parametrize(
    "layer", numcnn.nn.layers.LAYERS.values(), ids=lambda layer: layer.__name__
)
def test_a_layers_backward_derives_its_rule(layer):
    assert layer.backward.__doc__
    assert layer.forward.__doc__
