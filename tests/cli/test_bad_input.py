"""Input that is wrong: status 2, one line that says what is wrong, and nothing left behind."""

import gzip
import json
import shutil
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from safetensors.numpy import save_file

from numcnn.data.download_sources import IDX_FILES
from numcnn.model_files import read_arrays, write_arrays
from tests.cli.outcome import tree

TRAIN_IMAGES, TRAIN_LABELS, TEST_IMAGES, TEST_LABELS = IDX_FILES


@pytest.fixture
def damaged(files, here) -> Path:
    """A copy of the small MNIST, to be damaged."""
    shutil.copytree(files / "mnist", here / "mnist")
    return here / "mnist"


def idx(values: np.ndarray) -> bytes:
    """An IDX file by hand, which checks nothing."""
    return struct.pack(f">HBB{values.ndim}I", 0, 8, values.ndim, *values.shape) + values.tobytes()


def put(path: Path, content: bytes) -> None:
    path.write_bytes(gzip.compress(content, mtime=0))


def cut_off(folder: Path) -> None:
    content = (folder / TRAIN_IMAGES).read_bytes()
    (folder / TRAIN_IMAGES).write_bytes(content[: len(content) // 2])


def cut_off_inside(folder: Path) -> None:
    put(folder / TEST_IMAGES, gzip.decompress((folder / TEST_IMAGES).read_bytes())[:-1])


def bits_turned(folder: Path) -> None:
    content = bytearray((folder / TRAIN_IMAGES).read_bytes())
    for place in range(len(content) // 2, len(content) // 2 + 20):
        content[place] ^= 0xFF
    (folder / TRAIN_IMAGES).write_bytes(content)


def no_bytes(folder: Path) -> None:
    (folder / TRAIN_LABELS).write_bytes(b"")


def no_values(folder: Path) -> None:
    put(folder / TRAIN_LABELS, b"")


def text(folder: Path) -> None:
    put(folder / TEST_LABELS, b"<html>Not found</html>")


def swapped(folder: Path) -> None:
    (folder / TRAIN_IMAGES).rename(folder / "images")
    (folder / TRAIN_LABELS).rename(folder / TRAIN_IMAGES)
    (folder / "images").rename(folder / TRAIN_LABELS)


def label_of_eleven(folder: Path) -> None:
    put(folder / TEST_LABELS, idx(np.array([10] * 80, np.uint8)))


def label_missing(folder: Path) -> None:
    put(folder / TRAIN_LABELS, idx(np.zeros(239, np.uint8)))


def parts_of_different_sizes(folder: Path) -> None:
    put(folder / TEST_IMAGES, idx(np.zeros((80, 9, 8), np.uint8)))


def file_missing(folder: Path) -> None:
    (folder / TEST_LABELS).unlink()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (cut_off, f"{TRAIN_IMAGES}: "),
        (cut_off_inside, f"{TEST_IMAGES}: truncated"),
        (bits_turned, f"{TRAIN_IMAGES}: "),
        (no_bytes, f"{TRAIN_LABELS}: the file is empty"),
        (no_values, f"{TRAIN_LABELS}: truncated"),
        (text, f"{TEST_LABELS}: not an IDX file"),
        (swapped, "are images and labels swapped?"),
        (label_of_eleven, f"{TEST_LABELS}: label 10 of image 0 is out of range"),
        (label_missing, f"and {TRAIN_LABELS}: 240 images but 239 labels"),
        (parts_of_different_sizes, "image_shape is (8, 8, 1) in the training part and (9, 8, 1)"),
        (file_missing, f"has no {TEST_LABELS}"),
    ],
)
def test_damaged_idx_files_are_told(numcnn, damaged, here, model, damage, message):
    damage(damaged)
    before = tree(here)
    for words in (
        ("train", "mnist", "--data-dir", damaged),
        ("train", "mnist", "--data-dir", damaged, "--out", "deep/run"),
        ("evaluate", model, "mnist", "--data-dir", damaged, "--out", "judged"),
    ):
        assert message in numcnn(*words).error()
        assert tree(here) == before


HEADER = b"label,pixel0,pixel1,pixel2,pixel3\n"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the file is empty"),
        (HEADER, "no rows after the header"),
        (b"label,pixel0,pixel1,pixel3\n1,2,3,4\n", "column pixel2 is missing"),
        (b"label,pixel0,pixel1,pixel2\n1,2,3,4\n", "3 pixel columns make no square image"),
        (b"a,b\n1,2\n", "column 'a' is neither label, index nor pixel"),
        (HEADER + b"1,2,3,4,5\n1,2,3\n", "line 3: 5 cells expected as in the header, 3 found"),
        (HEADER + b"1,2,3,4,x\n", "line 2, column pixel3: 'x' is not a number from 0 to 255"),
        (HEADER + b"1,2,256,4,5\n", "line 2, column pixel1: '256' is not a number from 0 to 255"),
        (HEADER + b"-1,2,3,4,5\n", "line 2: label -1 is not a whole number of at least 0"),
        (b"\xff\xfe\x00", "not a text file"),
    ],
)
def test_a_damaged_table_is_told(numcnn, here, model, content, message):
    (here / "table.csv").write_bytes(content)
    before = tree(here)
    for words in (
        ("train", "table.csv"),
        ("evaluate", model, "table.csv"),
        ("predict", model, "table.csv", "-o", "submission.csv"),
    ):
        assert message in numcnn(*words).error()
        assert tree(here) == before


