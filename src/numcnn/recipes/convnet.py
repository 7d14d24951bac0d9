"""The default for pictures of about 28 x 28: two convolutions, small enough for a laptop.

Pooling stands right after each convolution, before batch normalization and ReLU. ReLU commutes
with the maximum, so little changes for what is computed, but both work on a quarter of the pixels.

Its settings were chosen on validation images taken from MNIST's training part.
"""

from functools import partial

from numcnn.augmentation import RandomAffine
from numcnn.nn import (
    Adam,
    BatchNorm,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    MaxPool2D,
    Normalization,
    OneCycle,
    ReLU,
    Sequential,
    Shape,
)
from numcnn.recipes.recipe import Recipe


def network(
    image_shape: Shape, classes: int, width: int = 16, units: int = 128, dropout: float = 0.3
) -> Sequential:
    """Make the network: two convolutions and two dense layers.

    Args:
        image_shape: ``(height, width, channels)``, at least 4 x 4. Where the second convolution
            would not fit into the image, as with 8 x 8 digits, it sees a margin around it.
        classes: How many outputs.
        width: The filters of the first convolution; the second has twice as many.
        units: The outputs of the first dense layer.
        dropout: How much is dropped before each dense layer in training.
    """
    padding = "valid" if min(image_shape[:2]) >= 12 else "same"
    return Sequential(
        [
            Normalization(),
            Conv2D(width, 5, padding="same", use_bias=False),
            MaxPool2D(),
            BatchNorm(),
            ReLU(),
            Conv2D(2 * width, 5, padding=padding, use_bias=False),
            MaxPool2D(),
            BatchNorm(),
            ReLU(),
            Flatten(),
            Dropout(dropout),
            Dense(units, use_bias=False),
            BatchNorm(),
            ReLU(),
            Dropout(dropout),
            Dense(classes),
        ]
    )


CONVNET = Recipe(
    name="convnet",
    summary="two convolutions with batch normalization; small turns, shifts and zooms",
    network=network,
    epochs=12,
    batch_size=128,
    learning_rate=0.01,
    schedule=OneCycle,
    optimizer=partial(Adam, weight_decay=0.02),
    augmentation=RandomAffine(rotation=10, shift=0.08, zoom=0.1, shear=5),
    average=0.998,
)
