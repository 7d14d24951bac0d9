"""What other libraries do again and again, each in its best setting.

Each function makes ready for a network and a task and returns one step of it. The library is
imported in the function, so that a process has only the one that it measures.
"""

import io
import warnings
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import Any

import numpy as np

from benchmarks.networks import PEER_NETWORKS, image_shape, in_torch
from numcnn import nn

BATCHES = {"train": 128, "infer": 256, "single": 1}
CLASSES = 10

Step = Callable[[], object]


def batch(network: str, task: str) -> tuple[Any, Any]:
    """Images of random numbers, float32 ``(n, height, width, channels)``, and random labels."""
    rng = np.random.default_rng(0)
    images = rng.normal(size=(BATCHES[task], *image_shape(network))).astype(np.float32)
    return images, rng.integers(0, CLASSES, len(images))


def torch_step(network: str, task: str, stack: ExitStack, layout: str, mode: str = "plain") -> Step:
    """PyTorch.

    Args:
        network: Which network.
        task: What to do.
        stack: Ends with the measurement.
        layout: The memory format.
        mode: ``"compiled"`` for `torch.compile`.
    """
    import torch

    torch.manual_seed(0)
    memory_format = getattr(torch, layout)
    model = in_torch(PEER_NETWORKS[network](), image_shape(network))
    model = model.to(memory_format=memory_format)
    pixels, targets = batch(network, task)
    images = torch.from_numpy(pixels.transpose(0, 3, 1, 2).copy()).contiguous(
        memory_format=memory_format
    )
    network_of_torch = torch.compile(model) if mode == "compiled" else model
    if task != "train":
        model.eval()
        stack.enter_context(torch.inference_mode())
        return lambda: network_of_torch(images)
    labels = torch.from_numpy(targets)
    optimizer = torch.optim.Adam(model.parameters())
    loss = torch.nn.CrossEntropyLoss()

    def step() -> None:
        optimizer.zero_grad()
        value = loss(network_of_torch(images), labels)
        value.backward()
        optimizer.step()
        # numcnn knows its loss after each step, too.
        value.item()

    return step


def onnxruntime_step(network: str, task: str, _stack: ExitStack) -> Step:
    """ONNX Runtime, with all of its graph's optimizations."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    session = onnxruntime.InferenceSession(_onnx(network), options, ["CPUExecutionProvider"])
    images = {"x": batch(network, task)[0].transpose(0, 3, 1, 2).copy()}
    return lambda: session.run(None, images)


def openvino_step(network: str, task: str, _stack: ExitStack) -> Step:
    """OpenVINO, in float32, for the shape of the batch."""
    import openvino

    core = openvino.Core()
    model = core.read_model(io.BytesIO(_onnx(network)))
    images = batch(network, task)[0].transpose(0, 3, 1, 2).copy()
    model.reshape(images.shape)
    hints = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": "f32"}
    request = core.compile_model(model, "CPU", hints).create_infer_request()
    request.set_input_tensor(openvino.Tensor(images, shared_memory=True))
    return request.infer


def _onnx(network: str) -> bytes:
    """The network as PyTorch exports it, with a batch of any size."""
    import torch

    shape = image_shape(network)
    model = in_torch(PEER_NETWORKS[network](), shape).eval()
    file = io.BytesIO()
    example = torch.zeros(1, shape[2], *shape[:2])
    with warnings.catch_warnings():
        # The exporter is an old one; the newer one needs a further library.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            model, (example,), file, input_names=["x"], dynamic_axes={"x": {0: "n"}}, dynamo=False
        )
    return file.getvalue()


def jax_step(network: str, task: str, _stack: ExitStack) -> Step:
    """JAX, compiled as a whole: the step of training with its optimizer, or the network."""
    import jax

    layers = PEER_NETWORKS[network]()
    model = nn.Sequential(layers)
    model.build(image_shape(network), seed=0)
    weights = [
        {name: jax.numpy.asarray(array) for name, array in layer.params.items()}
        for _, layer in model.named_layers()
        if layer.params
    ]
    pixels, targets = (jax.numpy.asarray(array) for array in batch(network, task))

    def outputs(weights: Any, images: Any, training: bool) -> Any:
        return _in_jax(layers, iter(weights), images, training)

    if task != "train":
        predict = jax.jit(lambda weights, images: outputs(weights, images, False))
        return lambda: predict(weights, pixels).block_until_ready()

    def loss(weights: Any, images: Any, labels: Any) -> Any:
        logits = jax.nn.log_softmax(outputs(weights, images, True))
        return -logits[jax.numpy.arange(len(labels)), labels].mean()

    @jax.jit
    def learn(state: Any, images: Any, labels: Any) -> Any:
        weights, means, squares, count = state
        value, gradient = jax.value_and_grad(loss)(weights, images, labels)
        each = jax.tree.map
        means = each(lambda m, g: 0.9 * m + 0.1 * g, means, gradient)
        squares = each(lambda v, g: 0.999 * v + 0.001 * g * g, squares, gradient)
        count = count + 1
        rate = 0.001 * jax.numpy.sqrt(1 - 0.999**count) / (1 - 0.9**count)
        weights = each(
            lambda w, m, v: w - rate * m / (jax.numpy.sqrt(v) + 1e-8), weights, means, squares
        )
        return (weights, means, squares, count), value

    zeros = jax.tree.map(jax.numpy.zeros_like, weights)
    state = [(weights, zeros, zeros, jax.numpy.float32(0))]

    def step() -> float:
        state[0], value = learn(state[0], pixels, targets)
        return float(value)

    return step


def _in_jax(layers: Sequence[nn.Layer], weights: Any, x: Any, training: bool) -> Any:
    """What the layers compute, by JAX; ``weights`` yields those of each layer that has some."""
    import jax

    for layer in layers:
        if isinstance(layer, nn.Conv2D):
            params = next(weights)
            x = jax.lax.conv_general_dilated(
                x, params["weight"], (1, 1), layer.padding.upper(),
                dimension_numbers=("NHWC", "HWIO", "NHWC"),
            )  # fmt: skip
            x = x + params["bias"] if layer.use_bias else x
        elif isinstance(layer, nn.MaxPool2D):
            window = (1, *layer.window.size, 1)
            x = jax.lax.reduce_window(x, -jax.numpy.inf, jax.lax.max, window, window, "VALID")
        elif isinstance(layer, nn.BatchNorm):
            params = next(weights)
            mean, variance = (x.mean((0, 1, 2)), x.var((0, 1, 2))) if training else (0.0, 1.0)
            scale = params["gamma"] / jax.numpy.sqrt(variance + layer.epsilon)
            x = (x - mean) * scale + params["beta"]
        elif isinstance(layer, nn.Dense):
            params = next(weights)
            x = x @ params["weight"] + params["bias"]
        elif isinstance(layer, nn.Residual):
            x = x + _in_jax(layer.branch, weights, x, training)
        elif isinstance(layer, nn.Flatten):
            x = x.reshape(len(x), -1)
        elif isinstance(layer, nn.ReLU):
            x = jax.nn.relu(x)
    return x
