"""Mutants of every kind of file that numcnn reads: ``python -m tests.fuzz.files --kind model``.

Each mutant is read in this process. It may be read, or refused with a ValueError or an OSError;
anything else is a fault, as is more than a few seconds or a peak of memory far above the file's
size. Faults are kept as files in ``--keep``, and the counts are printed at the end.
"""

import argparse
import collections
import copy
import gzip
import importlib.util
import io
import json
import os
import re
import resource
import shutil
import sys
import tempfile
import time
import tracemalloc
import warnings
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from numcnn.data import DataWarning, read_cifar10_batch, read_csv, read_folder, read_idx
from numcnn.data.download_sources import CIFAR10
from numcnn.data.locate import find
from numcnn.interchange import onnx_model, read_onnx, read_torch_weights, write_torch
from numcnn.model_files import ModelFile, load_model, read_arrays, save_model, write_arrays
from numcnn.nn import (
    GELU,
    BatchNorm,
    Conv2D,
    Dense,
    Flatten,
    LayerNorm,
    MaxPool2D,
    Normalization,
    ReLU,
    Rescaling,
    Residual,
    SiLU,
)
from numcnn.nn import Sequential as Model

SECONDS = 5.0
"""A mutant that takes longer, in processor time, is a fault."""

MEMORY = 100_000_000
"""So many bytes more than twenty times the file's size are a fault."""

Rng = np.random.Generator
Mutation = Callable[[bytes, Rng], bytes]


def flip_bits(content: bytes, rng: Rng) -> bytes:
    changed = bytearray(content)
    for place in rng.integers(0, len(changed), rng.integers(1, 9)):
        changed[place] ^= 1 << int(rng.integers(8))
    return bytes(changed)


def change_bytes(content: bytes, rng: Rng) -> bytes:
    changed = bytearray(content)
    for place in rng.integers(0, len(changed), rng.integers(1, 5)):
        changed[place] = rng.choice([0, 1, 0x7F, 0x80, 0xFE, 0xFF, *b'",;\n\r -.0e[]{}'])
    return bytes(changed)


def change_the_beginning(content: bytes, rng: Rng) -> bytes:
    head = min(len(content), 64)
    return change_bytes(content[:head], rng) + content[head:]


def cut(content: bytes, rng: Rng) -> bytes:
    return content[: rng.integers(0, len(content))]


def cut_out(content: bytes, rng: Rng) -> bytes:
    start, end = sorted(rng.integers(0, len(content), 2))
    return content[:start] + content[end:]


def splice(content: bytes, rng: Rng) -> bytes:
    start, end, place = sorted(rng.integers(0, len(content), 3))
    return content[:place] + content[start:end] + content[place:]


def repeat(content: bytes, rng: Rng) -> bytes:
    start = rng.integers(0, len(content))
    piece = content[start : start + rng.integers(1, 40)]
    return content[:start] + piece * int(rng.integers(2, 2000)) + content[start:]


def insert_noise(content: bytes, rng: Rng) -> bytes:
    place = rng.integers(0, len(content) + 1)
    return content[:place] + rng.bytes(rng.integers(1, 50)) + content[place:]


NUMBERS = [
    *(b"0", b"-1", b"1", b"2", b"255", b"256", b"65535", b"65536", b"2147483648", b"4294967295"),
    *(b"1e308", b"1e999", b"-1e-320", b"0.5", b'"0.5"', b"NaN", b"Infinity", b"true", b"null"),
    *(b"[]", b"{}", b"1" * 30, b"9" * 400, b"18446744073709551615", b"''", b"", b"1_0"),
]


def change_numbers(content: bytes, rng: Rng) -> bytes:
    """Put other numbers in the place of some that are written as text."""
    found = list(re.finditer(rb"-?[0-9]+(\.[0-9]+)?(e-?[0-9]+)?", content[:100_000]))
    if not found:
        return flip_bits(content, rng)
    for index in sorted(rng.integers(0, len(found), rng.integers(1, 4)))[::-1]:
        start, end = found[index].span()
        content = content[:start] + NUMBERS[rng.integers(len(NUMBERS))] + content[end:]
    return content


def change_digits(content: bytes, rng: Rng) -> bytes:
    """Turn some digits into others: mostly still a table."""
    changed = bytearray(content)
    for place in rng.integers(0, len(changed), 4):
        if chr(changed[place]).isdigit():
            changed[place] = rng.choice([*b"0123456789"])
    return bytes(changed)


MUTATIONS: tuple[Mutation, ...] = (
    flip_bits,
    change_bytes,
    change_the_beginning,
    cut,
    cut_out,
    splice,
    repeat,
    insert_noise,
    change_numbers,
)


