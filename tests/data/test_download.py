import dataclasses
import gzip
import hashlib
import io
import tarfile

import pytest

from numcnn.data.download import DownloadError, download
from numcnn.data.download_sources import MNIST, SOURCES, Checksum, Download, Source

CONTENT = b"what the file holds " * 1000


def source_of(*urls: str, checksum: Checksum) -> Source:
    return Source("made", (), ("f.gz",), (), (Download(urls, checksum, ("f.gz",)),))


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "data" / "made"


SHA256 = Checksum("sha256", hashlib.sha256(CONTENT).hexdigest())
UNPACKED = dataclasses.replace(SHA256, unpacked=True)


def test_a_file_is_downloaded_once(mirror, folder):
    mirror.files["f.gz"] = CONTENT
    source = source_of(mirror.url("f.gz"), checksum=SHA256)
    download(source, folder)
    download(source, folder)
    assert (folder / "f.gz").read_bytes() == CONTENT
    assert mirror.requests == ["f.gz"]
    assert [path.name for path in folder.iterdir()] == ["f.gz"]


@pytest.mark.parametrize("trouble", ["missing", "corrupt", "broken off", "not packed", "empty"])
def test_the_next_mirror_helps_out(mirror, folder, trouble):
    packed = gzip.compress(CONTENT)
    bad = {
        "corrupt": packed[:30] + b"?" + packed[31:],
        "broken off": packed,
        "not packed": CONTENT[:-1],
        "empty": b"",
    }
    mirror.files |= {"good": packed}
    if trouble in bad:
        mirror.files["bad"] = bad[trouble]
    if trouble == "broken off":
        mirror.cut_short.add("bad")
    download(source_of(mirror.url("bad"), mirror.url("good"), checksum=UNPACKED), folder)
    assert mirror.requests == ["bad", "good"]
    assert (folder / "f.gz").read_bytes() == packed


def test_nothing_listens_at_the_first_mirror(mirror, folder):
    mirror.files["f.gz"] = CONTENT
    download(source_of("http://127.0.0.1:9/f.gz", mirror.url("f.gz"), checksum=SHA256), folder)
    assert (folder / "f.gz").read_bytes() == CONTENT


def test_each_mirrors_failure_is_told_and_nothing_is_left(mirror, folder):
    mirror.files |= {"corrupt": b"?", "short": CONTENT}
    mirror.cut_short.add("short")
    urls = [mirror.url(name) for name in ("missing", "corrupt", "short")]
    with pytest.raises(DownloadError) as caught:
        download(source_of(*urls, "http://127.0.0.1:9/f", checksum=SHA256), folder)
    message = str(caught.value)
    for part in ("missing (HTTP status 404)", "corrupt (sent something else: sha256", "short ("):
        assert part in message
    assert "127.0.0.1:9/f (ConnectionError)" in message
    assert "\n" not in message
    assert not folder.exists()


def test_a_damaged_file_does_not_replace_what_was_there(mirror, folder):
    folder.mkdir(parents=True)
    (folder / "one").write_bytes(b"old")
    mirror.files["two"] = b"?"
    both = Download((mirror.url("two"),), SHA256, ("one", "two"), folder_in_archive="x")
    with pytest.raises(DownloadError):
        download(Source("made", (), ("one", "two"), (), (both,)), folder)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == {"one": b"old"}


def test_the_checksum_of_the_content_holds_for_any_packing(mirror, folder):
    for number, content in enumerate((gzip.compress(CONTENT, 1), gzip.compress(CONTENT, 9))):
        mirror.files["f.gz"] = content
        download(source_of(mirror.url("f.gz"), checksum=UNPACKED), folder / str(number))
        assert (folder / str(number) / "f.gz").read_bytes() == content


def test_a_server_that_declares_gzip_as_an_encoding(mirror, folder):
    mirror.files["f.gz"] = gzip.compress(CONTENT)
    mirror.headers["Content-Encoding"] = "gzip"
    download(source_of(mirror.url("f.gz"), checksum=UNPACKED), folder)
    assert (folder / "f.gz").read_bytes() == CONTENT


class Bar:
    total = 0

    def __init__(self):
        self.seen = 0
        self.closed = False

    def update(self, amount):
        self.seen += amount

    def reset(self):
        self.seen = 0

    def close(self):
        self.closed = True


def test_a_progress_bar_is_kept_up_to_date(mirror, folder):
    mirror.files["f.gz"] = CONTENT
    bar = Bar()
    download(source_of(mirror.url("f.gz"), checksum=SHA256), folder, progressbar=bar)
    assert (bar.total, bar.seen, bar.closed) == (len(CONTENT), len(CONTENT), True)


def archive(members: dict[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return packed.getvalue()


def archive_source(mirror, content: bytes) -> Source:
    mirror.files["made.tar.gz"] = content
    md5 = Checksum("md5", hashlib.md5(content, usedforsecurity=False).hexdigest())
    wanted = Download((mirror.url("made.tar.gz"),), md5, ("a", "b"), folder_in_archive="inside")
    return Source("made", (), ("a", "b"), (), (wanted,))


def test_only_the_wanted_members_of_an_archive_are_taken_out(mirror, folder, tmp_path):
    content = archive(
        {
            "../../escaped": b"!",
            str(tmp_path / "absolute"): b"!",
            "inside/../../escaped": b"!",
            "inside/b": b"second",
            "inside/readme": b"!",
            "a": b"!",
            "inside/a": b"first",
        }
    )
    download(archive_source(mirror, content), folder)
    everything = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert everything == {folder / "a": b"first", folder / "b": b"second"}


def test_an_archive_is_refused_when_its_checksum_is_wrong(mirror, folder):
    source = archive_source(mirror, archive({"inside/a": b"1", "inside/b": b"2"}))
    mirror.files["made.tar.gz"] = archive({"inside/a": b"x", "inside/b": b"2"})
    with pytest.raises(DownloadError, match="md5 differs"):
        download(source, folder)
    assert not folder.exists()


def test_a_folder_that_cannot_be_made_is_the_file_systems_error(mirror, tmp_path):
    (tmp_path / "file").write_bytes(b"")
    mirror.files["f.gz"] = CONTENT
    with pytest.raises(OSError, match="file") as caught:
        download(source_of(mirror.url("f.gz"), checksum=SHA256), tmp_path / "file" / "made")
    assert not isinstance(caught.value, DownloadError)


def test_a_full_disk_is_not_blamed_on_the_mirror(mirror, folder, monkeypatch):
    def fill_up(*args: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pooch.HTTPDownloader.__call__", fill_up)
    with pytest.raises(OSError, match="No space left") as caught:
        download(source_of(mirror.url("a"), mirror.url("b"), checksum=SHA256), folder)
    assert not isinstance(caught.value, DownloadError)
    assert not folder.exists()


def test_the_sources_are_the_official_ones():
    assert [len(source.downloads) for source in SOURCES] == [4, 4, 1, 1, 1, 1]
    for source in SOURCES:
        provided = {name for wanted in source.downloads for name in wanted.provides}
        if source.shared_folder is None:
            assert provided == {*source.files, *source.optional_files}
        else:
            # One archive serves three data sets, and is not downloaded for each.
            assert provided > {*source.files, *source.optional_files}
            assert len(provided) == 12
    for wanted in MNIST.downloads:
        assert len(wanted.urls) == 2
        assert wanted.checksum.unpacked
        assert wanted.checksum.algorithm == "sha256"
