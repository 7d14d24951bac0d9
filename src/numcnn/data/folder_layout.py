"""Which files of a folder are images of which class, and of which part.

Nothing is opened here: names and the shape of the tree decide, and what is left out is counted.
"""

import os
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, final

Part = Literal["train", "validation", "test"]

# fmt: off
SUFFIXES = frozenset({
    ".apng", ".bmp", ".dib", ".gif", ".jfif", ".jpe", ".jpeg", ".jpg", ".pbm", ".pgm", ".png",
    ".pnm", ".ppm", ".tif", ".tiff", ".webp",
})
# fmt: on
"""What image files are called, in lower case."""

_PARTS: dict[str, Part] = {
    **dict.fromkeys(("train", "training", "trn"), "train"),
    **dict.fromkeys(("val", "valid", "validate", "validation", "dev"), "validation"),
    **dict.fromkeys(("test", "testing", "tst"), "test"),
}
# What programs put beside images, which nobody means to train on.
_LITTER = {"thumbs.db", "desktop.ini", "__macosx", "@eadir"}
# Where to stop counting what lies deeper, as in a home folder that was named by mistake.
_MOST_COUNTED = 100_000


@final
@dataclass(frozen=True)
class Layout:
    """The images of a folder.

    Attributes:
        classes: The names of the training part's class folders, in natural order, in Unicode's
            composed form (NFC): macOS stores names in another one.
        files: For each part that is there, its images with the positions of their classes.
        notes: What a user should know: what was passed over, and what was taken for what.
    """

    classes: tuple[str, ...]
    files: dict[Part, list[tuple[Path, int]]]
    notes: tuple[str, ...]


def find_layout(root: Path) -> Layout:
    """Look through a folder of class folders, or of parts with class folders.

    A folder is a part if it is called like one (train, val, test and the like) and holds folders
    of images; one that is called so and holds images itself is a class.

    Raises:
        ValueError: There are no class folders, a class has no images or is unknown to the
            training part, or it cannot be told what is a class and what is a part.
        OSError: A folder cannot be listed.
    """
    passed_over = _PassedOver()
    notes: list[str] = []
    parts = _find_parts(root, notes)
    classes: dict[str, Path] = {}
    files: dict[Part, list[tuple[Path, int]]] = {}
    for part, folder in parts.items():
        found = _class_folders(folder, passed_over)
        if part == "train":
            classes = found
        names = list(classes)
        for name, class_folder in found.items():
            if name not in classes:
                raise ValueError(
                    f"{class_folder}: class {name!r} has no folder in the training part"
                )
            images = _images(class_folder, passed_over)
            files.setdefault(part, []).extend((file, names.index(name)) for file in images)
    return Layout(tuple(classes), files, (*notes, *passed_over.told(root)))


@final
@dataclass
class _PassedOver:
    """What is not read, counted by the reason."""

    hidden: int = 0
    deeper: Counter[str] = field(default_factory=Counter)
    outside: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    irregular: int = 0

    def told(self, root: Path) -> list[str]:
        reasons = []
        if self.deeper:
            reasons.append(
                f"{_count(self.deeper.total(), 'image')} in folders inside a class's folder "
                f"({_most_common(self.deeper)}); move them up to use them"
            )
        if self.outside:
            reasons.append(f"{_count(self.outside, 'image')} outside the class folders")
        if self.kinds:
            reasons.append(
                f"{_count(self.kinds.total(), 'file')} of other kinds ({_most_common(self.kinds)})"
            )
        if self.hidden:
            reasons.append(f"{_count(self.hidden, 'hidden image')} (names that begin with a dot)")
        if self.irregular:
            reasons.append(f"{_count(self.irregular, 'broken link')} or special files")
        return [f"{root}: passed over {'; '.join(reasons)}"] if reasons else []