def in_the_json(content: bytes, rng: Rng) -> bytes:
    """Change a safetensors file's header and write its length again, so that it can be parsed."""
    length = int.from_bytes(content[:8], "little")
    header, body = content[8 : 8 + length], content[8 + length :]
    try:
        table = json.loads(header)
        text = json.loads(table["__metadata__"]["numcnn"])
    except (KeyError, TypeError, ValueError):  # it was changed before
        return flip_bits(content, rng)
    if rng.random() < 0.2:
        header = MUTATIONS[rng.integers(len(MUTATIONS))](header, rng)
    else:
        for _ in range(rng.integers(1, 3)):
            _change_a_value(text, rng)
        said = json.dumps(text)
        if rng.random() < 0.3:
            said = change_numbers(said.encode(), rng).decode("latin-1")
        table["__metadata__"]["numcnn"] = said
        header = json.dumps(table).encode()
    return len(header).to_bytes(8, "little") + header + body


VALUES: list[Any] = [
    *(0, 1, -1, 2, 7, 65_536, 2**31, 2**63, 10**400, 0.5, -0.5, 1e-300, 1e300, True, None),
    *("", "0.5", "ReLU", "Residual", "BatchNorm", "Dense", "same", "x" * 5000),
    *([], {}, [1, 1], [[[]]], {"layer": "ReLU"}, [60_000, 60_000, 1]),
    *([{"layer": "ReLU"}] * 3, [{"layer": "BatchNorm"}] * 500),
]


def _change_a_value(value: Any, rng: Rng) -> None:
    places: list[tuple[Any, Any]] = []
    left = [value]
    while left:
        inner = left.pop()
        keys = list(inner) if isinstance(inner, dict) else range(len(inner))
        for key in keys:
            places.append((inner, key))
            if isinstance(inner[key], dict | list):
                left.append(inner[key])
    if not places:
        return
    owner, key = places[rng.integers(len(places))]
    other, other_key = places[rng.integers(len(places))]
    choice = rng.random()
    if choice < 0.6:
        # A copy, since what is put in may be changed in its turn.
        owner[key] = copy.deepcopy(VALUES[rng.integers(len(VALUES))])
    elif choice < 0.8:
        owner[key] = copy.deepcopy(other[other_key])
    elif isinstance(owner, list):
        owner[:] = [copy.deepcopy(one) for one in owner * int(rng.integers(2, 50))]
    else:
        del owner[key]


def model_seed(folder: Path) -> list[bytes]:
    layers = [Normalization(), Conv2D(2, 3), BatchNorm(), ReLU(), Residual([Conv2D(2, 1)])]
    model = Model([*layers, MaxPool2D(), Flatten(), Dense(3)])
    model.build((8, 8, 1))
    save_model(folder / "seed", model, ["a", "b", "c"], {"seed": 1})
    return [(folder / "seed").read_bytes()]


def array_seed(folder: Path) -> list[bytes]:
    header = {"kind": "checkpoint", "settings": {"a": 1}, "history": [{"epoch": 1, "loss": 0.5}]}
    arrays = {"parameters": np.arange(50, dtype=np.float32), "count": np.arange(3)}
    write_arrays(folder / "seed", arrays, header)
    return [(folder / "seed").read_bytes()]


def idx_seed(folder: Path) -> list[bytes]:
    plain = bytes.fromhex("00000803 00000004 00000005 00000006") + bytes(range(120))
    return [plain, gzip.compress(plain)]


def cifar10_seed(folder: Path) -> list[bytes]:
    return [bytes([3, *range(256)] + [7] * (3072 - 256)) * 2]


def csv_seed(folder: Path) -> list[bytes]:
    rng = np.random.default_rng(0)
    rows = rng.integers(0, 255, (30, 9)).tolist()
    lines = [f"{number % 10},{','.join(map(str, row))}" for number, row in enumerate(rows)]
    bare = "\n".join(lines) + "\n"
    header = "label," + ",".join(f"pixel{number}" for number in range(9)) + "\n"
    pairs = "label," + ",".join(f"{k // 3 + 1}x{k % 3 + 1}" for k in range(9)) + "\n"
    plain = (header + bare).encode()
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("a.csv", plain)
    return [
        plain,
        bare.encode(),
        (pairs + bare).replace(",", ";").replace("\n", "\r\n").encode(),
        ('"' + (header + bare).replace(",", '", "').replace("\n", '"\n"'))[:-1].encode(),
        (header + bare).encode("utf-16"),
        (header.replace(",", " ") + re.sub(r",(\d+)", r" \1.5", bare)).encode(),
        (header + re.sub(r"(?m)^\d", "cat", bare)).encode(),
        gzip.compress(plain),
        packed.getvalue(),
    ]


