"""A library that one function needs is imported there."""

import subprocess
import sys


def test_importing_the_package_loads_nothing_heavy():
    code = "import sys, numcnn.data; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {name.split(".")[0] for name in done.stdout.split()}
    assert "numpy" in loaded
    assert not loaded & {"pooch", "requests", "PIL", "sklearn", "scipy"}
