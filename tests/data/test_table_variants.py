"""Tables as people have them: each variant is read as what it means, or refused with a word."""

import csv
import gzip
import io
import re
import warnings
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from numcnn.data import DataWarning, load, read_csv

RNG = np.random.default_rng(5)
COUNT, SIDE = 40, 4
PIXELS = RNG.integers(0, 256, (COUNT, SIDE * SIDE))
PIXELS[:, [0, -1]] = 0  # nothing is written in the corners
PIXELS[0, 5] = 255
LABELS = np.arange(COUNT) % 10
NAMES = [f"pixel{number}" for number in range(SIDE * SIDE)]
PAIRS = [(row, column) for row in range(SIDE) for column in range(SIDE)]
Rows = list[list[object]]


def labeled(
    names: Sequence[object] | None = None, label: str = "label", at: int = 0, **columns: Any
) -> Rows:
    """Header and rows, with the label's column at a place."""
    pixels = columns.get("pixels", PIXELS)
    labels = columns.get("labels", LABELS)
    header = list(names or NAMES)
    header.insert(at if at >= 0 else len(header), label)
    rows: Rows = [header]
    for values, one in zip(pixels.tolist(), labels.tolist(), strict=True):
        row = list(values)
        row.insert(at if at >= 0 else len(row), one)
        rows.append(row)
    return rows


def unlabeled(names: Sequence[object] | None = None) -> Rows:
    return [list(names or NAMES), *PIXELS.tolist()]


def with_column(rows: Rows, name: str, values: Sequence[object], at: int = 0) -> Rows:
    given = [name, *values]
    return [[*row[:at], cell, *row[at:]] for row, cell in zip(rows, given, strict=True)]


def text(rows: Rows, delimiter: str = ",", end: str = "\n", **settings: Any) -> bytes:
    stream = io.StringIO(newline="")
    csv.writer(stream, delimiter=delimiter, lineterminator=end, **settings).writerows(rows)
    return stream.getvalue().encode()


