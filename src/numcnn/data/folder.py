"""Image files sorted into folders by class: ``train/cat/1.png``, ``train/dog/1.png``, ...

The plainest way to bring one's own images. The folders' names are the classes.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, final

import numpy as np
from numpy.typing import NDArray

from numcnn.data.dataset import Dataset, DataWarning, Splits
from numcnn.data.folder_layout import find_layout
from numcnn.data.memory import machine_memory
from numcnn.picture_error import PictureError

if TYPE_CHECKING:
    from PIL.Image import Image

Color = Literal["auto", "gray", "rgb"]

_MOST_NAMED = 10
"""How many bad files an error names; the others are counted."""


def read_folder(
    path: str | os.PathLike[str], *, size: tuple[int, int] | None = None, color: Color = "auto"
) -> Splits:
    """Read a folder of class-named folders of images.

    If the folder has a folder ``train`` with class folders in it, the classes are in that, and
    those of the validation and of the test part in ``val`` and ``test``, if these are there; in
    any usual spelling (``Train``, ``training``, ``valid``, ``validation``, ``testing`` ...).
    Classes and files are taken in natural order (``2.png`` before ``10.png``). What is passed over
    (files that are hidden, not called like images, or lie deeper) is said in a `DataWarning`.

    Phones note in a photograph which way is up; that is followed. Transparency is laid onto white,
    or onto black where what is drawn is light. Of an animation, the first image is taken. 16 bits
    a channel become 8.

    Args:
        path: The folder.
        size: ``(height, width)`` to resize all images to, without regard to their proportions.
            Without it, all must have one size already.
        color: ``"gray"`` for one channel, ``"rgb"`` for three, ``"auto"`` for one if no image
            file is a color one.

    Returns:
        Images uint8 ``(count, height, width, 1 or 3)``, class after class.

    Raises:
        FileNotFoundError: There is no such folder.
        ValueError: There are no class folders, a class has no images or is unknown to the
            training part, it cannot be told what is a class and what is a part, files cannot be
            read as images or have more than 64 million pixels, or sizes differ and ``size`` is
            not given. The message names folder or files.
        MemoryError: The images do not fit into the memory.
        OSError: A folder cannot be listed.
        ImportError: Pillow is not installed.
    """
    root = Path(path)
    if not root.is_dir():
        raise FileNotFoundError(f"{root}: no such folder; give a folder of folders of images")
    if size is not None and (len(size) != 2 or not all(_is_size(side) for side in size)):
        raise ValueError(f"size is {size!r}; give (height, width) of at least 1 pixel each")
    if color not in ("auto", "gray", "rgb"):
        raise ValueError(f'color is {color!r}; give "auto", "gray" or "rgb"')
    layout = find_layout(root)
    labeled = [pair for part in layout.files.values() for pair in part]
    images = _Reader(_decoder(), size, color).read([file for file, _ in labeled])
    labels = np.array([label for _, label in labeled], dtype=np.int64)
    parts: dict[str, Dataset] = {}
    start = 0
    for part, files in layout.files.items():
        rows = slice(start, start + len(files))
        parts[part] = Dataset(images[rows], labels[rows], layout.classes, root.resolve().name)
        start = rows.stop
    for note in layout.notes:
        warnings.warn(note, DataWarning, stacklevel=2)
    return Splits(parts["train"], parts.get("test"), parts.get("validation"))


def read_image(
    path: str | os.PathLike[str], size: tuple[int, int] | None = None, color: Color = "auto"
) -> NDArray[np.uint8]:
    """Read one image file, as `read_folder` reads many.

    Args:
        path: The file.
        size: ``(height, width)`` to resize it to, without regard to its proportions.
        color: ``"gray"`` for one channel, ``"rgb"`` for three, ``"auto"`` for what the file has.

    Returns:
        uint8 ``(height, width, 1 or 3)``.

    Raises:
        ValueError: The file cannot be read as an image, or has more than 64 million pixels.
        MemoryError: It does not fit into the memory.
        ImportError: Pillow is not installed.
    """
    return _Reader(_decoder(), size, color).read([Path(path)])[0]


@final
@dataclass(frozen=True)
class _Reader:
    """Reads files into one array, of one size and one number of channels."""

    decode: Callable[[Path], Image]
    size: tuple[int, int] | None
    color: Color

    def read(self, files: Sequence[Path]) -> NDArray[np.uint8]:
        """Read images into an array ``(files, height, width, 1 or 3)``."""
        try:
            if self.size is not None:
                _require_memory(len(files), self.size, 1)
            return self._read(files)
        except MemoryError as error:
            raise _no_memory(len(files), self.size) from error

    def _read(self, files: Sequence[Path]) -> NDArray[np.uint8]:
        pixels: NDArray[np.uint8] | None = None
        bad: list[str] = []
        other_size: tuple[Path, Image] | None = None
        for index, file in enumerate(files):
            try:
                image = self._image(file)
            except PictureError as error:
                # All bad files are named at once.
                bad.append(f"{file}: not a readable image ({error.reason})")
                continue
            if pixels is None:
                first, size = file, (image.height, image.width)
                pixels = _room(len(files), size, 3 if image.mode == "RGB" else 1)
            if (image.height, image.width) != size:
                other_size = other_size or (file, image)
                continue
            if image.mode == "RGB" and pixels.shape[-1] == 1:
                # A gray image among color ones fills the three channels alike.
                gray, pixels = pixels, _room(len(files), size, 3)
                pixels[:index] = gray[:index]
            pixels[index] = np.asarray(image).reshape(*size, -1)
        if bad:
            raise ValueError(_told(bad))
        assert pixels is not None
        if other_size is not None:
            file, image = other_size
            raise ValueError(
                f"{first} is {size[0]} x {size[1]} but {file} is {image.height} x {image.width}; "
                "pass size (--size 28x28) to resize all images to one"
            )
        return pixels

    def _image(self, file: Path) -> Image:
        image = self.decode(file)
        if self.color != "auto":
            image = image.convert("L" if self.color == "gray" else "RGB")
        if self.size is not None and image.size != self.size[::-1]:
            from PIL.Image import Resampling

            # Pillow's filters widen when they make an image smaller, so that no pixel is skipped.
            image = image.resize(self.size[::-1], Resampling.BILINEAR)
        return image


def _room(count: int, size: tuple[int, int], channels: int) -> NDArray[np.uint8]:
    """An array for images."""
    _require_memory(count, size, channels)
    return np.empty((count, *size, channels), np.uint8)


def _require_memory(count: int, size: tuple[int, int], channels: int) -> None:
    """Refuse what the machine cannot hold: systems promise more memory than they have."""
    if count * size[0] * size[1] * channels > machine_memory():
        raise MemoryError


def _no_memory(count: int, size: tuple[int, int] | None) -> MemoryError:
    shown = ""
    if size is not None:
        amount = count * size[0] * size[1] / 1e9
        shown = f" of {size[0]} x {size[1]} ({amount:,.1f} GB a channel)"
    images = "1 image" if count == 1 else f"{count:,} images"
    return MemoryError(
        f"not enough memory for {images}{shown}; give a smaller --size, such as 64x64"
    )


def _told(bad: list[str]) -> str:
    if len(bad) == 1:
        return f"{bad[0]}; remove or replace it"
    more = f", and {len(bad) - _MOST_NAMED:,} more" if len(bad) > _MOST_NAMED else ""
    return f"{len(bad):,} files: {', '.join(bad[:_MOST_NAMED])}{more}; remove or replace them"


def _is_size(side: object) -> bool:
    return isinstance(side, int) and side >= 1


def _decoder() -> Callable[[Path], Image]:
    try:
        from numcnn.picture_decoding import read_picture
    except ImportError as error:
        raise ImportError("reading image files needs Pillow: pip install 'numcnn[app]'") from error
    return read_picture