def test_a_damaged_gzipped_table_is_told(numcnn, here, table):
    (here / "table.csv.gz").write_bytes(gzip.compress(table.read_bytes())[:-50])
    before = tree(here)
    assert "table.csv.gz" in numcnn("train", "table.csv.gz").error()
    assert tree(here) == before


UNLABELED = ",".join(f"pixel{k}" for k in range(16)) + "\n" + ("7," * 15 + "7\n") * 40


@pytest.mark.parametrize("more", [(), ("--validation-split", 0)])
def test_images_without_labels_teach_nothing(numcnn, here, more):
    (here / "table.csv").write_text(UNLABELED)
    before = tree(here)
    message = numcnn("train", "table.csv", *more).error()
    assert "labels" in message
    assert tree(here) == before


def test_images_without_labels_judge_nothing(numcnn, here, model):
    (here / "table.csv").write_text(UNLABELED)
    before = tree(here)
    assert "no labeled images" in numcnn("evaluate", model, "table.csv", "--out", "judged").error()
    assert tree(here) == before


def make_pictures(folder: Path, sizes: dict[str, tuple[int, int]]) -> None:
    for name, size in sizes.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", size).save(folder / name)


def pictures_of_two_sizes(folder: Path) -> None:
    make_pictures(folder, {"a/1.png": (8, 8), "b/1.png": (9, 8)})


def no_classes(folder: Path) -> None:
    make_pictures(folder, {"1.png": (8, 8)})


def an_empty_class(folder: Path) -> None:
    make_pictures(folder, {"a/1.png": (8, 8)})
    (folder / "b").mkdir()


def a_broken_picture(folder: Path) -> None:
    make_pictures(folder, {"a/1.png": (8, 8)})
    (folder / "a/2.png").write_bytes((folder / "a/1.png").read_bytes()[:40])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (pictures_of_two_sizes, "resize all images to one"),
        (no_classes, "no class folders"),
        (an_empty_class, "no images; add some, or remove the folder"),
        (a_broken_picture, "2.png: not a readable image"),
    ],
)
def test_a_folder_that_cannot_be_read_is_told(numcnn, here, make, message):
    make(here / "pictures")
    before = tree(here)
    assert message in numcnn("train", "pictures").error()
    assert tree(here) == before


