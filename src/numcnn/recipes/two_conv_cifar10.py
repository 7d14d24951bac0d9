"""The network of `two-conv-momentum` with 16 filters each, for the photographs of CIFAR-10.

Source: Zishan Sami, "CNN from scratch", https://github.com/zishansami102/CNN-from-Scratch, in its
folder CIFAR-10. It states no accuracy.

Kept are the network, standardized pixels, momentum 0.95, batches of 8, and 5 epochs. Changed are
four things:

- The original sets the velocity to zero before each batch, so it has no momentum. Here it lasts,
  and then its rate of 0.01 is too high for batches of 8: nothing is learned. Here it is 0.001.
- It learns from 9,000 images, of the first of five files; here it is nine tenths of all.
- It takes the mean off pixels that are unsigned bytes, where what is darker wraps around to bright.
- Weights begin with LeCun's spread, not with positive numbers below 0.01.
"""

from functools import partial

from numcnn.nn import SGD, Constant
from numcnn.recipes.recipe import Recipe
from numcnn.recipes.two_conv_momentum import network

TWO_CONV_CIFAR10 = Recipe(
    name="two-conv-cifar10",
    summary="two-conv-momentum with 16 filters, for CIFAR-10, 5 epochs",
    network=partial(network, filters=16),
    epochs=5,
    batch_size=8,
    learning_rate=0.001,
    schedule=Constant,
    optimizer=partial(SGD, momentum=0.95),
    reported="not stated",
)
