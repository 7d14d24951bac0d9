"""The default for pictures of about 28 x 28: three convolutions, small enough for a laptop.

Pooling stands right after each convolution, before batch normalization and ReLU. ReLU commutes
with the maximum, so little changes for what is computed, but both work on a quarter of the pixels.

Its settings were chosen on validation images taken from MNIST's training part.
"""

from numcnn.data import RandomAffine
from numcnn.nn import (
    Adam,
    BatchNorm,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    Layer,
    MaxPool2D,
    Normalization,
    OneCycle,
    ReLU,
    Sequential,
    Shape,
)
from numcnn.recipes.recipe import Recipe


def network(image_shape: Shape, classes: int, width: int = 16, dropout: float = 0.3) -> Sequential:
    """Make the network: ``width``, ``2 width`` and ``4 width`` filters, then one dense layer.

    Args:
        image_shape: ``(height, width, channels)``. An image is halved at most three times, and not
            below 2 pixels.
        classes: How many outputs.
        width: The filters of the first convolution.
        dropout: How much of the last features is dropped in training.
    """
    layers: list[Layer] = [Normalization()]
    side = min(image_shape[:2])
    for filters, kernel_size in ((width, 5), (2 * width, 5), (4 * width, 3)):
        layers.append(Conv2D(filters, kernel_size, padding="same", use_bias=False))
        if side >= 4:
            layers.append(MaxPool2D())
            side //= 2
        layers += [BatchNorm(), ReLU()]
    return Sequential([*layers, Flatten(), Dropout(dropout), Dense(classes)])


CONVNET = Recipe(
    name="convnet",
    summary="three convolutions with batch normalization; small turns, shifts and zooms",
    network=network,
    epochs=12,
    batch_size=128,
    learning_rate=0.01,
    schedule=OneCycle,
    optimizer=Adam,
    augmentation=RandomAffine(rotation=10, shift=0.08, zoom=0.1, shear=5),
    average=0.998,
)
