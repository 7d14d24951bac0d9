"""A network as a classifier of images in MNIST's frame: digits, several digits, anything else."""

from __future__ import annotations

from typing import final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from numcnn.handwriting.class_names import CLASS_NAMES, DIGITS, OTHER, SEVERAL
from numcnn.handwriting.frame import CENTER, SIDE
from numcnn.handwriting.reader.thresholds import SURE_AT_FIRST, RejectionThresholds
from numcnn.model_files import ModelFile
from numcnn.nn.arrays import size_text
from numcnn.nn.layers.activation import softmax

Probabilities = NDArray[np.float64]
"""Of `CLASS_NAMES`: ``(12,)``, or ``(count, 12)``; each row adds up to 1."""

_FIRST_WEIGHT = 2  # of the logits of the image itself; those of each other pose count once
_TURN, _LEAN = np.radians(8), 0.18  # of the other poses: an angle, and pixels across per row
_OTHER = CLASS_NAMES.index(OTHER)


@final
class DigitClassifier:
    """A network with its thresholds.

    It keeps nothing of a call, so many threads may share it.
    """

    def __init__(
        self, model_file: ModelFile, thresholds: RejectionThresholds | None = None
    ) -> None:
        """Take a model.

        Args:
            model_file: A network for images of ``(28, 28, 1)`` whose classes are the digits "0"
                to "9" and perhaps `OTHER` and `SEVERAL`, in any order.
            thresholds: Those of the model's card if None.

        Raises:
            ValueError: The network is for something else.
        """
        self._model = model_file.model
        self.thresholds = thresholds or RejectionThresholds.from_card(model_file.card)
        classes = model_file.classes
        if missing := [name for name in DIGITS if name not in classes]:
            raise ValueError(
                f"the model has no class {missing[0]!r}, and a reader needs all digits; "
                "give a model that was trained on MNIST"
            )
        if unknown := set(classes) - set(CLASS_NAMES):
            raise ValueError(
                f"the model has the class {min(unknown)!r}, and a reader knows digits, "
                f"{OTHER!r} and {SEVERAL!r}; give a model that was trained on MNIST"
            )
        if self._model.input_shape != (SIDE, SIDE, 1):
            sides = size_text(self._model.input_shape)
            raise ValueError(
                f"the model takes images of {sides}, and a reader makes images of 28 x 28 x 1; "
                "give a model that was trained on MNIST"
            )
        self._outputs = [classes.index(name) if name in classes else None for name in CLASS_NAMES]

    @property
    def knows_others(self) -> bool:
        """Whether the network has the classes `OTHER` and `SEVERAL`."""
        return None not in self._outputs

    def logits(self, images: NDArray[np.uint8]) -> NDArray[np.float64]:
        """Compute the network's logits, before any threshold.

        Args:
            images: In MNIST's frame, ``(count, 28, 28)``.

        Returns:
            Of `CLASS_NAMES`, ``(count, 12)``; minus infinity for classes that the network lacks.
        """
        outputs = self._model.outputs(images[..., np.newaxis]).astype(np.float64)
        missing = np.full(len(images), -np.inf)
        columns = [missing if place is None else outputs[:, place] for place in self._outputs]
        return np.stack(columns, axis=1)

    def probabilities(self, images: NDArray[np.uint8]) -> Probabilities:
        """Compute the probabilities of digits, of several digits, and of everything else.

        An image that the network is not sure of is classified in four other poses as well: turned
        and slanted a little, both ways. The weighted mean of the logits counts then.

        Args:
            images: In MNIST's frame, ``(count, 28, 28)``.

        Returns:
            Of `CLASS_NAMES`, ``(count, 12)``.
        """
        logits = self.logits(images)
        unsure = np.flatnonzero(softmax(logits).max(axis=1) < SURE_AT_FIRST)
        if unsure.size:
            posed = self.logits(_other_poses(images[unsure]))
            posed = posed.reshape(-1, len(unsure), logits.shape[1])
            logits[unsure] = (_FIRST_WEIGHT * logits[unsure] + posed.sum(axis=0)) / (
                _FIRST_WEIGHT + len(posed)
            )
        is_zero = logits[:, : len(DIGITS)].argmax(axis=1) == 0
        logits[is_zero, _OTHER] -= self.thresholds.zero
        scaled = logits / self.thresholds.temperature
        return softmax(scaled).astype(np.float64, copy=False)


def _other_poses(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Turn and slant images both ways.

    Args:
        images: ``(count, 28, 28)``.

    Returns:
        ``(4 * count, 28, 28)``: all images in the first pose, then all in the second ...
    """
    center = float(CENTER)
    cos, sin = np.cos(_TURN), np.sin(_TURN)
    poses = ((cos, -sin, sin, cos), (cos, sin, -sin, cos), (1, 0, _LEAN, 1), (1, 0, -_LEAN, 1))
    posed = []
    for pose in poses:
        matrix = np.array(pose).reshape(2, 2)
        offset = center - matrix @ (center, center)
        posed += [
            ndimage.affine_transform(image.astype(np.float32), matrix, offset, order=1)
            for image in images
        ]
    return np.rint(posed).astype(np.uint8)