def picture_seeds(folder: Path) -> list[bytes]:
    gray = np.arange(120, dtype=np.uint8).reshape(10, 12)
    exif = Image.Exif()
    exif[0x0112] = 6
    seeds = []
    for kind, image, settings in (
        ("PNG", Image.fromarray(gray), {}),
        ("PNG", Image.fromarray(gray.astype(np.uint16) * 257), {}),
        ("PNG", Image.fromarray(np.dstack([gray] * 4)), {}),
        ("PNG", Image.fromarray(gray).quantize(16), {}),
        ("JPEG", Image.fromarray(gray), {"exif": exif}),
        ("JPEG", Image.fromarray(np.dstack([gray] * 3)).convert("CMYK"), {}),
        (
            "GIF",
            Image.fromarray(gray),
            {"save_all": True, "append_images": [Image.fromarray(gray)]},
        ),
        ("BMP", Image.fromarray(gray), {}),
        ("TIFF", Image.fromarray(gray.astype(np.float32)), {"exif": exif}),
        ("TIFF", Image.fromarray(gray), {"compression": "tiff_lzw"}),
        ("WEBP", Image.fromarray(np.dstack([gray] * 3)), {}),
        ("PPM", Image.fromarray(gray), {}),
    ):
        buffer = io.BytesIO()
        image.save(buffer, kind, **settings)
        seeds.append(buffer.getvalue())
    return seeds


def read_as_folder(path: Path) -> None:
    root = path.parent / "root"
    (root / "a").mkdir(parents=True, exist_ok=True)
    shutil.copy(path, root / "a" / "mutant.png")
    read_folder(root, size=(8, 8))


def read_as_cifar10(path: Path) -> None:
    read_cifar10_batch(path)
    find(CIFAR10, path.parent)


Seeds = Callable[[Path], list[bytes]]


def onnx_seeds(folder: Path) -> list[bytes]:
    """Networks as ONNX, with everything in them that is read in a way of its own."""
    seeds = []
    body = [Conv2D(3, 3, 2, "same"), BatchNorm(), ReLU(), MaxPool2D(), Flatten()]
    way = Residual([Conv2D(3, 3, padding="same")])
    for number, layers in enumerate(
        (
            [Normalization(), *body, Dense(4)],
            [Rescaling(), Conv2D(3, 1), way, GELU(), LayerNorm(), SiLU(), Flatten(), Dense(3)],
        )
    ):
        model = Model(layers)
        model.build((8, 6, 2), seed=number)
        names = tuple(map(str, range(model.output_shape[0])))
        proto = onnx_model(ModelFile(model, names, {"seed": number}), layout="nhwc")
        seeds.append(proto.SerializeToString())
    return seeds


def in_the_graph(content: bytes, rng: Rng) -> bytes:
    """Change an ONNX file's parts, so that it is one still: sizes, names, attributes, places."""
    import onnx

    model = onnx.ModelProto()
    try:
        model.ParseFromString(content)
    except Exception:  # it was changed before
        return flip_bits(content, rng)
    graph = model.graph
    if not (graph.node and graph.initializer and graph.input):
        return flip_bits(content, rng)
    node = graph.node[rng.integers(len(graph.node))]
    tensor = graph.initializer[rng.integers(len(graph.initializer))]
    number = int(rng.choice([0, -1, 1, 2, 3, 7, 255, 65536, 2**31, 2**62, -(2**63)]))
    names = [name for each in graph.node for name in (*each.input, *each.output)] + ["", "?", "\n"]
    name = names[rng.integers(len(names))]
    what = rng.integers(12)
    if what == 0 and tensor.dims:
        tensor.dims[rng.integers(len(tensor.dims))] = number
    elif what == 1:
        tensor.dims.extend([number] * int(rng.integers(1, 40)))
    elif what == 2:
        tensor.data_type = int(rng.integers(-1, 30))
    elif what == 3 and node.input:
        node.input[rng.integers(len(node.input))] = name
    elif what == 4 and node.output:
        node.output[0] = name
    elif what == 5:
        node.op_type = graph.node[rng.integers(len(graph.node))].op_type
    elif what == 6 and node.attribute:
        attribute = node.attribute[rng.integers(len(node.attribute))]
        attribute.i = number
        attribute.f = float(rng.choice([0, -1, 1e38, np.nan, np.inf]))
        for place in range(len(attribute.ints)):
            attribute.ints[place] = number if rng.random() < 0.5 else attribute.ints[place]
    elif what == 7 and node.attribute:
        node.attribute[0].type = int(rng.integers(0, 14))
    elif what == 8:
        tensor.data_location = 1
        for key, value in (
            ("location", str(rng.choice(["../secret", "/etc/passwd", "", "mutant", "C:\\x"]))),
            ("offset", str(number)),
            ("length", str(-number)),
        ):
            tensor.external_data.add(key=key, value=value)
    elif what == 9:
        graph.node.add().CopyFrom(node)
    elif what == 10:
        del graph.node[rng.integers(len(graph.node))]
    else:
        shape = graph.input[0].type.tensor_type.shape
        if shape.dim:
            shape.dim[rng.integers(len(shape.dim))].dim_value = number
    return bytes(model.SerializeToString())


