"""Time a model in numcnn and in ONNX Runtime, on this machine's processor.

    python benchmarks/vs_onnxruntime.py model.onnx
    python benchmarks/vs_onnxruntime.py runs/mnist-convnet-1/model.safetensors --json

An ONNX file, whoever wrote it, is run by ONNX Runtime as it is and read by numcnn; a numcnn model
is exported for ONNX Runtime. Two processes work in turn, a fraction of a second each, on the same
float32 images and the same batch size, both with all cores; a figure is the median over the pairs
of (images a second of numcnn) / (images a second of ONNX Runtime). Needs ``pip install
'numcnn[onnx]'``.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from benchmarks.page import free_environment
from numcnn.interchange import read_onnx, write_onnx
from numcnn.model_files import ModelFile, load_model

BATCHES = (1, 32, 256)


def read(path: Path) -> ModelFile:
    """The model in a file of either kind."""
    return read_onnx(path) if path.suffix.lower() == ".onnx" else load_model(path)


def numcnn_step(path: Path, batch: int, stack: ExitStack) -> Callable[[], Any]:
    """One call of numcnn."""
    model = read(path).model
    images = pixels(model.input_shape, batch)
    predict = stack.enter_context(model.predictor(batch))
    return lambda: predict(images)


def onnxruntime_step(path: Path, batch: int, _stack: ExitStack) -> Callable[[], Any]:
    """One call of ONNX Runtime; the images in the layout that the file asks for."""
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    entrance = session.get_inputs()[0]
    images = pixels(read(path).model.input_shape, batch)
    if len(entrance.shape) == 4 and entrance.shape[1] == images.shape[-1] != entrance.shape[-1]:
        images = np.ascontiguousarray(images.transpose(0, 3, 1, 2))
    fixed = [batch, *(size for size in entrance.shape[1:])]
    if all(isinstance(size, int) for size in fixed):
        images = images.reshape(fixed)
    dtype = np.uint8 if "uint8" in entrance.type else np.float32
    feed = {entrance.name: images.astype(dtype)}
    return lambda: session.run(None, feed)


def pixels(shape: tuple[int, ...], batch: int) -> Any:
    """Images of random numbers."""
    rng = np.random.default_rng(0)
    return rng.integers(0, 256, (batch, *shape)).astype(np.float32)


def serve(side: str, path: Path) -> None:
    """Measure whenever a line with a batch size and seconds comes in."""
    makers = {"numcnn": numcnn_step, "onnxruntime": onnxruntime_step}
    ready: dict[int, Callable[[], Any]] = {}
    with ExitStack() as stack:
        for line in sys.stdin:
            batch, seconds = json.loads(line)
            if batch not in ready:
                ready[batch] = makers[side](path, batch, stack)
            start, count = time.perf_counter(), 0
            while count < 3 or time.perf_counter() - start < seconds:
                ready[batch]()
                count += 1
            print(count * batch / (time.perf_counter() - start), flush=True)


class Side:
    """A process that measures one side."""

    def __init__(self, side: str, path: Path) -> None:
        command = [sys.executable, __file__, str(path), "--serve", side]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        self._process = subprocess.Popen(command, env=free_environment(), **pipes)  # type: ignore[call-overload]

    def measure(self, batch: int, seconds: float) -> float:
        """Images a second."""
        self._process.stdin.write(json.dumps([batch, seconds]) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        if not answer:
            raise SystemExit("one side failed; see above")
        return float(answer)

    def close(self) -> None:
        """End it."""
        self._process.stdin.close()
        self._process.wait()


def main() -> None:
    """Read the arguments, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("model", type=Path, help="an ONNX file, or a model of numcnn")
    parser.add_argument("--batch-size", type=int, action="append", help="default: 1, 32 and 256")
    parser.add_argument("--quick", action="store_true", help="a few seconds in all, less exact")
    parser.add_argument("--json", action="store_true", help="print the ratios as JSON")
    parser.add_argument("--serve", choices=["numcnn", "onnxruntime"], help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.serve:
        serve(arguments.serve, arguments.model)
        return
    seconds, pairs = (0.1, 5) if arguments.quick else (0.4, 15)
    with tempfile.TemporaryDirectory() as folder:
        file = arguments.model
        if file.suffix.lower() != ".onnx":
            file = Path(folder) / "model.onnx"
            write_onnx(file, load_model(arguments.model), dtype="float32")
        sides = Side("numcnn", arguments.model), Side("onnxruntime", file)
        ratios: dict[str, float] = {}
        try:
            for batch in arguments.batch_size or BATCHES:
                for side in sides:
                    side.measure(batch, 2 * seconds)
                found = [[side.measure(batch, seconds) for side in sides] for _ in range(pairs)]
                ratios[str(batch)] = statistics.median(ours / theirs for ours, theirs in found)
                ours, theirs = (statistics.median(each) for each in zip(*found, strict=True))
                if not arguments.json:
                    print(
                        f"{batch:>4} a batch  {ratios[str(batch)]:5.2f}x   numcnn {ours:>11,.0f}/s"
                        f"   ONNX Runtime {theirs:>11,.0f}/s"
                    )
        finally:
            for side in sides:
                side.close()
    if arguments.json:
        print(json.dumps({batch: round(ratio, 3) for batch, ratio in ratios.items()}))


if __name__ == "__main__":
    main()
