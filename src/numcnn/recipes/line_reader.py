"""The network that reads a whole line at once, without cutting it into digits first.

Convolutions alone, over the line's height and a few digits' width, say at each of 46 places along
the line which digit is there, if any; connectionist temporal classification makes a number of that
and teaches it from numbers alone. After H. Zhan, S. Lyu and Y. Lu, "Handwritten digit string
recognition using convolutional neural network", 2018, which read such lines without recurrence; the
network here is much smaller.
"""

from numcnn.handwriting.line_frame import HEIGHT
from numcnn.nn import (
    BatchNorm,
    Conv2D,
    Dropout,
    Layer,
    MaxPool2D,
    Normalization,
    ReLU,
    Sequential,
)

EPOCHS = 7
BATCH_SIZE = 64
LEARNING_RATE = 0.004
AVERAGE = 0.998
LINES, VALIDATION_LINES = 60_000, 3_000
VALIDATION_SPLIT = 0.1
"""Of the digits: lines to validate with are composed of digits that are not learned from."""


def network(symbols: int, width: int = 24) -> Sequential:
    """Make the network: five convolutions, each seeing more of the line, and one that answers.

    Args:
        symbols: How many symbols a line is spelled with; one more output stands for none.
        width: The filters of the first convolution.

    Returns:
        Not built yet; it takes images ``(32, 192, 1)`` and gives outputs ``(1, 46, symbols + 1)``.
    """
    layers: list[Layer] = [Normalization()]
    for filters, pool in ((width, 2), (2 * width, 2), (4 * width, (2, 1))):
        layers += [
            Conv2D(filters, 3, padding="same", use_bias=False),
            MaxPool2D(pool),
            BatchNorm(),
            ReLU(),
        ]
    layers += [Conv2D(4 * width, 3, padding="same", use_bias=False), BatchNorm(), ReLU()]
    # What is left of the height goes in here, and one row comes out.
    layers += [Conv2D(128, (HEIGHT // 8, 3), use_bias=False), BatchNorm(), ReLU(), Dropout(0.1)]
    layers += [Conv2D(symbols + 1, (1, 3), padding="same")]
    return Sequential(layers)