def _find_parts(root: Path, notes: list[str]) -> dict[Part, Path]:
    """Tell which folders are parts; ``{"train": root}`` where the root holds the classes."""
    folders = _folders(root)
    if not folders:
        raise ValueError(
            f"{root}: no class folders; put each class's images in a folder of its name"
        )
    parts: dict[Part, Path] = {}
    others = []
    for folder in folders:
        role = _role(folder.name)
        holds_images = _holds_images(folder)
        holds_classes = any(_holds_images(inner) for inner in _folders(folder))
        if role is None or (holds_images and not holds_classes):
            others.append((folder, role, holds_images))
        elif holds_images:
            raise ValueError(
                f"{folder}: holds images and folders of images, so it may be a class or the "
                f"{_called(role)} part; move the images or the folders away"
            )
        elif not holds_classes:
            others.append((folder, role, False))
        elif role in parts:
            raise ValueError(
                f"{root}: {parts[role].name} and {folder.name} both look like the {_called(role)} "
                "part; leave one of them"
            )
        else:
            parts[role] = folder
    if parts and "train" not in parts:
        first = next(iter(parts.values()))
        raise ValueError(
            f"{root}: {first.name} holds folders of images as a part does, but there is no "
            f"training part; put the other classes into a folder train, or give {first}"
        )
    if not parts:
        notes += [
            f"{folder}: holds images, so it is taken as a class, not as the {_called(role)} part"
            for folder, role, holds_images in others
            if role is not None and holds_images
        ]
        return {"train": root}
    for folder, role, holds_images in others:
        if role is None and holds_images:
            raise ValueError(
                f"{root}: {folder.name} holds images as a class does, and {parts['train'].name} "
                "holds folders of images as a part does; put all classes into the parts, or none"
            )
        why = "it has no class folders" if role else "it is none of the parts train, val and test"
        notes.append(f"{folder}: passed over, because {why}")
    order: tuple[Part, ...] = ("train", "validation", "test")
    return {part: parts[part] for part in order if part in parts}


def _class_folders(root: Path, passed_over: _PassedOver) -> dict[str, Path]:
    """The class folders by their names in composed form, in natural order."""
    found: dict[str, Path] = {}
    for folder in _folders(root):
        name = unicodedata.normalize("NFC", folder.name)
        if name in found:
            raise ValueError(
                f"{root}: two folders are called {name!r}, in two spellings of Unicode; put their "
                "images into one"
            )
        found[name] = folder
    passed_over.outside += sum(_is_image(entry) for entry in root.iterdir())
    return dict(sorted(found.items(), key=lambda item: natural(item[0])))


def _images(folder: Path, passed_over: _PassedOver) -> list[Path]:
    """The images right in a class's folder; what else there is, is counted."""
    images, kinds, deeper = [], Counter[str](), Counter[str]()
    for entry in folder.iterdir():
        named_so = entry.suffix.lower() in SUFFIXES
        if entry.name.lower() in _LITTER:
            continue
        if entry.name.startswith("."):
            passed_over.hidden += named_so and entry.is_file()
        elif entry.is_dir():
            deeper[f"{folder.name}/{entry.name}"] += _count_images(entry)
        elif not entry.is_file():
            passed_over.irregular += 1
        elif named_so:
            images.append(entry)
        else:
            kinds[entry.suffix.lower() or "no suffix"] += 1
    deeper = +deeper  # without the folders that hold none
    passed_over.kinds += kinds
    passed_over.deeper += deeper
    if not images:
        what = ""
        if deeper:
            what = f", but {deeper.total():,} in folders inside it ({_most_common(deeper)})"
        elif kinds:
            what = f", but {_count(kinds.total(), 'file')} of other kinds ({_most_common(kinds)})"
        raise ValueError(f"{folder}: no images{what}; add some, or remove the folder")
    return sorted(images, key=lambda entry: natural(entry.name))


def natural(name: str) -> tuple[list[str | int], str]:
    """Order by the numbers in a name as numbers, and by the name itself where they are equal."""
    parts = re.split(r"([0-9]+)", name)
    return [int(part) if part.isascii() and part.isdigit() else part for part in parts], name


def _role(name: str) -> Part | None:
    plain = re.sub(r"[\s_-]", "", name.casefold())
    return _PARTS.get(re.sub(r"(set|data|images|split)$", "", plain))


def _called(part: Part) -> str:
    return "training" if part == "train" else part


def _folders(root: Path) -> list[Path]:
    return sorted(
        (
            entry
            for entry in root.iterdir()
            if entry.is_dir()
            and not entry.name.startswith(".")
            and entry.name.lower() not in _LITTER
        ),
        key=lambda entry: natural(entry.name),
    )


def _is_image(entry: Path) -> bool:
    named_so = entry.suffix.lower() in SUFFIXES and not entry.name.startswith(".")
    return named_so and entry.is_file()


def _holds_images(folder: Path) -> bool:
    return any(_is_image(entry) for entry in folder.iterdir())


def _count_images(folder: Path) -> int:
    count = 0
    for seen, name in enumerate(_walk(folder)):
        count += Path(name).suffix.lower() in SUFFIXES and not name.startswith(".")
        if seen >= _MOST_COUNTED:
            break
    return count


def _walk(folder: Path) -> Iterator[str]:
    for _, _, names in os.walk(folder):
        yield from names


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def _most_common(counts: Counter[str]) -> str:
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    told = [f"{number:,} {name}" for name, number in ordered[:3]]
    return ", ".join(told) + (", ..." if len(counts) > 3 else "")
