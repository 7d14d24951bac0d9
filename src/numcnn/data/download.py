"""Downloading a data set's files: from one mirror or the next, checked, and whole or not at all.

pooch does the transfer. A file appears under its own name only after its checksum was right, so
neither a lost connection nor a damaged mirror leaves anything behind that a later run would take
for data.
"""

import hashlib
import os
import shutil
import tarfile
import tempfile
import zipfile
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, Protocol

from numcnn.atomic_file import atomic_file
from numcnn.data.decompressed import open_unpacked
from numcnn.data.download_sources import Checksum, Download, Source

_MOST_SECONDS_OF_SILENCE = 30
_BLOCK = 1 << 16


class ProgressBar(Protocol):
    """What can show a download's progress: a bar by tqdm, or a few lines around any other."""

    total: int

    def update(self, amount: int, /) -> object:
        """Go on by so many bytes."""

    def reset(self) -> object:
        """Go back to zero."""

    def close(self) -> object:
        """A file is complete. If another follows, `total` is set and `update` called again."""


class DownloadError(OSError):
    """No mirror of a file could be reached, or none had the right content."""


def download(
    source: Source, folder: str | os.PathLike[str], *, progressbar: bool | ProgressBar = False
) -> None:
    """Download those files of a data set that a folder does not have yet.

    Args:
        source: The data set.
        folder: Where to put its files. Made if missing.
        progressbar: As pooch takes it: True for a bar by tqdm (which must be installed), or an
            object to report to.

    Raises:
        DownloadError: Each mirror of a file failed: could not be reached, broke off, or sent
            something else. The message says what each did.
        OSError: The folder cannot be written, or the disk is full.
        ImportError: pooch is not installed.
        ValueError: ``progressbar`` is True and tqdm is not installed.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    try:
        for wanted in source.downloads:
            if not all((folder / name).is_file() for name in wanted.provides):
                _get(wanted, folder, progressbar)
    except BaseException:
        # A folder with nothing in it would look like a data set.
        with suppress(OSError):
            folder.rmdir()
        raise


def _get(wanted: Download, folder: Path, progressbar: bool | ProgressBar) -> None:
    """Fetch one download and put what it provides into the folder."""
    # In the same folder, because the system's folder for temporary files may be small.
    with tempfile.TemporaryDirectory(prefix=".download-", dir=folder) as scratch:
        fetched = Path(scratch) / "fetched"
        _fetch(wanted, fetched, progressbar)
        if wanted.folder_in_archive is None:
            with atomic_file(folder / wanted.provides[0]) as temporary:
                shutil.copyfile(fetched, temporary)
        else:
            _take_out(fetched, wanted.folder_in_archive, wanted.provides, folder)


def cache_folder() -> Path:
    """Tell where downloads are kept, each data set's in a folder of its name.

    Raises:
        ImportError: pooch, which knows each system's place for caches, is not installed.
        DownloadError: The user has no home folder, so no cache.
    """
    folder = Path(_pooch().os_cache("numcnn"))
    if not folder.is_absolute():  # "~" that stands for nothing
        raise DownloadError(f"there is no home folder to keep downloads in ({folder})")
    return folder


def _fetch(wanted: Download, target: Path, progressbar: bool | ProgressBar) -> None:
    transfer = _pooch().HTTPDownloader(
        progressbar=progressbar, chunk_size=_BLOCK, timeout=_MOST_SECONDS_OF_SILENCE
    )
    failures = []
    for url in wanted.urls:
        try:
            transfer(url, str(target), None)
        except OSError as error:
            # Our own file system's errors (disk full) have a number; those of requests have none.
            if error.errno is not None:
                raise
            failures.append(f"{url} ({_reason(error)})")
            continue
        if _digest(target, wanted.checksum) == wanted.checksum.digest:
            return
        failures.append(f"{url} (sent something else: {wanted.checksum.algorithm} differs)")
    raise DownloadError(f"no download from {' or '.join(failures)}")


def _reason(error: OSError) -> str:
    """Put an error of requests, whose own words fill a paragraph, into one or two."""
    status = getattr(getattr(error, "response", None), "status_code", None)
    return f"HTTP status {status}" if status is not None else type(error).__name__


def _digest(path: Path, checksum: Checksum) -> str | None:
    """Hash a file, or what is packed in it; None if it cannot be unpacked."""
    digest = hashlib.new(checksum.algorithm, usedforsecurity=False)
    try:
        with open_unpacked(path) if checksum.unpacked else path.open("rb") as content:
            while block := content.read(_BLOCK):
                digest.update(block)
    except ValueError:
        return None
    return digest.hexdigest()


def _take_out(archive: Path, inside: str, names: tuple[str, ...], folder: Path) -> None:
    """Write the named members of a tar or zip archive, and nothing else that it may hold."""
    # By name, and under our own name: a path in the archive cannot lead elsewhere.
    if zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as packed:
            for name in names:
                with packed.open(f"{inside}/{name}") as member:
                    _write(member, folder / name)
        return
    with tarfile.open(archive, "r:*") as tar:
        for name in names:
            found = tar.extractfile(f"{inside}/{name}")
            if found is None:
                raise DownloadError(f"{inside}/{name} in the archive is not a file")
            with found:
                _write(found, folder / name)


def _write(member: IO[bytes], path: Path) -> None:
    with atomic_file(path) as temporary, temporary.open("wb") as file:
        shutil.copyfileobj(member, file)


def _pooch() -> Any:
    try:
        import pooch
    except ImportError as error:
        raise ImportError("downloading data sets needs pooch: pip install 'numcnn[app]'") from error
    return pooch