def weights_seed(folder: Path) -> list[bytes]:
    model = Model([Conv2D(3, 3), BatchNorm(), Flatten(), Dense(4)])
    model.build((8, 6, 2))
    write_torch(folder / "torch", ModelFile(model, tuple("abcd")))
    return [(folder / "torch" / "weights.safetensors").read_bytes()]


KINDS: dict[str, tuple[Seeds, Callable[[Path], object], tuple[Mutation, ...]]] = {
    "model": (model_seed, load_model, (*MUTATIONS, *[in_the_json] * 9)),
    "array": (
        array_seed,
        lambda path: read_arrays(path, "checkpoint"),
        (*MUTATIONS, *[in_the_json] * 9),
    ),
    "idx": (idx_seed, read_idx, MUTATIONS),
    "cifar10": (cifar10_seed, read_as_cifar10, MUTATIONS),
    "csv": (csv_seed, read_csv, (*MUTATIONS, *[change_digits] * 3)),
    "folder": (picture_seeds, read_as_folder, MUTATIONS),
    "weights": (weights_seed, read_torch_weights, MUTATIONS),
}
if importlib.util.find_spec("onnx"):
    KINDS["onnx"] = (onnx_seeds, read_onnx, (*MUTATIONS, *[in_the_graph] * 15))


def mutants(seeds: list[bytes], mutations: tuple[Mutation, ...], rng: Rng) -> Iterator[bytes]:
    """Mutants without end. What is packed is also changed before it is packed."""
    while True:
        content = seeds[rng.integers(len(seeds))]
        is_packed = content.startswith(b"\x1f\x8b") and rng.random() < 0.5
        if is_packed:
            content = gzip.decompress(content)
        for _ in range(1 + int(rng.random() < 0.3)):
            if content:
                content = mutations[rng.integers(len(mutations))](content, rng)
        yield gzip.compress(content) if is_packed else content


def fuzz(kind: str, count: int, seed: int, keep: Path | None = None) -> dict[str, Any]:
    """Read mutants; give what came of them, and each fault with its number."""
    make, read, mutations = KINDS[kind]
    outcomes: collections.Counter[str] = collections.Counter()
    faults: list[str] = []
    slowest = largest = 0.0
    tracemalloc.start()
    with tempfile.TemporaryDirectory() as name, warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.simplefilter("ignore", DataWarning)
        folder = Path(name)
        path = folder / "mutant"
        rng = np.random.default_rng([seed, *kind.encode()])
        for number, content in zip(
            range(count), mutants(make(folder), mutations, rng), strict=False
        ):
            path.write_bytes(content)
            tracemalloc.reset_peak()
            before = tracemalloc.get_traced_memory()[0]
            begin = time.process_time()
            fault = ""
            try:
                read(path)
                outcomes["read"] += 1
            except (ValueError, OSError) as error:
                outcomes["refused"] += 1
                if "\n" in str(error) or str(folder) not in str(error):
                    fault = f"names no file, or has several lines: {error}"
            except Exception as error:
                fault = f"{type(error).__name__}: {error}"
            seconds = time.process_time() - begin
            memory = tracemalloc.get_traced_memory()[1] - before
            slowest, largest = max(slowest, seconds), max(largest, memory)
            if seconds > SECONDS:
                fault = fault or f"{seconds:.1f} s"
            if memory > MEMORY + 20 * len(content):
                fault = fault or f"{memory / 1e6:.0f} MB for {len(content):,} bytes"
            if fault:
                faults.append(f"mutant {number}: {fault}")
                if keep is not None:
                    keep.mkdir(parents=True, exist_ok=True)
                    (keep / f"{kind}-{seed}-{number}").write_bytes(content)
    tracemalloc.stop()
    return {
        "kind": kind,
        "mutants": count,
        **outcomes,
        "faults": faults,
        "slowest_seconds": round(slowest, 3),
        "largest_megabytes": round(largest / 1e6, 1),
        "process_megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1000,
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--kind", choices=[*KINDS, "all"], default="all")
    parser.add_argument("--count", type=int, default=3000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", type=Path, help="Where faulty mutants are written.")
    given = parser.parse_args()
    found = 0
    for kind in KINDS if given.kind == "all" else [given.kind]:
        result = fuzz(kind, given.count, given.seed, given.keep)
        found += len(result["faults"])
        sys.stdout.write(json.dumps(result) + "\n")
        sys.stdout.flush()
    return 1 if found else 0


if __name__ == "__main__":
    os.environ.setdefault("PYTHONWARNINGS", "error")
    sys.exit(main())
