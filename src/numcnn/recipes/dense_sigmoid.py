"""A dense network of any widths, each layer with ReLU or sigmoid, and a sigmoid at each output.

Source: the network of "any number of layers" that courses and their many solutions build, such as
A. Ng's "Neural networks and deep learning" (2017): a list of widths and activations, and at each
output a yes-or-no question, whose cross-entropy is taken on one-hot labels. Nothing is reported
that could be repeated.

The sigmoid of the outputs is inside the loss, which works on logits. Predictions are the softmax of
these: the same order of classes, and shares that sum to 1.

The layers are a list, which ``--layers`` gives on the command line: ``relu:128,sigmoid:64``.
Its rate was chosen on validation images taken from MNIST's training part. Of these 10 outputs 9
mostly say no, and the loss is a mean over them, so the rate is high.
"""

from collections.abc import Sequence
from functools import partial

from numcnn.nn import (
    SGD,
    Constant,
    Dense,
    Flatten,
    Layer,
    ReLU,
    Rescaling,
    Sequential,
    Shape,
    Sigmoid,
    SigmoidCrossEntropy,
)
from numcnn.recipes.recipe import NetworkMaker, Recipe

ACTIVATIONS = {"relu": (ReLU, "he_normal"), "sigmoid": (Sigmoid, "glorot_normal")}
"""Each activation by its name, with the initializer of the weights before it."""

DEFAULT = (("relu", 128), ("sigmoid", 64))


def network(
    image_shape: Shape,  # noqa: ARG001 (any will do)
    classes: int,
    hidden: Sequence[tuple[str, int]] = DEFAULT,
) -> Sequential:
    """Make the network, for images of any size.

    Args:
        image_shape: ``(height, width, channels)``.
        classes: How many outputs.
        hidden: The layers before the outputs, in order: activation, "relu" or "sigmoid", and width.
    """
    layers: list[Layer] = [Rescaling(), Flatten()]
    for name, width in hidden:
        activation, initializer = ACTIVATIONS[name]
        layers += [Dense(width, initializer=initializer), activation()]
    return Sequential([*layers, Dense(classes, initializer="glorot_normal")])


def read_layers(text: str) -> list[tuple[str, int]]:
    """Read a list of layers.

    >>> read_layers("relu:128, sigmoid:64")
    [('relu', 128), ('sigmoid', 64)]

    Args:
        text: Activation and width of each layer, as above.

    Raises:
        ValueError: It is not such a list.
    """
    layers = []
    for part in text.split(","):
        name, _, width = (word.strip() for word in part.lower().partition(":"))
        if name not in ACTIVATIONS or not (width.isascii() and width.isdigit() and int(width)):
            raise ValueError(
                f"layers is {text!r}, where {part.strip()!r} is no layer; give the activation, "
                f"{' or '.join(ACTIVATIONS)}, and the width of each, such as relu:128,sigmoid:64"
            )
        layers.append((name, int(width)))
    return layers


def network_of(text: str) -> NetworkMaker:
    """Make the maker of networks with layers as `read_layers` reads them.

    Raises:
        ValueError: It is not such a list.
    """
    return partial(network, hidden=read_layers(text))


DENSE_SIGMOID = Recipe(
    name="dense-sigmoid",
    summary="dense layers of any widths (--layers), sigmoid outputs, gradient descent",
    network=network,
    epochs=15,
    batch_size=64,
    learning_rate=4.0,
    schedule=Constant,
    optimizer=SGD,
    loss=SigmoidCrossEntropy(),
    smallest_side=1,
    network_of=network_of,
)