def cut(path: Path, content: bytes) -> None:
    path.write_bytes(content[: len(content) // 2])


def empty(path: Path, content: bytes) -> None:
    path.write_bytes(b"")


def another_format(path: Path, content: bytes) -> None:
    path.write_bytes(b"\x80\x04pickled")


def another_programs(path: Path, content: bytes) -> None:
    save_file({"weight": np.zeros(3, np.float32)}, path)


def changed_header(**changes: object) -> Callable[[Path, bytes], None]:
    def write(path: Path, content: bytes) -> None:
        path.write_bytes(content)
        arrays, header = read_arrays(path, "model")
        write_arrays(path, arrays, {**header, **changes})

    return write


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (cut, "not a readable safetensors file, or cut off"),
        (empty, "not a readable safetensors file, or cut off"),
        (another_format, "not a readable safetensors file, or cut off"),
        (another_programs, "a safetensors file, but not numcnn's"),
        (changed_header(format_version=999), "written in format 999"),
        (changed_header(classes=["0"]), "1 class names for 10 outputs"),
        (changed_header(kind="checkpoint"), "this is a checkpoint, not a model"),
    ],
)
def test_a_damaged_model_is_told(numcnn, here, model, files, table, damage, message):
    damage(here / "model.safetensors", model.read_bytes())
    before = tree(here)
    for words in (
        ("evaluate", "model.safetensors", "mnist", "--data-dir", files, "--out", "judged"),
        ("predict", "model.safetensors", table, "-o", "submission.csv"),
        ("models", "model.safetensors"),
        ("models", "."),
    ):
        error = numcnn(*words).error()
        assert error.startswith("numcnn: model.safetensors: ")
        assert message in error
        assert tree(here) == before


def test_a_model_for_other_images_is_told(numcnn, here, model, files, damaged):
    put(damaged / TRAIN_IMAGES, idx(np.zeros((240, 28, 28), np.uint8)))
    put(damaged / TEST_IMAGES, idx(np.zeros((80, 28, 28), np.uint8)))
    before = tree(here)
    message = numcnn("evaluate", model, "mnist", "--data-dir", damaged, "--out", "judged").error()
    assert "the model takes images of 8 x 8 x 1, and those of mnist are 28 x 28 x 1" in message
    assert tree(here) == before


def test_a_missing_model_is_told(numcnn, table):
    for words in (("evaluate", "m", "digits"), ("predict", "m", table, "-o", "out.csv")):
        assert numcnn(*words).error() == "numcnn: m: there is no such file\n"


def test_a_missing_data_set_without_a_network_says_what_to_do(numcnn, here):
    message = numcnn("train", "mnist").error()
    assert "with a network, run: numcnn data fetch mnist" in message
    assert "name it with --data-dir or in the environment variable NUMCNN_DATA" in message
    assert tree(here) == {}


def test_a_missing_data_folder_is_told(numcnn, here):
    assert (
        "data_dir is nowhere, which is not a folder"
        in numcnn("train", "mnist", "--data-dir", "nowhere").error()
    )
    assert tree(here) == {}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("train", "mnits"), "there is no data set 'mnits'; did you mean 'mnist'?"),
        (("data", "fetch", "mnits"), "there is no data set 'mnits'; did you mean 'mnist'?"),
        (("train", "my.csv"), "my.csv"),
        (("train", "./mnits"), "mnits: no such file or folder"),
        (("train", "--recipe", "lenet"), "recipe 'lenet' is unknown; choose one of"),
        (("train", "--recipe", "lenet"), "lenet5"),
        (("train", "--learning-rate", "0"), "learning_rate is 0.0; give a positive number"),
        (("train", "--learning-rate", "-0.1"), "learning_rate is -0.1; give a positive number"),
        (("train", "--learning-rate", "nan"), "learning_rate is nan; give a positive number"),
        (("train", "--learning-rate", "inf"), "learning_rate is inf; give a positive number"),
        (("train", "--settings", "none.json"), "none.json: there is no such file"),
        (("train", "--validation-split", "nan"), "validation_split is nan"),
        (("train", "--shards", "3"), "shards is 3; give a power of two"),
    ],
)
def test_a_setting_that_cannot_be_is_told(numcnn, here, words, message):
    for more in ((), ("--out", "run")) if words[0] == "train" else ((),):
        assert message in numcnn(*words, *more).error()
        assert tree(here) == {}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "Expecting value"),
        (b"[]", "not the settings of a run"),
        (b"\xff", "not the settings of a run"),
        (b"[" * 100_000, "not the settings of a run"),
        (b"{}", "not the settings of a run"),
        (b'{"settings": {"epochs": "3"}}', "epochs is '3'; give a whole number above 0"),
        (b'{"settings": {"epochs": 0}}', "epochs is 0; give a whole number above 0"),
        (b'{"settings": {"batch_size": 1.5}}', "batch_size is 1.5; give a whole number above 0"),
        (b'{"settings": {"seed": -1}}', "seed is -1; give a whole number of at least 0"),
        (b'{"settings": {"seed": true}}', "seed is True; give a whole number of at least 0"),
        (b'{"settings": {"learning_rate": NaN}}', "learning_rate is nan; give a positive number"),
        (b'{"settings": {"learning_rate": 1%s}}' % (b"0" * 400), "learning_rate is 1000"),
        (b'{"settings": {"validation_split": 1}}', "validation_split is 1; give a share"),
        (b'{"settings": {"size": [1]}}', "size is (1,); give height and width in pixels"),
        (b'{"settings": {"size": 8}}', "not the settings of a run"),
        (b'{"settings": {"color": "blue"}}', "color is 'blue'; give auto, gray or rgb"),
        (b'{"settings": {"dataset": 5}}', "dataset is 5; give a name or a path"),
        (b'{"settings": {"data_dir": 5}}', "data_dir is 5; give a path"),
        (b'{"settings": {"recipe": ["lenet5"]}}', "recipe is ['lenet5']; give a name"),
        (b'{"settings": {"augment": "no"}}', "augment is 'no'; give true or false"),
        (b'{"settings": {"colour": "rgb"}}', "unknown settings ['colour']"),
    ],
)
def test_a_wrong_settings_file_is_told(numcnn, here, content, message):
    (here / "settings.json").write_bytes(content)
    before = tree(here)
    error = numcnn("train", "--settings", "settings.json").error()
    assert error.startswith("numcnn: settings.json: not the settings of a run (")
    assert message in error
    assert tree(here) == before


