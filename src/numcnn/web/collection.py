"""The collection: pictures that were read wrongly, kept with what they should have been read as.

A folder of folders ``0`` to ``9`` with PNG files of 28 x 28 pixels, which ``numcnn train FOLDER``
takes as a data set.
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
from numcnn.web.errors import Problem


@final
class Collection:
    """A folder that pictures are added to; any number of threads may add at once."""

    def __init__(self, folder: Path, most: int) -> None:
        """Take the folder, and make it if it is not there.

        Args:
            folder: The folder.
            most: How many pictures it may hold.

        Raises:
            OSError: It cannot be made.
        """
        folder.mkdir(parents=True, exist_ok=True)
        self._folder, self._most = folder, most
        self._lock = threading.Lock()
        self._count = sum(1 for _ in folder.glob("[0-9]/*.png"))

    def add(self, frame: NDArray[np.uint8], label: int) -> int:
        """Keep a picture.

        Args:
            frame: What the network saw, ``(28, 28)``.
            label: The digit that it shows.

        Returns:
            How many pictures there are now.

        Raises:
            Problem: There are too many, or the disk is full.
        """
        if frame.shape != (SIDE, SIDE):
            raise Problem(422, f"pixels is {frame.shape[1]} x {frame.shape[0]}; give 28 x 28")
        with self._lock:
            if self._count >= self._most:
                raise Problem(503, f"{self._most} pictures are kept already, and no more")
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
            raise Problem(503, f"the picture cannot be kept: {error.strerror}") from error
        return count
