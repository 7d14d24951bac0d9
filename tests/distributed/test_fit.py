"""The same weights, bit for bit, on one process and on several ranks."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from numcnn import load_model

pytest.importorskip("mpi4py", reason="ranks need mpi4py (pip install 'numcnn[mpi]')")

PROGRAM = Path(__file__).with_name("ranks_program.py")
LAUNCHER = shutil.which("mpiexec", path=f"{Path(sys.executable).parent}{os.pathsep}{os.defpath}")

pytestmark = pytest.mark.skipif(LAUNCHER is None, reason="no mpiexec is here (pip install mpich)")


def train(ranks: int, folder: Path, epochs: int, fault: str = "") -> subprocess.CompletedProcess:
    """Run the program on so many ranks."""
    folder.mkdir(exist_ok=True)
    command = [sys.executable, "-W", "ignore", str(PROGRAM), str(folder), str(epochs), fault]
    launched = command if ranks == 1 else [str(LAUNCHER), "-n", str(ranks), *command]
    return subprocess.run(launched, capture_output=True, text=True, timeout=100, check=False)


def test_ranks_give_the_bits_of_one_process_also_after_a_resume_on_others(tmp_path):
    alone = train(1, tmp_path / "1", 2)
    assert alone.returncode == 0, alone.stderr
    assert alone.stdout.count("\n") == 4
    four = train(4, tmp_path / "4", 2)
    assert (four.stdout, four.returncode) == (alone.stdout, 0), four.stderr
    assert train(4, tmp_path / "other", 1).returncode == 0
    resumed = train(2, tmp_path / "other", 2)
    assert (resumed.stdout, resumed.returncode) == (alone.stdout, 0), resumed.stderr


def test_statistics_of_each_rank_alone_are_seen(tmp_path):
    alone, local = train(1, tmp_path / "1", 1), train(2, tmp_path / "2", 1, "local")
    differing = {
        ours.split()[0]
        for ours, theirs in zip(alone.stdout.splitlines(), local.stdout.splitlines(), strict=False)
        if ours != theirs
    }
    assert "keras" not in differing
    assert "bn" in differing or "bn: the ranks' weights differ" in local.stderr


def test_an_error_on_one_rank_ends_all(tmp_path):
    failed = train(2, tmp_path / "2", 1, "error")
    assert failed.returncode != 0
    assert "numcnn: rank 1 of 2 failed, so all end: OSError: no more disk" in failed.stderr


def test_weights_that_drift_apart_are_named(tmp_path):
    drifted = train(2, tmp_path / "2", 1, "drift")
    assert drifted.returncode != 0
    assert "after epoch 1 the weights of rank 1 differ from those of rank 0" in drifted.stderr


def test_the_command_trains_on_ranks_and_rank_0_alone_writes(tmp_path):
    command = [sys.executable, "-m", "numcnn", "train", "digits", "--epochs", "1", "--out"]
    models = []
    for launcher in ([], [str(LAUNCHER), "-n", "2"]):
        out = tmp_path / str(len(launcher))
        whole = [*launcher, *command, str(out)]
        done = subprocess.run(whole, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr
        assert done.stdout.count("test accuracy") <= 1
        models.append(read_weights(out / "model.safetensors"))
    assert models[0] == models[1]
    again = subprocess.run(whole, capture_output=True, text=True, timeout=60, check=False)
    assert again.returncode == 2
    assert "holds a run already" in again.stderr


def read_weights(file: Path) -> bytes:
    model = load_model(file).model
    return model.parameters.tobytes() + model.statistics.tobytes()
