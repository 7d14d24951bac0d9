"""LeNet-5 with today's ReLU and max pooling.

Source: LeCun, Bottou, Bengio and Haffner, "Gradient-based learning applied to document
recognition", 1998. The original has scaled tanh units, trainable average pooling, sparse
connections between its second and third layer, and radial basis functions at its end.
"""

from numcnn.augmentation import RandomAffine
from numcnn.nn import (
    Adam,
    Conv2D,
    Dense,
    Flatten,
    MaxPool2D,
    Normalization,
    OneCycle,
    ReLU,
    Sequential,
    Shape,
)
from numcnn.recipes.recipe import Recipe


def network(image_shape: Shape, classes: int) -> Sequential:
    """Make LeNet-5.

    As in the original, the first convolution sees a margin around the image and the second one
    does not; where the image is too small for that, as 8 x 8 digits are, both do.

    Args:
        image_shape: ``(height, width, channels)``, at least 4 x 4.
        classes: How many outputs.
    """
    padding = "valid" if min(image_shape[:2]) >= 12 else "same"
    return Sequential(
        [
            Normalization(),
            Conv2D(6, 5, padding="same"),
            ReLU(),
            MaxPool2D(),
            Conv2D(16, 5, padding=padding),
            ReLU(),
            MaxPool2D(),
            Flatten(),
            Dense(120),
            ReLU(),
            Dense(84),
            ReLU(),
            Dense(classes),
        ]
    )


LENET5 = Recipe(
    name="lenet5",
    summary="LeNet-5 with ReLU and max pooling",
    network=network,
    epochs=12,
    batch_size=128,
    learning_rate=0.005,
    schedule=OneCycle,
    optimizer=Adam,
    augmentation=RandomAffine(rotation=10, shift=0.08, zoom=0.1, shear=5),
    average=0.998,
)
