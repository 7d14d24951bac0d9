"""One side of the speed comparison, in a process of its own that waits until it is asked.

    python benchmarks/contestants.py numcnn|layers|torch|jax|onnxruntime|openvino|sklearn

Reads requests, one JSON list a line (network, task, seconds), from standard input, works for so
long, and writes how many images a second went through: each side has its threads and its memory for
itself, and none of them runs while the other one is measured.
"""

import json
import resource
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from benchmarks.networks import PEER_NETWORKS, image_shape
from benchmarks.peers import (
    BATCHES,
    CLASSES,
    Step,
    batch,
    jax_step,
    onnxruntime_step,
    openvino_step,
    torch_step,
)
from numcnn import nn


def numcnn_step(network: str, task: str, stack: ExitStack) -> Step:
    """What numcnn does again and again."""
    model, images, labels = _model_and_batch(network, task)
    if task != "train":
        predictor = stack.enter_context(model.predictor(len(images)))
        return lambda: predictor(images)
    return _training_step(model, stack.enter_context(model.training_engine()), images, labels)


def layers_step(network: str, task: str, _stack: ExitStack) -> Step:
    """The same by the layers' own code, which is written to be read."""
    model, images, labels = _model_and_batch(network, task)
    if task != "train":
        return lambda: model.outputs(images, len(images), engine="layers")
    return _training_step(
        model, model.executor("layers").training_passes(None, None), images, labels
    )


def _model_and_batch(network: str, task: str) -> tuple[nn.Sequential, Any, Any]:
    model = nn.Sequential(PEER_NETWORKS[network]())
    model.build(image_shape(network), seed=0)
    return model, *batch(network, task)


def _training_step(
    model: nn.Sequential, passes: nn.TrainingPasses, images: Any, labels: Any
) -> Step:
    loss, optimizer, decayed = nn.SoftmaxCrossEntropy(), nn.Adam(), model.weight_decay_mask()
    rng = np.random.default_rng(1)

    def step() -> None:
        ctx = nn.Context(training=True, rng=rng)
        _, dy = loss.value_and_gradient(passes.forward(images, ctx), labels)
        gradient = passes.backward(dy, ctx)
        optimizer.step(model.parameters, gradient, 0.001, decayed, passes.spread)
        model.apply_state_updates(ctx)

    return step


def sklearn_step(network: str, task: str, _stack: ExitStack) -> Step:
    """What scikit-learn's classifier does again and again."""
    from sklearn.neural_network import MLPClassifier

    images, labels = batch(network, task)
    flat = images.reshape(len(images), -1)
    model = MLPClassifier((128,), batch_size=BATCHES["train"], random_state=0)
    model.partial_fit(flat, labels, classes=np.arange(CLASSES))
    if task == "train":
        return lambda: model.partial_fit(flat, labels)
    return lambda: model.predict_proba(flat)


def main() -> None:
    """Serve."""
    side, *layout = sys.argv[1:]
    makers: dict[str, Callable[..., Step]] = {
        "numcnn": numcnn_step,
        "layers": layers_step,
        "torch": torch_step,
        "jax": jax_step,
        "onnxruntime": onnxruntime_step,
        "openvino": openvino_step,
        "sklearn": sklearn_step,
    }
    current: tuple[str, str] | None = None
    with ExitStack() as everything:
        stack = everything.enter_context(ExitStack())
        step: Step = lambda: None  # noqa: E731
        for line in sys.stdin:
            network, task, seconds = json.loads(line)
            if current != (network, task):
                stack.close()
                step, current = makers[side](network, task, stack, *layout), (network, task)
            # In threes, so that looking at the clock costs little beside a step of a few us.
            start, count = time.perf_counter(), 0
            while count < 3 or time.perf_counter() - start < seconds:
                step()
                step()
                step()
                count += 3
            speed = count * BATCHES[task] / (time.perf_counter() - start)
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            print(json.dumps({"images_per_second": speed, "peak_kb": peak}), flush=True)


if __name__ == "__main__":
    main()
