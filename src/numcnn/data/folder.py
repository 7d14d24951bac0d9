"""Image files sorted into folders by class: ``train/cat/1.png``, ``train/dog/1.png``, ...

The plainest way to bring one's own images. The folders' names are the classes.
"""

import io
import os
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, Literal, final

import numpy as np
from numpy.typing import NDArray

from numcnn.data.dataset import Dataset, Splits

Color = Literal["auto", "gray", "rgb"]

_SUFFIXES = {".bmp", ".gif", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp"}
_GRAY_MODES = {"1", "L", "LA", "La"}


def read_folder(
    path: str | os.PathLike[str], *, size: tuple[int, int] | None = None, color: Color = "auto"
) -> Splits:
    """Read a folder of class-named folders of images.

    If the folder has a folder ``train``, the classes are in that, and those of the test part in
    ``test``, if it is there. Classes and files are taken in natural order (``2.png`` before
    ``10.png``). Hidden files and files that are not called like images are passed over.

    Phones note in a photograph which way is up; that is followed. Transparent pixels become
    white. Of an animation, the first image is taken.

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
            training part, a file cannot be read as an image of 8 bits a channel or has more
            pixels than Pillow considers safe, or sizes differ and ``size`` is not given. The
            message names folder or files.
        OSError: A file cannot be opened.
        ImportError: Pillow is not installed.
    """
    root = Path(path)
    if not root.is_dir():
        raise FileNotFoundError(f"{root}: no such folder; give a folder of folders of images")
    if size is not None and (len(size) != 2 or not all(_is_size(side) for side in size)):
        raise ValueError(f"size is {size!r}; give (height, width) of at least 1 pixel each")
    if color not in ("auto", "gray", "rgb"):
        raise ValueError(f'color is {color!r}; give "auto", "gray" or "rgb"')
    train_root = root / "train" if (root / "train").is_dir() else root
    test_root = root / "test"
    classes = tuple(folder.name for folder in _class_folders(train_root))
    reader = _Reader(_pillow(), size, color)
    train = list(_labeled_files(train_root, classes))
    has_test = train_root != root and test_root.is_dir()
    test = list(_labeled_files(test_root, classes)) if has_test else []
    images = reader.read([file for file, _ in train + test])
    labels = np.array([label for _, label in train + test], dtype=np.int64)
    parts = [
        Dataset(images[rows], labels[rows], classes, root.resolve().name)
        for rows in (slice(len(train)), slice(len(train), None))
        if len(labels[rows])
    ]
    return Splits(*parts)


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
        ValueError: The file cannot be read as an image of 8 bits a channel, or has more pixels than
            Pillow considers safe.
        OSError: The file cannot be opened.
        ImportError: Pillow is not installed.
    """
    return _Reader(_pillow(), size, color).read([Path(path)])[0]


@final
@dataclass(frozen=True)
class _Reader:
    """Reads files into one array, of one size and one number of channels."""

    pillow: ModuleType
    size: tuple[int, int] | None
    color: Color

    def read(self, files: list[Path]) -> NDArray[np.uint8]:
        """Read images into an array ``(files, height, width, 1 or 3)``."""
        images: list[NDArray[np.uint8]] = []
        for file in files:
            image = self._read_one(file)
            if images and image.shape[:2] != images[0].shape[:2]:
                raise ValueError(
                    f"{files[0]} is {_shown(images[0])} but {file} is {_shown(image)}; "
                    "pass size to resize all images to one"
                )
            images.append(image)
        channels = max(image.shape[2] for image in images)
        result = np.empty((len(images), *images[0].shape[:2], channels), np.uint8)
        for row, image in zip(result, images, strict=True):
            row[...] = image  # a gray image among color ones fills the three channels alike
        return result

    def _read_one(self, file: Path) -> NDArray[np.uint8]:
        content = file.read_bytes()
        try:
            # Pillow only warns of an image somewhat too large; for data that is an error, too.
            with warnings.catch_warnings():
                warnings.simplefilter("error", self.pillow.Image.DecompressionBombWarning)
                return self._decode(content)
        # Damaged files make Pillow raise errors of many kinds, SyntaxError among them.
        except Exception as error:
            raise ValueError(
                f"{file}: not a readable image ({error}); remove or replace it"
            ) from error

    def _decode(self, content: bytes) -> NDArray[np.uint8]:
        with self.pillow.Image.open(io.BytesIO(content)) as opened:
            if opened.mode[0] in "IF":
                raise ValueError(f"its pixels are of mode {opened.mode}, not 8 bits a channel")
            gray = opened.mode in _GRAY_MODES if self.color == "auto" else self.color == "gray"
            image: Any = self.pillow.ImageOps.exif_transpose(opened)
        if image.has_transparency_data:
            image = image.convert("RGBA")
            paper = self.pillow.Image.new("RGBA", image.size, "white")
            image = self.pillow.Image.alpha_composite(paper, image)
        image = image.convert("L" if gray else "RGB")
        if self.size is not None and image.size != self.size[::-1]:
            # Pillow's filters widen when they make an image smaller, so that no pixel is skipped.
            image = image.resize(self.size[::-1], self.pillow.Image.Resampling.BILINEAR)
        pixels: NDArray[np.uint8] = np.asarray(image)
        return pixels.reshape(*pixels.shape[:2], -1)


def _class_folders(root: Path) -> list[Path]:
    folders = [entry for entry in root.iterdir() if entry.is_dir() and not _hidden(entry)]
    if not folders:
        raise ValueError(
            f"{root}: no class folders; put each class's images in a folder of its name"
        )
    return sorted(folders, key=_natural)


def _labeled_files(root: Path, classes: tuple[str, ...]) -> Iterator[tuple[Path, int]]:
    for folder in _class_folders(root):
        if folder.name not in classes:
            raise ValueError(f"{folder}: class {folder.name!r} has no folder in the training part")
        files = sorted(
            (
                entry
                for entry in folder.iterdir()
                if entry.suffix.lower() in _SUFFIXES and not _hidden(entry) and entry.is_file()
            ),
            key=_natural,
        )
        if not files:
            raise ValueError(f"{folder}: no images; add some, or remove the folder")
        for file in files:
            yield file, classes.index(folder.name)


def _natural(path: Path) -> tuple[list[str | int], str]:
    """Order by the numbers in a name as numbers, and by the name itself where they are equal."""
    parts = re.split(r"([0-9]+)", path.name)
    return [int(part) if part.isascii() and part.isdigit() else part for part in parts], path.name


def _hidden(path: Path) -> bool:
    return path.name.startswith(".")


def _is_size(side: object) -> bool:
    return isinstance(side, int) and side >= 1


def _shown(image: NDArray[np.uint8]) -> str:
    return f"{image.shape[0]} x {image.shape[1]}"


def _pillow() -> ModuleType:
    try:
        import PIL.Image
        import PIL.ImageOps
    except ImportError as error:
        raise ImportError(
            "reading image folders needs Pillow: pip install 'numcnn[app]'"
        ) from error
    return PIL
