"""Thousands of odd requests to one server process, which has to stay alive, well and small.

    python -m tests.fuzz.requests --count 5000 --seed 0

Every request follows from the seed and its number, so that one can be sent again with ``--only``.
The exit status is 1 if a status of 500 or more was no orderly 503, if an error was told in another
form than the API's, if the server is not well afterwards, or if its memory has grown.
"""

import argparse
import binascii
import http.client
import json
import random
import struct
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from PIL import Image

from tests.web.pictures import board, file
from tests.web.running import running

TYPES = {
    "PNG": "image/png",
    "JPEG": "image/jpeg",
    "WEBP": "image/webp",
    "BMP": "image/bmp",
    "GIF": "image/gif",
    "TIFF": "image/tiff",
    "PPM": "image/x-portable-pixmap",
}
GROWTH = 60  # MB between a quarter and the end: the freedom of an allocator with several threads


@dataclass
class Sent:
    """A request."""

    method: str
    target: str
    headers: list[tuple[str, str]]
    body: bytes
    is_cut: bool = False


@dataclass
class Found:
    """What came back of all requests."""

    statuses: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    slowest: list[tuple[float, int]] = field(default_factory=list)


# -- pictures ------------------------------------------------------------------------------------


def drawn(rng: random.Random) -> Image.Image:
    """A picture of digits, dots, stripes, noise or nothing, of any mode."""
    size = rng.choice([(400, 240), (120, 90), (28, 28), (8, 8), (333, 19), (19, 335), (900, 700)])
    kind = rng.choice(["digits", "digits", "digits", "blank", "noise", "dots", "checker", "lines"])
    if kind == "digits":
        image = board("".join(rng.choices("147", k=rng.randint(1, 4))), is_light=rng.random() < 0.3)
        image = image.resize(size)
    elif kind == "noise":
        small = (max(8, size[0] // 3), max(8, size[1] // 3))
        image = Image.frombytes("L", small, rng.randbytes(small[0] * small[1]))
    else:
        step = rng.choice([2, 3, 4, 9, 40])
        image = Image.new("L", size, 255)
        for y in range(0, size[1] if kind != "blank" else 0, step):
            for x in range(0, size[0], step if kind != "lines" else 1):
                image.putpixel(
                    (x, y), 0 if kind != "checker" or (x // step + y // step) % 2 else 90
                )
    if rng.random() < 0.05:
        return extreme(rng)
    mode = rng.choice(["L", "L", "RGB", "RGBA", "P", "1", "LA", "I;16", "CMYK"])
    return image.convert("I").convert("I;16") if mode == "I;16" else image.convert(mode)


def extreme(rng: random.Random) -> Image.Image:
    """A picture of a size that hardly anybody sends."""
    sizes = [(40_000, 8), (8, 40_000), (1, 1), (7, 3000), (4000, 1), (9000, 60), (2600, 2400)]
    image = Image.new("L", rng.choice(sizes), rng.choice([0, 255]))
    for x in range(0, image.width, max(2, image.width // 900)):
        image.putpixel((x, image.height // 2), 128)
    return image


def picture(rng: random.Random, hard: list[bytes]) -> tuple[str, bytes]:
    """A picture file, whole or damaged; and its kind."""
    if hard and rng.random() < 0.03:
        kind, content = "PNG", rng.choice(hard)
    else:
        kind, image = rng.choice(list(TYPES)), drawn(rng)
        fitting = {
            "JPEG": "RGB",
            "WEBP": "RGBA",
            "BMP": "L",
            "GIF": "L",
            "PPM": "RGB",
            "PNG": "RGB",
        }
        try:
            content = file(image, kind)
        except (OSError, ValueError, KeyError):  # not every kind takes every mode and size
            try:
                content = file(image.convert(fitting.get(kind, "L")), kind)
            except (OSError, ValueError):
                kind, content = "PNG", file(image.convert("L"))
    if rng.random() < 0.2:
        return kind, content
    return kind, rng.choice(MUTATIONS)(rng, content)


def flip_bits(rng: random.Random, content: bytes) -> bytes:
    """Flip bits, half of the time near the beginning, where the headers are."""
    damaged = bytearray(content)
    reach = len(damaged) if rng.random() < 0.5 else min(len(damaged), 64)
    for _ in range(rng.choice([1, 2, 8, 40]) if reach else 0):
        damaged[rng.randrange(reach)] ^= 1 << rng.randrange(8)
    return bytes(damaged)


def set_bytes(rng: random.Random, content: bytes) -> bytes:
    """Overwrite some bytes with values at the ends of their range."""
    damaged = bytearray(content)
    for _ in range(rng.choice([1, 3]) if len(damaged) > 8 else 0):
        at = rng.randrange(min(len(damaged) - 4, rng.choice([60, 10**9])))
        damaged[at : at + 4] = rng.choice(
            [b"\0\0\0\0", b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\x80\0\0\0", b"\0\1\0\0"]
        )
    return bytes(damaged)


def truncate(rng: random.Random, content: bytes) -> bytes:
    """Leave the end out."""
    return content[: rng.randrange(len(content))]


def splice(rng: random.Random, content: bytes) -> bytes:
    """Move, repeat or remove a piece."""
    one, two, three = sorted(rng.randrange(len(content)) for _ in range(3))
    return rng.choice(
        [
            content[:one] + content[two:],
            content[:two] + content[one:],
            content[:one] + content[two:three] + content[one:two] + content[three:],
            content[:one] + rng.randbytes(rng.randint(1, 300)) + content[one:],
            content + content,
        ]
    )


def resize(rng: random.Random, content: bytes) -> bytes:
    """Claim another size in the header, with a right checksum where there is one."""
    width, height = (rng.choice([0, 1, 2, 7, 8, 300, 5000, 65_535, 2**24, 2**31 - 1]) for _ in "wh")
    damaged = bytearray(content)
    if content.startswith(b"\x89PNG") and len(content) > 33:
        damaged[16:24] = struct.pack(">II", width, height)
        damaged[29:33] = struct.pack(">I", binascii.crc32(damaged[12:29]))
    elif content.startswith(b"BM") and len(content) > 26:
        damaged[18:26] = struct.pack("<ii", width, rng.choice([height, -height]))
    elif content.startswith(b"GIF") and len(content) > 10:
        damaged[6:10] = struct.pack("<HH", width & 65_535, height & 65_535)
    elif content.startswith((b"P5", b"P6")):
        return content[:2] + b"\n%d %d\n255\n" % (width, height) + content[15:]
    return bytes(damaged)


def unzip_bomb(rng: random.Random, content: bytes) -> bytes:
    """A few KB that are millions of pixels."""
    side = rng.choice([3000, 5000, 5001, 9000])
    return file(Image.new(rng.choice(["1", "L"]), (side, side)))


MUTATIONS: list[Callable[[random.Random, bytes], bytes]] = [
    *[flip_bits, set_bytes, truncate, splice, resize] * 8,
    unzip_bomb,
]


# -- requests ------------------------------------------------------------------------------------


def request(rng: random.Random, hard: list[bytes]) -> Sent:
    """Some request, odd in one way or several."""
    target = rng.choice(
        [
            *["/api/v1/read"] * 6,
            "/api/v1/read?frames=true",
            "/api/v1/read?frames=perhaps",
            *["/api/v1/activations"] * 2,
            f"/api/v1/activations?index={rng.choice(['0', '1', '-1', '1e9', '', 'x', '9' * 5000])}",
            "/api/v1/collection",
        ]
    )
    way = rng.choice(["raw", "raw", "raw", "form", "form", "json"])
    kind, body = picture(rng, hard)
    if way == "json":
        content_type, body = "application/json", json_body(rng)
    elif way == "form":
        content_type, body = form(rng, TYPES[kind], body)
    else:
        content_type = rng.choice([TYPES[kind]] * 4 + ["application/octet-stream", "image/*"])
    headers = [("Content-Type", content_type)]
    sent = Sent("POST", target, headers, body)
    if rng.random() < 0.12:
        rng.choice([wrong_headers, wrong_target, wrong_length])(rng, sent)
    return sent


def wrong_headers(rng: random.Random, sent: Sent) -> None:
    """Lie in the headers."""
    name, value = rng.choice(
        [
            ("Content-Type", ""),
            ("Content-Type", "text/html"),
            ("Content-Type", "image/"),
            ("Content-Type", "IMAGE/PNG; a=b; charset=\xff"),
            ("Content-Type", "multipart/form-data"),
            ("Content-Type", 'multipart/form-data; boundary=""'),
            ("Content-Type", "multipart/form-data; boundary=" + "x" * 3000),
            ("Content-Type", "application/json; charset=utf-16"),
            ("Content-Encoding", "gzip"),
            ("Expect", "100-continue"),
            ("X-Long", "x" * 60_000),
            ("Sec-Fetch-Site", "cross-site"),
            ("Connection", "close"),
            ("Upgrade", "websocket"),
            ("Range", "bytes=0-0"),
        ]
    )
    sent.headers[:] = [(n, v) for n, v in sent.headers if n != name] + [(name, value)]


def wrong_target(rng: random.Random, sent: Sent) -> None:
    """Ask for something else, or in another way."""
    sent.method = rng.choice(["GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "POST", "BREW"])
    places = ["/", "/api/v1/models", "/api/v1/models/reader/layers/conv2d_1", "/static/app.js"]
    places += ["/api/v1/models/%00/layers/..%2f", "/static/..%2f..%2fapp.py", "/readyz", "/metrics"]
    sent.target = rng.choice(
        [*places, sent.target, sent.target + "?" + "a=b&" * 3000, "//", "/%ff"]
    )


def wrong_length(rng: random.Random, sent: Sent) -> None:
    """Say that the body is longer than it is, or hang up in the middle of it."""
    sent.is_cut = True


def json_body(rng: random.Random) -> bytes:
    """JSON that holds a picture, or almost, or not at all."""
    side = rng.choice([8, 28, 60])
    flat: list[object] = [rng.choice([0, 255, 254.0]) for _ in range(side * side)]
    rows = [flat[at : at + side] for at in range(0, len(flat), side)]
    odd: list[object] = [-1, 256, 0.5, 1e400, None, True, "0", [], {}, 10**400, "\ud800"]
    if rng.random() < 0.4:
        flat[rng.randrange(len(flat))] = rng.choice(odd)
        rows[rng.randrange(side)] = rng.choice([[], [0], [0] * (side + 1), "row", None])  # type: ignore[call-overload]
    label = rng.choice([0, 9, 10, -1, "7", True, None])
    body = json.dumps(
        rng.choice(
            [
                flat,
                rows,
                {"pixels": flat},
                {"pixels": rows},
                {"pixels": rows, "more": 1},
                {"pixels": flat, "label": label, "agreed": rng.choice([True, True, False, 1])},
                *odd,
            ]
        )
    ).encode()
    texts = [b"[" * 100_000, b"[" + b"[]," * 300_000 + b"[]]", b'{"a":' * 5000, b"\xff\xfe[0]"]
    texts += [b"[" + b"9" * 5000 + b"]", b"[1e" + b"9" * 5000 + b"]", b"\xef\xbb\xbf[0]", b"NaN"]
    choice = rng.random()
    if choice < 0.1:
        return rng.choice(texts)
    return rng.choice([flip_bits, truncate, splice])(rng, body) if choice < 0.4 else body


def form(rng: random.Random, kind: str, content: bytes) -> tuple[str, bytes]:
    """A form with a file, or almost."""
    line = rng.choice([b"--------x1", b"x", b"-", b"boundary"])
    name = rng.choice(['filename="a.png"', "filename=a", 'filename=""', "", "filename*=utf-8''%ff"])
    encoding = rng.choice(["", "", "", "base64", "quoted-printable", "x"])
    head = f'Content-Disposition: form-data; name="file"; {name}\r\nContent-Type: {kind}\r\n'
    if encoding:
        head += f"Content-Transfer-Encoding: {encoding}\r\n"
    part = b"--" + line + b"\r\n" + head.encode() + b"\r\n" + content + b"\r\n"
    body = (
        part * rng.choice([1, 1, 1, 2, 150 if len(content) < 5000 else 1])
        + b"--"
        + line
        + b"--\r\n"
    )
    if rng.random() < 0.3:
        body = rng.choice([flip_bits, truncate, splice])(rng, body)
    return f"multipart/form-data; boundary={line.decode()}", body


# -- sending -------------------------------------------------------------------------------------


class Client(threading.local):
    """A connection a thread."""

    def __init__(self, host: str, port: int) -> None:
        """Take the server's address."""
        self.host, self.port = host, port
        self.connection: http.client.HTTPConnection | None = None

    def send(self, sent: Sent) -> tuple[int, str, bytes] | str:
        """Return an answer's status, content type and body; or why there is none."""
        if self.connection is None:
            self.connection = http.client.HTTPConnection(self.host, self.port, timeout=60)
        connection = self.connection
        try:
            connection.putrequest(sent.method, sent.target, skip_accept_encoding=True)
            for name, value in sent.headers:
                connection.putheader(name, value.encode("latin-1"))
            connection.putheader("Content-Length", str(len(sent.body) + (9 if sent.is_cut else 0)))
            connection.endheaders(sent.body)
            if sent.is_cut and connection.sock is not None:
                connection.close()
                return "hung up"
            answer = connection.getresponse()
            return answer.status, answer.headers.get("content-type", ""), answer.read()
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            return type(error).__name__


def judge(found: Found, number: int, answer: tuple[int, str, bytes] | str) -> None:
    """Count an answer, and note what is wrong with it."""
    if isinstance(answer, str):
        found.statuses[answer] += 1
        # A server may close while a request that it refuses arrives; a timeout is another matter.
        usual = ("hung up", "BrokenPipeError", "ConnectionResetError", "RemoteDisconnected")
        if answer not in usual:
            found.wrong.append(f"{number}: {answer}")
        return
    status, content_type, body = answer
    found.statuses[str(status)] += 1
    if status < 400 or body.startswith(b"Invalid HTTP request"):  # uvicorn's, of no route
        return
    is_orderly = content_type == "application/problem+json" or not body
    if (status >= 500 and status != 503) or not is_orderly:
        found.wrong.append(f"{number}: {status} {content_type} {body[:200]!r}")


def megabytes(pid: int) -> float:
    """The memory that a process holds."""
    words = ["ps", "-o", "rss=", "-p", str(pid)]
    return int(subprocess.run(words, capture_output=True, check=True).stdout) / 1000


@contextmanager
def server(port: int | None) -> Iterator[tuple[str, int, int | None, Path | None]]:
    """Host, port, process and log of a server: one that runs, or a new one."""
    if port is not None:
        yield "127.0.0.1", port, None, None
        return
    with running() as found:
        parts = urlsplit(found.url)
        yield parts.hostname or "", parts.port or 0, found.process.pid, found.log
        assert found.process.poll() is None, "the server has ended"


def main() -> int:
    """Send the requests and say what came back."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else "")
    parser.add_argument("--count", type=int, default=5000, help="how many requests")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--port", type=int, help="of a server that runs already")
    parser.add_argument("--pictures", type=Path, help="a folder of hard pictures to mix in")
    parser.add_argument("--clients", type=int, default=4, help="how many send at the same time")
    parser.add_argument("--only", type=int, help="send this one request and show its answer")
    options = parser.parse_args()
    hard = []
    if options.pictures:
        endings = (".png", ".webp", ".jpg", ".gif", ".bmp", ".tif")
        paths = sorted(options.pictures.iterdir())
        hard = [path.read_bytes() for path in paths if path.suffix in endings]

    with server(options.port) as (host, port, pid, log):
        client, found, memory = Client(host, port), Found(), []

        def one(number: int) -> None:
            sent = request(random.Random(f"{options.seed}-{number}"), hard)
            start = time.perf_counter()
            answer = client.send(sent)
            found.slowest.append((time.perf_counter() - start, number))
            judge(found, number, answer)
            if options.only is not None:
                print(sent.method, sent.target[:200], sent.headers, len(sent.body), "bytes")
                print(answer)

        def weigh() -> None:
            if pid is not None:
                time.sleep(5)  # until the last is done, and what is free is given back
                memory.append(megabytes(pid))

        numbers = range(options.count) if options.only is None else [options.only]
        weigh()
        with ThreadPoolExecutor(options.clients) as pool:
            for quarter in range(4):
                among = slice(len(numbers) * quarter // 4, len(numbers) * (quarter + 1) // 4)
                list(pool.map(one, numbers[among]))
                weigh()
        well = client.send(
            Sent("POST", "/api/v1/read", [("Content-Type", "image/png")], file(board("4")))
        )
        tracebacks = log.read_text(errors="replace").count("Traceback") if log else 0
    found.slowest.sort(reverse=True)
    print(f"{len(numbers)} requests, seed {options.seed}, {options.clients} at the same time")
    print("answers:", ", ".join(f"{each} {n}" for each, n in sorted(found.statuses.items())))
    print("slowest:", ", ".join(f"{s:.1f} s (--only {n})" for s, n in found.slowest[:5]))
    print("memory at the start and after each quarter:", *(f"{each:.0f} MB" for each in memory))
    is_well = not isinstance(well, str) and b'"text":"4"' in well[2]
    is_small = not memory or memory[4] - memory[1] < GROWTH
    print("well afterwards:", is_well, "| tracebacks in the log:", tracebacks)
    for line in found.wrong[:20]:
        print("WRONG", line)
    return 0 if is_well and is_small and not tracebacks and not found.wrong else 1


if __name__ == "__main__":
    sys.exit(main())
