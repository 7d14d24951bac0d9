"""Mutated pictures of each format, read in one process: answers and orderly errors only.

Run by hand: ``python -m tests.fuzz.pictures --count 3000 --seed 0``. Each format's valid pictures
are damaged (bits, bytes, cuts, repeats, sizes in the header) and read. What is counted: answers,
and errors by kind. Anything but an answer, `PictureError` or `DeadlineExceeded` ends the run with
the mutant's file, as does memory that grows.
"""

import argparse
import collections
import io
import struct
import sys
import time
import zlib
from pathlib import Path

import numpy as np
from PIL import Image

from numcnn.handwriting.reader import DeadlineExceeded, PictureError, Reader
from tests.handwriting.reader.drawings import page, photograph

FORMATS = {
    "PNG": ({}, {"mode": "1"}, {"mode": "P"}, {"mode": "RGBA"}, {"mode": "I;16"}),
    "JPEG": ({}, {"progressive": True}, {"mode": "L"}, {"mode": "CMYK"}),
    "WEBP": ({}, {"lossless": True}, {"mode": "RGBA"}),
    "GIF": ({"mode": "P"}, {"mode": "L"}, {"mode": "P", "interlace": 1}),
    "BMP": ({}, {"mode": "1"}, {"mode": "P"}),
    "TIFF": (
        {},
        {"compression": "tiff_lzw"},
        {"compression": "jpeg"},
        {"mode": "1", "compression": "group4"},
        {"mode": "I;16", "compression": "tiff_adobe_deflate"},
        {"mode": "F"},
    ),
    "PPM": ({}, {"mode": "1"}, {"mode": "L"}),
}
MOST_GROWTH = 100  # MB in the second half, by when all buffers and caches have been filled


def valid(name: str) -> list[bytes]:
    """Pictures that can be read, in each variant of a format."""
    written = page(["7"]).resize((80, 80))
    contents = []
    for image in (written, photograph(written)):
        for variant in FORMATS[name]:
            options = dict(variant)
            mode = options.pop("mode", "RGB")
            if mode in ("I;16", "F"):
                deep = np.asarray(image.convert("L")).astype(np.uint16 if mode == "I;16" else "f4")
                converted = Image.fromarray(deep)
            else:
                converted = image.convert(mode)
            file = io.BytesIO()
            converted.save(file, name, **options)
            contents.append(file.getvalue())
    return contents


def mutant(content: bytes, rng: np.random.Generator) -> bytes:
    """Damage a file in one to three ways."""
    data = bytearray(content)
    for _ in range(rng.integers(1, 4)):
        if len(data) < 16:
            break
        # Some of the damage is done where formats keep sizes and kinds.
        end = len(data) if rng.random() < 0.6 else min(len(data), 64)
        # Without the first bytes, it would be no picture and not be looked at.
        place = int(rng.integers(0 if rng.random() < 0.1 else 8, end))
        kind = rng.integers(0, 8)
        if kind == 0:
            data[place] ^= 1 << int(rng.integers(0, 8))
        elif kind == 1:
            data[place] = int(rng.choice([0, 1, 127, 128, 254, 255]))
        elif kind == 2:
            del data[place:]
        elif kind == 3:
            length = int(rng.integers(1, 64))
            data[place : place + length] = rng.bytes(length)
        elif kind == 4:
            length = int(rng.integers(1, 2000))
            data[place:place] = data[place : place + length] * int(rng.integers(1, 5))
        elif kind == 5:
            del data[place : place + int(rng.integers(1, 64))]
        else:
            # A number of 2 or 4 bytes, such as a size: extreme.
            form = str(rng.choice(["<H", ">H", "<I", ">I"]))
            top = 2 ** (8 * struct.calcsize(form))
            values = [0, 1, 7, 8, 9, 4000, 8000, 16383, 65535, 65536, 3_000_000, top // 2, top - 1]
            number = struct.pack(form, int(rng.choice(values)) % top)
            data[place : place + len(number)] = number
    return with_checksums(bytes(data)) if rng.random() < 0.7 else bytes(data)


def with_checksums(data: bytes) -> bytes:
    """Mend a PNG file's checksums, without which most of its damage would not be looked at."""
    if not data.startswith(b"\x89PNG\r\n\x1a\n"):
        return data
    mended, place = bytearray(data), 8
    while place + 12 <= len(data):
        length = int.from_bytes(data[place : place + 4], "big")
        end = place + 8 + length
        if end + 4 > len(data):
            break
        mended[end : end + 4] = zlib.crc32(data[place + 4 : end]).to_bytes(4, "big")
        place = end + 4
    return bytes(mended)


def resident() -> float:
    """This process's memory in MB; 0 where that cannot be told."""
    status = Path("/proc/self/statm")
    if not status.exists():
        return 0.0
    return int(status.read_text().split()[1]) * 4096 / 1e6


def run(name: str, count: int, seed: int, reader: Reader, folder: Path) -> None:
    """Read mutants of one format, and print what came of them."""
    rng = np.random.default_rng([seed, *name.encode()])
    pictures = valid(name)
    found: collections.Counter[str] = collections.Counter()
    start, slowest, before = time.process_time(), 0.0, 0.0
    for number in range(count):
        content = mutant(pictures[rng.integers(len(pictures))], rng)
        began = time.process_time()
        try:
            reading = reader.read(content)
            found["digits" if reading.digits else "nothing read"] += 1
        except PictureError as error:
            found[f"{type(error).__name__}: {kind_of(error.reason)}"] += 1
        except DeadlineExceeded:
            found["DeadlineExceeded"] += 1
        except BaseException:
            path = folder / f"{name.lower()}-{seed}-{number}"
            path.write_bytes(content)
            print(f"{name}: mutant {number} of seed {seed} is in {path}")
            raise
        slowest = max(slowest, time.process_time() - began)
        if number == count // 2:
            before = resident()
    grown = resident() - before
    seconds = time.process_time() - start
    print(f"{name}: {count} mutants, {seconds:.0f} s, slowest {slowest:.2f} s, {grown:+.0f} MB")
    for kind, times in found.most_common():
        print(f"  {times:6} {kind}")
    sys.stdout.flush()
    if grown > MOST_GROWTH:
        raise SystemExit(f"{name}: memory grew by {grown:.0f} MB over {count} mutants")


def kind_of(reason: str) -> str:
    """An error's reason, without the details in which mutants differ."""
    for known in ("damaged or truncated", "million", "to decode", "too few", "not a picture"):
        if known in reason:
            return known
    return "".join("0" if letter.isdigit() else letter for letter in reason)[:60]


def main() -> None:
    """Read the arguments, run each format."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.pictures")
    parser.add_argument("--count", type=int, default=3000, help="mutants of each format")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--format", choices=FORMATS, action="append")
    parser.add_argument("--out", type=Path, default=Path(), help="folder for a mutant that fails")
    arguments = parser.parse_args()
    reader = Reader()
    for name in arguments.format or FORMATS:
        run(name, arguments.count, arguments.seed, reader, arguments.out)


if __name__ == "__main__":
    main()
