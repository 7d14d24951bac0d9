"""Two convolutions and one dense layer, with momentum: a convolutional network without a library.

Source: Zishan Sami, "CNN from scratch", https://github.com/zishansami102/CNN-from-Scratch, in its
folder MNIST.

Kept are the network, standardized pixels, the rate of 0.01, momentum 0.95, batches of 20, 2 epochs,
and filters that begin with LeCun's spread. Changed are three things:

- The original sets the velocity to zero before each batch, so it has no momentum. Here it lasts.
- The dense layer begins with LeCun's spread too, not with positive numbers below 0.01.
- It learns from the first 50,000 images; here it is nine tenths of all.
"""

from functools import partial

from numcnn.nn import (
    SGD,
    Constant,
    Conv2D,
    Dense,
    Flatten,
    MaxPool2D,
    Normalization,
    ReLU,
    Sequential,
    Shape,
)
from numcnn.recipes.recipe import Recipe


def network(image_shape: Shape, classes: int, filters: int = 8) -> Sequential:
    """Make the network.

    Args:
        image_shape: ``(height, width, channels)``, at least 4 x 4. The convolutions take 4 pixels
            each off both sides; where the image is too small for that, as 8 x 8 digits are, they
            see a margin around it instead.
        classes: How many outputs.
        filters: The filters of each convolution.
    """
    padding = "valid" if min(image_shape[:2]) >= 12 else "same"
    return Sequential(
        [
            Normalization(),
            Conv2D(filters, 5, padding=padding, initializer="lecun_normal"),
            ReLU(),
            Conv2D(filters, 5, padding=padding, initializer="lecun_normal"),
            ReLU(),
            MaxPool2D(),
            Flatten(),
            Dense(classes, initializer="lecun_normal"),
        ]
    )


TWO_CONV_MOMENTUM = Recipe(
    name="two-conv-momentum",
    summary="two convolutions of 8 filters, one dense layer, momentum, 2 epochs",
    network=network,
    epochs=2,
    batch_size=20,
    learning_rate=0.01,
    schedule=Constant,
    optimizer=partial(SGD, momentum=0.95),
    reported="above 97%",
)
