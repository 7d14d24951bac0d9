"""Two convolutions and two dense layers, with Adam: a NumPy-only network that many began with.

Source: A. Escontrela, "Numpy-CNN: a numpy-only implementation of a convolutional neural network,
from the ground up", 2018, https://github.com/Alescontrela/Numpy-CNN. It loops over filters, rows
and columns of one image after another, and trains for hours.

Kept are the network, standardized pixels, Adam with a rate of 0.01, 0.95 and 0.99, batches of 32
and 2 epochs. Changed are four things:

- The original forgets Adam's two averages after each batch, which leaves steps of one size in the
  gradient's direction of each weight. Here they last, with their start corrected, as in the paper.
- With averages that last, the first steps at 0.01 switch so many units off for good that some seeds
  never learn. So the rate is faded in over a tenth of an epoch. From there it falls smoothly, to a
  tenth with each epoch, since steps at 0.01 cannot settle.
- Weights begin with He's spread, where the original's dense layers begin near zero.
- It learns from the first 50,000 images; here it is nine tenths of all.
"""

from functools import partial

from numcnn.nn import (
    Adam,
    Conv2D,
    Dense,
    ExponentialDecay,
    Flatten,
    MaxPool2D,
    Normalization,
    ReLU,
    Schedule,
    Sequential,
    Shape,
    WarmUp,
)
from numcnn.recipes.recipe import Recipe


def network(image_shape: Shape, classes: int, filters: int = 8, units: int = 128) -> Sequential:
    """Make the network.

    Args:
        image_shape: ``(height, width, channels)``, at least 4 x 4. The convolutions take 4 pixels
            each off both sides; where the image is too small for that, as 8 x 8 digits are, they
            see a margin around it instead.
        classes: How many outputs.
        filters: The filters of each convolution.
        units: The outputs of the first dense layer.
    """
    padding = "valid" if min(image_shape[:2]) >= 12 else "same"
    return Sequential(
        [
            Normalization(),
            Conv2D(filters, 5, padding=padding),
            ReLU(),
            Conv2D(filters, 5, padding=padding),
            ReLU(),
            MaxPool2D(),
            Flatten(),
            Dense(units),
            ReLU(),
            Dense(classes),
        ]
    )


def schedule(rate: float) -> Schedule:
    """Fade the rate in, then let it fall."""
    return WarmUp(ExponentialDecay(rate, factor=0.1), epochs=0.1)


TWO_CONV_ADAM = Recipe(
    name="two-conv-adam",
    summary="two convolutions of 8 filters, two dense layers, Adam, 2 epochs",
    network=network,
    epochs=2,
    batch_size=32,
    learning_rate=0.01,
    schedule=schedule,
    optimizer=partial(Adam, beta_1=0.95, beta_2=0.99),
    reported="97.3%",
)