def zipped(files: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return stream.getvalue()


def floats(form: Callable[[float], str], scale: float = 1.0) -> np.ndarray:
    return np.array([[form(value * scale) for value in row] for row in PIXELS], object)


PLAIN = text(labeled())
BARE = text(labeled()[1:])
LAST = text(labeled(at=-1)[1:])
EMPTY = b"," * (SIDE * SIDE)
SHUFFLED = RNG.permutation(SIDE * SIDE)
INDEX = list(range(COUNT))

# Read as LABELS and PIXELS. After the content stands a word of the note that comes with it, if one
# does.
SAME: dict[str, tuple[bytes, str]] = {
    "Kaggle's": (PLAIN, ""),
    # Where the label is, and what it is called.
    "label last": (text(labeled(at=-1)), ""),
    "label in the middle": (text(labeled(at=7)), ""),
    "Label": (text(labeled(label="Label")), ""),
    "LABEL": (text(labeled(label="LABEL")), ""),
    "labels": (text(labeled(label="labels")), ""),
    "class": (text(labeled(label="class")), ""),
    "Class last": (text(labeled(label="Class", at=-1)), ""),
    "target last": (text(labeled(label="target", at=-1)), ""),
    "y": (text(labeled(label="y")), ""),
    "digit": (text(labeled(label="digit")), ""),
    "class_label": (text(labeled(label="class_label")), ""),
    "label with blanks": (text(labeled(label="  label ")), ""),
    # What the pixels are called.
    "pixel1 to pixelN": (text(labeled([f"pixel{k + 1}" for k in range(16)])), ""),
    "pixel_0": (text(labeled([f"pixel_{k}" for k in range(16)])), ""),
    "Pixel 0": (text(labeled([f"Pixel 0{k}" if k < 10 else f"Pixel {k}" for k in range(16)])), ""),
    "px0": (text(labeled([f"px{k}" for k in range(16)])), ""),
    "x1": (text(labeled([f"x{k + 1}" for k in range(16)])), ""),
    "feature_0": (text(labeled([f"feature_{k}" for k in range(16)], label="target")), ""),
    "0 to N": (text(labeled(list(range(16)))), ""),
    "1 to N": (text(labeled(list(range(1, 17)))), ""),
    "1x1": (text(labeled([f"{a + 1}x{b + 1}" for a, b in PAIRS])), ""),
    "p_0_0": (text(labeled([f"p_{a}_{b}" for a, b in PAIRS])), ""),
    "r0c0": (text(labeled([f"r{a}c{b}" for a, b in PAIRS])), ""),
    "pixel[0][0]": (text(labeled([f"pixel[{a}][{b}]" for a, b in PAIRS])), ""),
    "pixels in another order": (
        text(labeled([NAMES[k] for k in SHUFFLED], pixels=PIXELS[:, SHUFFLED])),
        "",
    ),
    # Columns that say nothing.
    "an index without a name": (text(with_column(labeled(), "", INDEX)), ""),
    "Unnamed: 0": (text(with_column(labeled(), "Unnamed: 0", INDEX)), ""),
    "index": (text(with_column(labeled(), "index", INDEX)), ""),
    "id last": (text(with_column(labeled(), "id", INDEX, at=17)), ""),
    "ImageId": (text(with_column(labeled(), "ImageId", range(1, COUNT + 1))), ""),
    "id of words": (text(with_column(labeled(), "id", [f"img-{k}" for k in INDEX])), ""),
    "two indices": (
        text(with_column(with_column(labeled(), "id", INDEX), "", [k * 10**6 for k in INDEX])),
        "",
    ),
    "index and pixels called by numbers": (
        text(with_column(labeled(list(range(16))), "", INDEX)),
        "",
    ),
    # No header.
    "no header": (BARE, "no column is called label; the first is taken for it"),
    "no header, label last": (LAST, "no column is called label; the last is taken for it"),
    "no header, index first": (
        text(with_column([["", *NAMES], *labeled()[1:]], "", INDEX)[1:]),
        "the second is taken for it",
    ),
    "columns called by numbers, label first": (
        text([list(range(17)), *labeled()[1:]]),
        "the first is taken for it",
    ),
    # Dialects.
    "quotes": (text(labeled(), quoting=csv.QUOTE_ALL), ""),
    "quotes around words": (text(labeled(), quoting=csv.QUOTE_NONNUMERIC), ""),
    "spaces after commas": (PLAIN.replace(b",", b", "), ""),
    "spaces around commas": (PLAIN.replace(b",", b" , "), ""),
    "quotes and spaces": (text(labeled(), quoting=csv.QUOTE_ALL).replace(b",", b", "), ""),
    "tabs": (text(labeled(), "\t"), ""),
    "semicolons": (text(labeled(), ";"), ""),
    "bars": (text(labeled(), "|"), ""),
    "spaces": (text(labeled(), " "), ""),
    "columns made even with spaces": (
        "\n".join("  ".join(f"{cell:>7}" for cell in row) for row in labeled()).encode(),
        "",
    ),
    "Excel's sep=": (b"sep=;\r\n" + text(labeled(), ";", "\r\n"), ""),
    "a comment sign before the header": (b"# " + PLAIN, ""),
    "0.0": (text(labeled(pixels=PIXELS * 1.0, labels=LABELS * 1.0)), ""),
    "decimal commas": (
        text(labeled(pixels=floats(lambda value: f"{value:.1f}".replace(".", ","))), ";"),
        "",
    ),
    "1.28e+02": (text(labeled(pixels=floats("{:.3e}".format))), ""),
    "007": (text(labeled(pixels=floats(lambda value: f"{int(value):04}"))), ""),
    "no header, np.savetxt": (
        text([[f"{cell:.18e}" for cell in row] for row in labeled()[1:]], " "),  # type: ignore[str-format]
        "the first is taken for it",
    ),
    # Ends of lines and of the file.
    "no last line feed": (PLAIN.rstrip(), ""),
    "a blank last line": (PLAIN + b"\n", ""),
    "blank lines": (b"\n\n" + PLAIN.replace(b"\n", b"\n\n") + b" \n\t\n", ""),
    "empty rows at the end, as Excel leaves": (PLAIN + (EMPTY + b"\n") * 3, ""),
    "CRLF": (text(labeled(), end="\r\n"), ""),
    "CR": (text(labeled(), end="\r"), ""),
    "CR without a last one": (text(labeled(), end="\r").rstrip(), ""),
    # Encodings and packings.
    "byte order mark": (b"\xef\xbb\xbf" + PLAIN, ""),
    "UTF-16": (PLAIN.decode().encode("utf-16"), ""),
    "UTF-16, big end first": (b"\xfe\xff" + PLAIN.decode().encode("utf-16-be"), ""),
    "gzip": (gzip.compress(PLAIN), ""),
    "zip": (zipped({"train.csv": PLAIN}), ""),
    "zip from macOS": (zipped({"data/train.csv": PLAIN, "__MACOSX/data/._train.csv": b"\0"}), ""),
    "gzip of UTF-16": (gzip.compress(PLAIN.decode().encode("utf-16")), ""),
    # Other ranges.
    "0 to 1": (
        text(labeled(pixels=floats(lambda value: f"{value / 255:.6f}"))),
        "pixels go from 0 to 1; they are read as 0 to 255",
    ),
    "0 to 1 as NumPy writes": (
        text(labeled(pixels=PIXELS / 255)),
        "pixels go from 0 to 1; they are read as 0 to 255",
    ),
    "fractions": (
        text(labeled(pixels=np.clip(PIXELS + 0.25, 0, 255))),
        "pixels have fractions; they are rounded",
    ),
}

# Tables without labels, as predict takes them.
UNLABELED: dict[str, bytes] = {
    "Kaggle's": text(unlabeled()),
    "pixel1": text(unlabeled([f"pixel{k + 1}" for k in range(16)])),
    "1x1": text(unlabeled([f"{a + 1}x{b + 1}" for a, b in PAIRS])),
    "0 to N": text(unlabeled(list(range(16)))),
    "id": text(with_column(unlabeled(), "id", INDEX)),
    "index without a name": text(with_column(unlabeled(), "", INDEX)),
    "no header": text(unlabeled()[1:]),
    "no header, index first": text(with_column(unlabeled(), "", INDEX)[1:]),
    "tabs, quotes, CRLF": text(unlabeled(), "\t", "\r\n", quoting=csv.QUOTE_ALL),
    "a label that is empty": text(with_column(unlabeled(), "label", [""] * COUNT)),
    "zip": zipped({"test.csv": text(unlabeled())}),
}

WORDS = np.array(["cat", "dog", "owl, barn", "Käuzchen"])[LABELS % 4]

# Labels that are no digits: the content, the classes, and a word of the note.
CLASSES: dict[str, tuple[bytes, list[str], str]] = {
    "words": (
        text(labeled(labels=WORDS)),
        ["Käuzchen", "cat", "dog", "owl, barn"],
        "4 classes, called as their labels: Käuzchen, cat, dog ... owl, barn",
    ),
    "words, no header": (
        text(labeled(labels=WORDS)[1:]),
        ["Käuzchen", "cat", "dog", "owl, barn"],
        "4 classes",
    ),
    "words last, no header": (
        text(labeled(labels=WORDS, at=-1)[1:]),
        ["Käuzchen", "cat", "dog", "owl, barn"],
        "4 classes",
    ),
    "letters and digits": (
        text(labeled(labels=np.array(list("3AB7"))[LABELS % 4])),
        ["3", "7", "A", "B"],
        "4 classes",
    ),
    "from 1": (
        text(labeled(labels=LABELS + 1)),
        [str(label) for label in range(1, 11)],
        "10 classes, called as their labels, from 1 and not from 0: 1, 2, 3 ... 10",
    ),
    "letters by number": (
        text(labeled(labels=np.arange(COUNT) % 26)),
        [str(label) for label in range(26)],
        "26 classes, called as their labels: 0, 1, 2 ... 25",
    ),
    "1 to 9": (text(labeled(labels=LABELS % 9 + 1)), list("0123456789"), "none is 0"),
}


def changed(line: int, old: bytes, new: bytes, content: bytes = PLAIN) -> bytes:
    """Another text within a line; lines are counted from 1."""
    lines = content.split(b"\n")
    assert old in lines[line - 1]
    lines[line - 1] = lines[line - 1].replace(old, new, 1)
    return b"\n".join(lines)


def first_cell(line: int, cell: bytes) -> bytes:
    lines = PLAIN.split(b"\n")
    lines[line - 1] = cell + b"," + lines[line - 1].split(b",", 1)[1]
    return b"\n".join(lines)


NO_CORNER = np.where(PIXELS == 0, 1, PIXELS) % 10

REFUSED: dict[str, tuple[bytes, str]] = {
    "nothing": (b"", "the file is empty"),
    "blank lines only": (b"\n\n \n", "the file is empty"),
    "only a header": (PLAIN.split(b"\n")[0] + b"\n", "no rows after the header"),
    "binary": (b"\x89PNG\r\n\x1a\n\xff", "not a text file"),
    "zeros": (bytes(100), "not a text file"),
    "a page": (b"<html>Not found</html>", "column '<html>Not' is neither label, index nor pixel"),
    "a word in a pixel": (
        changed(5, b",0\n"[:2], b",x"),
        "line 5, column pixel0: 'x' is not a number",
    ),
    "256": (changed(2, b",255", b",256"), "line 2, column pixel5: '256' is not a number from 0"),
    "negative": (changed(2, b",255", b",-1"), "line 2, column pixel5: '-1' is not a number from 0"),
    "nan": (changed(2, b",255", b",nan"), "line 2, column pixel5: 'nan' is not a number"),
    "inf": (changed(2, b",255", b",inf"), "line 2, column pixel5: 'inf' is not a number"),
    "1_0": (changed(2, b",255", b",1_0"), "line 2, column pixel5: '1_0' is not a number"),
    "an empty pixel": (changed(2, b",255", b","), "line 2, column pixel5: '' is not a number"),
    "a comma that is missing": (changed(2, b",255,", b",255 "), "line 2: 17 cells .* 16 found"),
    "a short row": (PLAIN + b"1,2,3\n", "line 42: 17 cells expected as in the header, 3 found"),
    "a long row": (changed(9, b",", b",,"), "line 9: 17 cells expected as in the header, 18"),
    "a short row after blank lines": (
        b"\n" + PLAIN + b"\n\n1,2\n",
        "line 45: 17 cells expected as in the header, 2 found",
    ),
    "a short row, no header": (BARE + b"1\n", "line 41: 17 cells expected as in the first row"),
    "minus one to one": (
        text(labeled(pixels=PIXELS / 127.5 - 1)),
        "line 2, column pixel0: '-1.0' is not a number from 0 to 255",
    ),
    "a word among numbered labels": (first_cell(7, b"seven"), "line 7: label 'seven' .* number"),
    "a missing label": (first_cell(7, b""), "line 7: there is no label; fill it in"),
    "a negative label": (first_cell(7, b"-1"), "line 7: label -1 is not a whole number"),
    "half a label": (first_cell(7, b"1.5"), "line 7: label 1.5 is not a whole number"),
    "a label like no other": (first_cell(7, b"nan"), "line 7: label 'nan' is no number"),
    "labels that are no classes": (
        text(
            labeled(labels=np.arange(1500), pixels=np.full((1500, 16), 7)),
        ),
        "1,500 different labels, and 1,000 are the most",
    ),
    "a pixel that is missing": (
        text([row[:3] + row[4:] for row in labeled()]),
        "column pixel2 is missing from the header",
    ),
    "a pixel called as another": (
        text(labeled([*NAMES[:-1], "pixel3"])),
        "column 'pixel3' comes twice; remove one",
    ),
    "a place that is missing": (
        text(labeled([f"{a + 1}x{b + 1}" for a, b in PAIRS[:-1]], pixels=PIXELS[:, :-1])),
        "column 4x4 is missing",
    ),
    "places beyond any image": (b"label,1x1,999999999x999999999\n1,2,3\n", "column 1x2 is missing"),
    "last pixels missing": (text([row[:-1] for row in labeled()]), "15 pixel columns make no sq"),
    "three channels": (
        text(labeled([f"pixel{k}" for k in range(48)], pixels=np.repeat(PIXELS, 3, axis=1))),
        "48 pixel columns make no square image",
    ),
    "labels only": (b"label\n7\n", "0 pixel columns make no square image"),
    "two labels": (
        text(with_column(labeled(), "class", LABELS.tolist())),
        "columns 'class' and 'label' may both be the label; remove one",
    ),
    "a column of its own": (
        text(with_column(labeled(), "writer", INDEX)),
        "column 'writer' is neither label, index nor pixel; remove it",
    ),
    "no header, 18 columns, no index": (
        text([[5, *row] for row in labeled()[1:]]),
        "two columns more than pixels, and the first is no index; give the table a header",
    ),
    "no header, 20 columns": (
        text([[1, 2, 3, *row] for row in labeled()[1:]]),
        "20 columns make no square image, with or without a label",
    ),
    "no header, and no way to tell": (
        text(labeled(pixels=NO_CORNER)[1:]),
        "the label may be in the first column or in the last; give the table a header",
    ),
    "half a gzip": (gzip.compress(PLAIN)[:-20], "corrupt gzip data"),
    "half a zip": (zipped({"train.csv": PLAIN})[:-30], "corrupt zip data"),
    "a zip of two tables": (
        zipped({"train.csv": PLAIN, "test.csv": PLAIN}),
        r"a zip file of 2 tables \(train.csv, test.csv\), and one is needed; unpack it",
    ),
    "a zip of no table": (zipped({"notes.md": b"x"}), r"a zip file of 0 tables \(none\)"),
    "another encoding": (
        text(labeled(labels=WORDS)).decode().encode("latin-1"),
        "line 5: not UTF-8; save the table in UTF-8",
    ),
    "half of UTF-16": (PLAIN.decode().encode("utf-16")[:-1], "not a text file, though it begins"),
}


def read(path: Path, content: bytes, name: str = "table.csv") -> tuple[Any, str]:
    """Read a table; give it with the notes that came."""
    (path / name).write_bytes(content)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", DataWarning)
        dataset = read_csv(path / name)
    notes = [str(warning.message) for warning in caught]
    assert all(note.startswith(f"{path / name}: ") for note in notes)
    return dataset, "\n".join(notes)


def test_there_are_many_variants():
    assert len(SAME) + len(UNLABELED) + len(CLASSES) + len(REFUSED) >= 120


@pytest.mark.parametrize(("content", "word"), SAME.values(), ids=SAME)
def test_is_read_as_the_same(tmp_path, content, word):
    dataset, notes = read(tmp_path, content)
    np.testing.assert_array_equal(dataset.images, PIXELS.reshape(COUNT, SIDE, SIDE, 1))
    np.testing.assert_array_equal(dataset.labels, LABELS)
    assert dataset.classes == tuple("0123456789")
    assert word in notes
    assert bool(word) == bool(notes)


@pytest.mark.parametrize("content", UNLABELED.values(), ids=UNLABELED)
def test_is_read_as_images_without_labels(tmp_path, content):
    dataset, notes = read(tmp_path, content)
    np.testing.assert_array_equal(dataset.images, PIXELS.reshape(COUNT, SIDE, SIDE, 1))
    assert dataset.labels is None
    assert notes == ""


@pytest.mark.parametrize(("content", "classes", "word"), CLASSES.values(), ids=CLASSES)
def test_classes_are_called_as_the_labels(tmp_path, content, classes, word):
    dataset, notes = read(tmp_path, content)
    np.testing.assert_array_equal(dataset.images, PIXELS.reshape(COUNT, SIDE, SIDE, 1))
    assert list(dataset.classes) == classes
    assert word in notes
    again = [dataset.classes[label] for label in dataset.labels]
    assert [str(label) for label in again][:4] == [again[k] for k in range(4)]


@pytest.mark.parametrize(("content", "words"), REFUSED.values(), ids=REFUSED)
def test_is_refused_with_a_word(tmp_path, content, words):
    with pytest.raises(ValueError, match=words) as caught:
        read(tmp_path, content)
    message = str(caught.value)
    assert message.startswith(f"{tmp_path / 'table.csv'}: ")
    assert "\n" not in message
    assert not re.search(r"_io|0x[0-9a-f]{6}", message)


@pytest.mark.parametrize("name", ["table", "table.dat", "table.gz", "table.CSV", "table.tsv"])
@pytest.mark.parametrize("pack", [bytes, gzip.compress, lambda content: zipped({"a.csv": content})])
def test_what_a_file_is_called_does_not_matter(tmp_path, name, pack):
    (tmp_path / name).write_bytes(pack(PLAIN))
    train = load(tmp_path / name).train
    np.testing.assert_array_equal(train.labels, LABELS)


def test_images_need_not_be_square_where_the_names_say_so(tmp_path):
    names = [f"{row}x{column}" for row in range(1, 3) for column in range(1, 9)]
    dataset, _ = read(tmp_path, text(labeled(names)))
    np.testing.assert_array_equal(dataset.images, PIXELS.reshape(COUNT, 2, 8, 1))


def test_a_table_that_does_not_fit_into_the_memory_is_said_as_such(tmp_path, monkeypatch):
    monkeypatch.setattr("numcnn.data.csv_table.machine_memory", lambda: 1000.0)
    with pytest.raises(MemoryError, match=r"table\.csv: not enough memory for its images; give"):
        read(tmp_path, PLAIN)


def test_labels_of_known_classes_are_found_by_name(tmp_path):
    (tmp_path / "a.csv").write_bytes(text(labeled(labels=WORDS)))
    classes = ("owl, barn", "x", "dog", "cat", "Käuzchen")
    dataset = read_csv(tmp_path / "a.csv", classes)
    assert dataset.labels is not None
    assert dataset.labels[:4].tolist() == [3, 2, 0, 4]
    with pytest.raises(ValueError, match="label 'Käuzchen' is none of the classes cat, dog"):
        read_csv(tmp_path / "a.csv", ("cat", "dog"))