@pytest.mark.parametrize("recipe", ["lenet5", "convnet", "fashion", "digits"])
def test_images_that_are_too_small_are_told_or_learned_from(numcnn, here, recipe):
    rows = "".join(f"{label},{label * 20}\n" for label in range(10) for _ in range(4))
    (here / "table.csv").write_text("label,pixel0\n" + rows)
    before = tree(here)
    outcome = numcnn("train", "table.csv", "--recipe", recipe, "--epochs", 1, "--out", "run")
    if outcome.status == 0:
        assert json.loads((here / "run/metrics.json").read_text())["epochs"] == 1
        return
    assert "larger images" in outcome.error()
    assert tree(here) == before


def test_lenet5_says_that_2_by_2_pixels_are_too_few(numcnn, here):
    (here / "table.csv").write_text(HEADER.decode() + "1,2,3,4,5\n2,3,4,5,6\n" * 20)
    before = tree(here)
    message = numcnn("train", "table.csv", "--recipe", "lenet5", "--out", "run").error()
    assert "larger images" in message
    assert tree(here) == before


@pytest.fixture
def in_the_way(here) -> str:
    """A path below a file, where not even root can write."""
    (here / "file").write_text("no folder")
    return "file/folder"


def test_a_runs_folder_that_cannot_be_written_is_told(numcnn, here, small, in_the_way):
    before = tree(here)
    assert "file" in numcnn(*small, "--out", in_the_way, "--quiet").error()
    assert tree(here) == before


def test_a_place_for_runs_that_is_no_folder_is_told(numcnn, here, small):
    (here / "runs").write_text("no folder")
    before = tree(here)
    assert "runs" in numcnn(*small, "--quiet").error()
    assert tree(here) == before


def test_a_folder_for_pictures_that_cannot_be_written_is_told(
    numcnn, here, model, files, in_the_way
):
    before = tree(here)
    outcome = numcnn("evaluate", model, "mnist", "--data-dir", files, "--out", in_the_way)
    assert outcome.status == 2
    assert outcome.err.startswith("numcnn: ")
    assert outcome.err.count("\n") == 1
    assert tree(here) == before


def test_a_folder_for_data_that_cannot_be_written_is_told(numcnn, here, in_the_way):
    before = tree(here)
    words = "data", "fetch", "mnist", "--data-dir", in_the_way, "--quiet"
    assert "file" in numcnn(*words).error()
    assert tree(here) == before
