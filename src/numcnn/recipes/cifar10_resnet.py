"""A small residual network for CIFAR-10, made for training in few epochs.

Source: D. Page, "How to train your ResNet", 2018, whose network of nine layers, "ResNet-9", goes
back to B. Coleman's entry in the DAWNBench competition; residual connections are He, Zhang, Ren and
Sun's, "Deep residual learning for image recognition", 2016. The images that turn over every epoch
are K. Jordan's, "94% on CIFAR-10 in 3.29 seconds on a single GPU", 2024.

Kept are the order of the layers, crops and mirror images, label smoothing, and one cycle of a high
rate with Nesterov's momentum. Changed is the width, which is half of the original's, and with it
the number of multiplications, which is a quarter: two cores are no graphics card. The original
scales its outputs down to an eighth, which is left out.

Weight decay stands apart from the gradient here (see `numcnn.nn.Optimizer`): with momentum 0.9,
0.005 is what is usually written as 0.0005.

Only the highest rate was tried out, in trainings of four epochs at half this width, with a fifth of
CIFAR-10's training images held out.
"""

from functools import partial

from numcnn.augmentation import Compose, HorizontalFlip, PaddedCrop
from numcnn.nn import (
    SGD,
    BatchNorm,
    Conv2D,
    Dense,
    Flatten,
    Layer,
    MaxPool2D,
    Normalization,
    OneCycle,
    ReLU,
    Residual,
    Sequential,
    Shape,
    SoftmaxCrossEntropy,
)
from numcnn.recipes.recipe import Recipe


def network(image_shape: Shape, classes: int, width: int = 32) -> Sequential:
    """Make the network.

    Args:
        image_shape: ``(height, width, channels)``, at least 8 x 8. The image is halved three times,
            and then the largest value of each channel is taken.
        classes: How many outputs.
        width: The filters of the first convolution; each part doubles them.
    """

    def convolution(filters: int) -> list[Layer]:
        return [Conv2D(filters, 3, padding="same", use_bias=False), BatchNorm(), ReLU()]

    def smaller(filters: int) -> list[Layer]:
        # Pooling before the normalization leaves that a quarter of the pixels to work on.
        convolved, normalized, active = convolution(filters)
        return [convolved, MaxPool2D(), normalized, active]

    def residual(filters: int) -> Layer:
        return Residual([*convolution(filters), *convolution(filters)])

    return Sequential(
        [
            Normalization(),
            *convolution(width),
            *smaller(2 * width),
            residual(2 * width),
            *smaller(4 * width),
            *smaller(8 * width),
            residual(8 * width),
            MaxPool2D((image_shape[0] // 8, image_shape[1] // 8)),
            Flatten(),
            Dense(classes),
        ]
    )


CIFAR10_RESNET = Recipe(
    name="cifar10-resnet",
    summary="a residual network of nine layers for CIFAR-10",
    network=partial(network, width=32),
    epochs=20,
    batch_size=128,
    learning_rate=0.2,
    schedule=OneCycle,
    optimizer=partial(SGD, momentum=0.9, nesterov=True, weight_decay=0.005),
    loss=SoftmaxCrossEntropy(label_smoothing=0.1),
    augmentation=Compose((PaddedCrop(4), HorizontalFlip("alternating"))),
    average=0.998,
    smallest_side=8,
    validation_split=0.1,
    reported="50 to 70% by NumPy alone",
)
