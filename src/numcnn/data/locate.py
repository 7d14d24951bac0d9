"""Finding a data set's files on this machine, or downloading them.

The places, first to last: the folder that the caller names, the folder in the environment variable
``NUMCNN_DATA``, and the cache of earlier downloads.
"""

import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import final

from numcnn.data.download import DownloadError, ProgressBar, cache_folder, download
from numcnn.data.download_sources import SOURCES, Source

ENVIRONMENT_VARIABLE = "NUMCNN_DATA"

_INNER = ("raw", "gzip")
"""Where torchvision puts the files, and where EMNIST's archive has them, inside a data set's
folder."""

Files = dict[str, Path]
"""Where each file of a data set is, by its official name."""


class DataNotFoundError(FileNotFoundError):
    """A data set's files are nowhere and could not be downloaded; the message says what to do."""


def locate(
    source: Source,
    data_dir: str | os.PathLike[str] | None = None,
    *,
    allow_download: bool = True,
    progressbar: bool | ProgressBar = False,
) -> Files:
    """Find the files of a data set.

    In a folder, they are looked for in a folder of the data set's name inside it and then in the
    folder itself, unless it has another data set's name: Fashion-MNIST's files are called like
    MNIST's. In both, they may also be in a folder ``raw``, as torchvision puts them, or ``gzip``,
    as EMNIST's archive has them. They may be gzipped or not. ``~`` stands for the home folder.

    Args:
        source: The data set.
        data_dir: The only place to look in. Nothing is downloaded then.
        allow_download: Whether to download files that are in no other place, into the cache.
        progressbar: For the download, as `numcnn.data.download.download` takes it.

    Returns:
        A path for each file by its official name; for optional files, only if they are there.

    Raises:
        DataNotFoundError: They are nowhere, and no download was allowed or possible. The message
            says where they were looked for, and what to do.
        OSError: The cache cannot be written.
        ImportError: A download is needed and pooch is not installed.
    """
    if data_dir is not None:
        return _locate_in(source, expanded(data_dir))
    places = []
    if named := os.environ.get(ENVIRONMENT_VARIABLE):
        folder = expanded(named)
        is_there = folder.is_dir()
        places.append(f"{folder}" + ("" if is_there else f" ({ENVIRONMENT_VARIABLE}: no folder)"))
        if (found := find(source, folder)) is not None:
            return found
    try:
        cache = cache_folder()
    except ImportError:
        # Files may still be given by the two other ways; only a download needs pooch.
        if allow_download:
            raise
        raise DataNotFoundError(_what_to_do(source, places, "")) from None
    except DownloadError as error:
        raise DataNotFoundError(_what_to_do(source, places, str(error))) from error
    places.append(str(cache))
    found = find(source, cache)
    if found is None and allow_download:
        try:
            download(source, cache / source.folder, progressbar=progressbar)
        except DownloadError as error:
            raise DataNotFoundError(_what_to_do(source, places, str(error))) from error
        found = find(source, cache)
    if found is None:
        raise DataNotFoundError(_what_to_do(source, places, ""))
    return found


def expanded(path: str | os.PathLike[str]) -> Path:
    """Put the home folder in the place of a leading ``~``, if there is one."""
    try:
        return Path(path).expanduser()
    except RuntimeError:  # no home, or no such user
        return Path(path)


def find(source: Source, folder: str | os.PathLike[str]) -> Files | None:
    """Look for the files of a data set in one folder, as `locate` does; None if one is missing."""
    return _search(source, Path(folder)).files


def is_available(source: Source, data_dir: str | os.PathLike[str] | None = None) -> bool:
    """Tell whether `locate` would find a data set's files without a download."""
    try:
        locate(source, data_dir, allow_download=False)
    except DataNotFoundError:
        return False
    return True


@final
@dataclass(frozen=True)
class _Search:
    """What a search came to: the files, or the names of those that the best place lacks."""

    files: Files | None
    missing: tuple[str, ...]


def _locate_in(source: Source, folder: Path) -> Files:
    if not folder.is_dir():
        raise DataNotFoundError(
            f"data_dir is {folder}, which is not a folder; give the folder with the files of "
            f"{source.name}, or leave it out to download them"
        )
    search = _search(source, folder)
    if search.files is None:
        if owner := _owner(folder, source):
            raise DataNotFoundError(
                f"data_dir is {folder}, by its name the folder of {owner}; give the folder with "
                f"the files of {source.name}"
            )
        raise DataNotFoundError(
            f"data_dir {folder} has no {', '.join(search.missing)}, neither in itself nor in "
            f"{folder / source.name}; put the files of {source.name} there, or run: "
            f"numcnn data fetch {source.name} --data-dir {folder}"
        )
    return search.files


def _search(source: Source, root: Path) -> _Search:
    best = source.files
    for folder in _folders(source, root):
        found = {
            name: path
            for name in (*source.files, *source.optional_files)
            if (path := _find(folder, name)) is not None
        }
        missing = tuple(name for name in source.files if name not in found)
        if not missing:
            return _Search(found, ())
        if len(missing) < len(best):
            best = missing
    return _Search(None, best)


def _folders(source: Source, root: Path) -> list[Path]:
    """List the folders where the files may be, the likeliest first."""
    inside = [root / name for name in source.folder_names]
    with suppress(OSError):  # it is no folder, or may not be read
        # torchvision writes capitals: MNIST, FashionMNIST.
        inside += sorted(
            path
            for path in root.iterdir()
            if path.name.lower() in source.folder_names and path not in inside
        )
    roots = [] if _owner(root, source) else [root]
    # An unpacked archive may stand in a folder of the data set's name.
    deeper = [folder / name for folder in inside for name in (*source.aliases, *_INNER)]
    return [*inside, *deeper, *roots, *(folder / name for folder in roots for name in _INNER)]


def _owner(folder: Path, source: Source) -> str | None:
    """Tell whose folder this is by its name, if it is another data set's."""
    whole = folder.resolve()
    name = (whole.parent if whole.name in _INNER else whole).name.lower()
    if name in source.folder_names:
        return None
    others = (other for other in SOURCES if other.name != source.name)
    return next((other.name for other in others if name in other.folder_names), None)


def _find(folder: Path, name: str) -> Path | None:
    """Find a file under its official name, or ungzipped, or with a dot as some copies have it."""
    plain = name.removesuffix(".gz")
    names = dict.fromkeys((name, plain))
    if plain.endswith("-ubyte"):
        dotted = plain.replace("-idx", ".idx")
        names |= dict.fromkeys((dotted, dotted + ".gz"))
    return next((folder / each for each in names if (folder / each).is_file()), None)


def _what_to_do(source: Source, places: list[str], failure: str) -> str:
    looked = " or ".join(places)
    return (
        f"no files of {source.name}"
        + (f" in {looked}" if places else "")
        + (f", and {failure}" if failure else "")
        + f"; with a network, run: numcnn data fetch {source.name}; without one, put "
        f"{', '.join(source.files)} into a folder and name it with --data-dir or in the "
        f"environment variable {ENVIRONMENT_VARIABLE}"
    )
