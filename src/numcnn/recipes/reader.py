"""The network that reads what people write: any pen's digits, or none at all.

The digits are MNIST's training images. With crossed sevens and ones with an upstroke, which are
some of MNIST's with a stroke added, and with digits drawn as European hands write them, it learns
how digits are written elsewhere; with EMNIST's letters, and with signs, shapes, scribbles and
pieces of digits that programs draw, what is no digit. The augmentation stands for other pens, hands
and cameras, and leaves everything framed as the reader frames it.

Its settings were chosen on validation images taken from MNIST's training part.
"""

from functools import partial

from numcnn.augmentation import Compose, Exposure, Pen, Reframe
from numcnn.data import Dataset
from numcnn.handwriting.synthesis import (
    with_european_digits,
    with_non_digits,
    with_real_letters,
    with_variants,
)
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


def network(image_shape: Shape, classes: int, width: int = 32, units: int = 128) -> Sequential:
    """Make the network: two pairs of 3 x 3 convolutions and two dense layers.

    Args:
        image_shape: ``(height, width, channels)``, at least 4 x 4. Where the convolutions would not
            fit into the image, they see a margin around it.
        classes: How many outputs.
        width: The filters of the first two convolutions; the others have twice as many.
        units: The outputs of the first dense layer.
    """
    padding = "valid" if min(image_shape[:2]) >= 16 else "same"
    layers: list[Layer] = [Normalization()]
    for filters in (width, 2 * width):
        layers += [
            Conv2D(filters, 3, padding=padding, use_bias=False),
            BatchNorm(),
            ReLU(),
            Conv2D(filters, 3, padding=padding, use_bias=False),
            MaxPool2D(),
            BatchNorm(),
            ReLU(),
        ]
    layers += [
        Flatten(),
        Dropout(0.3),
        Dense(units, use_bias=False),
        BatchNorm(),
        ReLU(),
        Dropout(0.3),
        Dense(classes),
    ]
    return Sequential(layers)


def extended(
    images: Dataset, seed: int, *, validation: bool = False, data_dir: str | None = None
) -> Dataset:
    """Add digits as they are written elsewhere, what is no digit, and what comes of cutting.

    The arguments are those of `numcnn.recipes.recipe.Extension`; EMNIST letters is looked for in
    ``data_dir``.

    Raises:
        ValueError: The images are not labeled digits of 28 x 28 pixels.
        DataNotFoundError: EMNIST letters is not there and cannot be downloaded.
        ImportError: SciPy or Pillow is not installed.
    """
    try:
        # Digits that touch are cut by the reader's own rules.
        from numcnn.handwriting.synthesis.touching_digits import with_touching_digits
    except ImportError as error:
        raise ImportError(
            "the images of the recipe reader need SciPy and Pillow: pip install 'numcnn[app]'"
        ) from error

    digits = with_european_digits(with_variants(images, 0.35, seed), 0.12, seed)
    images = with_touching_digits(with_non_digits(digits, 0.5, seed), 0.15, seed)
    return with_real_letters(images, 0.2, seed, validation=validation, data_dir=data_dir)


READER = Recipe(
    name="reader",
    summary="for MNIST: digits of any pen and hand, told from what is no digit",
    network=network,
    epochs=20,
    batch_size=128,
    learning_rate=0.01,
    schedule=OneCycle,
    optimizer=partial(Adam, weight_decay=0.02),
    extension=extended,
    augmentation=Compose(
        (
            Pen(thinner=0.8, thicker=1.4, skips=0.08),
            Reframe(rotation=13, shear=12, stretch=0.22, strength=24, smoothness=4, zoom=0.04),
            Exposure(blur=1.0, contrast=1.8, paler=0.25, noise=14),
        )
    ),
    average=0.998,
)
