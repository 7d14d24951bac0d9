"""The feedback store: pictures that were read wrongly, with the digits that they show.

A folder with the subfolders ``0`` to ``9``, which hold PNG files of 28 x 28 pixels;
``numcnn train FOLDER`` takes it as a data set.
"""

import io
import secrets
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from numcnn.atomic_file import atomic_file
from numcnn.handwriting.frame import SIDE
from numcnn.web.errors import ProblemError


@final
class FeedbackStore:
    """A folder that pictures are added to, by any number of threads at the same time."""

    def __init__(self, folder: Path, max_pictures: int) -> None:
        """Create the folder if it does not exist, and count the pictures in it.

        Args:
            folder: The folder.
            max_pictures: How many pictures it may hold.

        Raises:
            OSError: The folder cannot be created.
        """
        folder.mkdir(parents=True, exist_ok=True)
        self._folder, self._max_pictures = folder, max_pictures
        self._lock = threading.Lock()
        self._count = sum(1 for _ in folder.glob("[0-9]/*.png"))

    def add(self, frame: NDArray[np.uint8], label: int) -> int:
        """Save a picture.

        Args:
            frame: What the network was shown, ``(28, 28)``.
            label: The digit that it shows.

        Returns:
            How many pictures there are now.

        Raises:
            ProblemError: The frame has another size (422), or the folder or the disk is full (503).
        """
        if frame.shape != (SIDE, SIDE):
            raise ProblemError(422, f"pixels is {frame.shape[1]} x {frame.shape[0]}; give 28 x 28")
        with self._lock:
            if self._count >= self._max_pictures:
                raise ProblemError(
                    503, f"{self._max_pictures} pictures are kept already, and no more"
                )
            self._count += 1
            count = self._count
        content = io.BytesIO()
        Image.fromarray(frame).save(content, "PNG")
        name = f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(4)}.png"
        try:
            with atomic_file(self._folder / str(label) / name) as temporary:
                temporary.write_bytes(content.getvalue())
        except OSError as error:
            with self._lock:
                self._count -= 1
            raise ProblemError(503, f"the picture cannot be kept: {error.strerror}") from error
        return count
