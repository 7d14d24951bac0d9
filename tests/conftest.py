"""What all tests share."""

import signal
from pathlib import Path

import pytest
from hypothesis import settings

# Hypothesis fails an example that takes more than 0.2 s: on a machine that has other work, any may.
settings.register_profile("numcnn", deadline=None)
settings.load_profile("numcnn")

# A shell without job control starts what it puts into the background with SIGINT ignored, and so
# would be every program that the tests start and interrupt.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# Slow as a whole: they start programs and servers, read pictures, or train again and again. The
# quick loop (-m "not slow") does not even import them.
SLOW = (
    "cli",
    "data/test_catalog.py",
    "data/test_imports.py",
    "data/test_mnist.py",
    "distributed/test_fit.py",
    "engine/test_agreement.py",
    "engine/test_decisions.py",
    "engine/test_executor.py",
    "engine/test_kernels.py",
    "engine/test_summary.py",
    "exact/test_training.py",
    "experiments",
    "fuzz",
    "handwriting",
    "interchange",
    "model_files/test_architecture.py",
    "nn/test_torch_layers.py",
    "nn/test_torch_losses.py",
    "nn/test_torch_optimizers.py",
    "nn/test_torch_training.py",
    "plots",
    "recipes",
    "test_doctests.py",
    "test_drawing.py",
    "test_estimator.py",
    "test_examples.py",
    "training/test_fit.py",
    "training/test_interruption.py",
    "training/test_resume.py",
    "training/test_same_bits.py",
    "web",
)
TESTS = Path(__file__).parent


def is_slow(path: Path) -> bool:
    """Whether a file or folder of tests is slow as a whole."""
    name = path.relative_to(TESTS).as_posix()
    return any(name == slow or name.startswith(f"{slow}/") for slow in SLOW)


def is_quick_loop(config: pytest.Config) -> bool:
    """Whether only what is not slow was asked for."""
    return config.getoption("markexpr") == "not slow"


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave out what is slow as a whole; None for no opinion."""
    return True if is_quick_loop(config) and is_slow(collection_path) else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what is slow as a whole."""
    for item in items:
        if is_slow(item.path):
            item.add_marker(pytest.mark.slow)


def pytest_configure(config: pytest.Config) -> None:
    """Draw fewer examples in the quick loop."""
    if is_quick_loop(config):
        settings.register_profile("quick", deadline=None, max_examples=10)
        settings.load_profile("quick")
