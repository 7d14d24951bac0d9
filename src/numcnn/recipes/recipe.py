"""A recipe: everything about a training but the data and the seed."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Protocol, final

from numcnn.augmentation import Augmentation
from numcnn.data import Dataset
from numcnn.nn import Loss, Optimizer, Schedule, Sequential, Shape, SoftmaxCrossEntropy


class NetworkMaker(Protocol):
    """Makes a recipe's network, not yet built."""

    def __call__(self, image_shape: Shape, classes: int) -> Sequential:
        """Make it for images ``(height, width, channels)`` and a number of outputs.

        Raises:
            ValueError: The images are too small.
        """


class OptimizerMaker(Protocol):
    """Makes a fresh optimizer."""

    def __call__(self, *, learning_rate: float | Schedule) -> Optimizer:
        """Make it with a rate, or a schedule of rates."""


class Extension(Protocol):
    """Adds images to those of a data set's part."""

    def __call__(
        self, images: Dataset, seed: int, *, validation: bool, data_dir: str | None
    ) -> Dataset:
        """Return the images and others, which may be of further classes.

        Args:
            images: A part of a data set.
            seed: Of everything random.
            validation: Whether it is the part that chooses the epoch: what is taken from another
                data set is then other images than those to learn from.
            data_dir: Where other data sets' files are; the usual places if None.

        Raises:
            ValueError: The images are of another kind than the extension is for.
            DataNotFoundError: Another data set that it takes is not there.
        """


@final
@dataclass(frozen=True, kw_only=True)
class Recipe:
    """A named way to train.

    Attributes:
        name: What the command line calls it.
        summary: One line that says what it is.
        network: Makes the architecture for an image shape and a number of classes.
        epochs: How many times to go through the training images.
        batch_size: Images a step; None for all of them, so that an epoch is one step.
        learning_rate: The rate that the schedule is built on: its highest.
        schedule: Makes a schedule of that rate.
        optimizer: Makes an optimizer that follows it.
        loss: What is made small.
        extension: What is added to the training and to the validation images, if anything.
        augmentation: What is done to the training images, if anything.
        average: The decay of the weights' moving average; None for none.
        smallest_side: How many pixels high and wide images must be.
        validation_split: The share of the training images that the best epoch is chosen by.
        reported: What the system that this recipe is made after says that it reaches, if any.
        network_of: For a recipe whose layers a user may give: makes ``network`` from their list.
    """

    name: str
    summary: str
    network: NetworkMaker
    epochs: int
    batch_size: int | None
    learning_rate: float
    schedule: Callable[[float], Schedule]
    optimizer: OptimizerMaker
    loss: Loss = field(default_factory=SoftmaxCrossEntropy)
    extension: Extension | None = None
    augmentation: Augmentation | None = None
    average: float | None = None
    smallest_side: int = 4
    validation_split: float = 0.1
    reported: str = ""
    network_of: Callable[[str], NetworkMaker] | None = None

    def new_network(self, image_shape: Shape, classes: int) -> Sequential:
        """Make the network, not yet built.

        Raises:
            ValueError: The images are too small for it.
        """
        if min(image_shape[:2]) < self.smallest_side:
            raise ValueError(
                f"images are {image_shape[0]} x {image_shape[1]} pixels, and {self.name} needs "
                f"{self.smallest_side} x {self.smallest_side} or more; use larger images"
            )
        return self.network(image_shape, classes)

    def with_layers(self, text: str) -> "Recipe":
        """The same recipe with a network of other layers.

        Raises:
            ValueError: Its layers are fixed, or the list cannot be read.
        """
        if self.network_of is None:
            raise ValueError(
                f"layers is {text!r}, but the layers of {self.name} are fixed; give none, or "
                "choose a recipe that takes them, such as dense-sigmoid"
            )
        return replace(self, network=self.network_of(text))

    def new_optimizer(self) -> Optimizer:
        """Make the optimizer for one training."""
        return self.optimizer(learning_rate=self.schedule(self.learning_rate))
