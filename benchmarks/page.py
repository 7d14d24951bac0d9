"""`docs/benchmarks.md`: a page of sections, each written anew by the program that measures it."""

import os
import platform
import subprocess
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

PAGE = Path(__file__).resolve().parents[1] / "docs" / "benchmarks.md"

TYING = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE", "OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS")
"""Environment variables that tie a linear algebra library to an older processor or to one core."""

_SECTIONS = ("peers", "speed", "lenet5-fast")
_HEAD = """# Speed

numcnn, which is NumPy alone, against PyTorch and others, on the same processor.
"""


def free_environment() -> dict[str, str]:
    """The environment for a program that is measured: without what ties one of the two sides."""
    return {name: value for name, value in os.environ.items() if name not in TYING}


def write_section(name: str, lines: Sequence[str]) -> None:
    """Put a section into the page, in place of the one of that name.

    Args:
        name: One of those that the page has.
        lines: Its text, Markdown.
    """
    page = PAGE.read_text("utf-8") if PAGE.exists() else ""
    parts = {}
    for section in _SECTIONS:
        begin, end = _marks(section)
        if section == name:
            parts[section] = "\n".join([begin, "", *lines, "", end])
        elif begin in page:
            parts[section] = begin + page.partition(begin)[2].partition(end)[0] + end
    PAGE.write_text(
        "\n".join([_HEAD, *("\n".join([part, ""]) for part in parts.values())]), "utf-8"
    )


def speed_text(images: float) -> str:
    """Images a second, short enough for a table."""
    return f"{images:,.0f}" if images < 100_000 else f"{images / 1000:,.0f}k"


def _marks(section: str) -> tuple[str, str]:
    return f"<!-- {section}: written by a program, do not edit -->", f"<!-- end of {section} -->"


def hardware() -> str:
    """What it was measured on, in a line."""
    model = platform.processor() or platform.machine()
    try:
        for line in Path("/proc/cpuinfo").read_text("utf-8").splitlines():
            if line.startswith("model name"):
                model = line.partition(":")[2].strip()
                break
    except OSError:
        pass
    kernels = subprocess.run(
        [
            sys.executable,
            "-c",
            "from numcnn.engine.blas import blas_kernels; print(blas_kernels())",
        ],
        check=True,
        capture_output=True,
        text=True,
        env=free_environment(),
    ).stdout.strip()
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return (
        f"{cores} cores of {model}, {platform.system()}, Python {platform.python_version()}, "
        f"NumPy {version('numpy')} ({kernels}), PyTorch {version('torch')}, numcnn "
        f"{version('numcnn')}"
    )
