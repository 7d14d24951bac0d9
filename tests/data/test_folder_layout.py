"""What is a class, what is a part, and what is neither."""

import unicodedata
from pathlib import Path

import pytest

from numcnn.data.folder_layout import find_layout


@pytest.fixture
def make(tmp_path: Path):
    """Make a folder of empty files; names that end with a slash become folders."""

    def make_them(*names: str) -> Path:
        for name in names:
            path = tmp_path / "root" / name
            if name.endswith("/"):
                path.mkdir(parents=True)
            else:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.touch()
        return tmp_path / "root"

    return make_them


def counted(root: Path) -> dict[str, int]:
    return {part: len(files) for part, files in find_layout(root).files.items()}


@pytest.mark.parametrize(
    "train", ["train", "Train", "TRAIN", "training", "Training", "train_set", "train-data", "trn"]
)
@pytest.mark.parametrize(
    "validation", ["val", "Val", "valid", "VALID", "validation", "Validation", "validation set"]
)
def test_a_validation_part_in_any_spelling(make, train, validation):
    root = make(f"{train}/a/1.png", f"{train}/b/1.png", f"{validation}/b/1.png")
    layout = find_layout(root)
    assert layout.classes == ("a", "b")
    assert [label for _, label in layout.files["validation"]] == [1]
    assert layout.notes == ()
    assert counted(root) == {"train": 2, "validation": 1}


@pytest.mark.parametrize("test", ["test", "Test", "testing", "Testing", "TEST", "test_set"])
def test_a_test_part_in_any_spelling(make, test):
    assert counted(make("train/a/1.png", f"{test}/a/1.png")) == {"train": 1, "test": 1}


def test_all_three_parts(make):
    root = make("test/a/1.png", "train/a/1.png", "valid/a/1.png", "train/b/1.jfif")
    assert counted(root) == {"train": 2, "validation": 1, "test": 1}


def test_a_class_called_train(make):
    layout = find_layout(make("bus/1.png", "car/1.png", "train/1.png"))
    assert layout.classes == ("bus", "car", "train")
    assert len(layout.files["train"]) == 3
    (note,) = layout.notes
    assert "train: holds images, so it is taken as a class, not as the training part" in note


def test_a_class_called_train_in_a_training_part(make):
    layout = find_layout(make("train/train/1.png", "train/bus/1.png", "test/train/1.png"))
    assert layout.classes == ("bus", "train")
    assert layout.notes == ()


def test_a_folder_beside_the_parts_is_told(make):
    layout = find_layout(make("train/a/1.png", "extra/a/1.png", "notes/", "test/"))
    assert {part: len(files) for part, files in layout.files.items()} == {"train": 1}
    assert [note.rsplit("/root/")[1] for note in layout.notes] == [
        "extra: passed over, because it is none of the parts train, val and test",
        "notes: passed over, because it is none of the parts train, val and test",
        "test: passed over, because it has no class folders",
    ]


def test_a_test_part_without_classes_is_told(make):
    (note,) = find_layout(make("train/a/1.png", "test/1.png", "test/2.png")).notes
    assert note.endswith("test: passed over, because it has no class folders")


def test_names_are_the_same_in_both_spellings_of_unicode(make):
    composed, apart = (unicodedata.normalize(form, "café") for form in ("NFC", "NFD"))
    assert composed != apart
    layout = find_layout(make(f"train/{apart}/1.png", f"test/{composed}/1.png", "train/b/1.png"))
    assert layout.classes == ("b", composed)
    assert [label for _, label in layout.files["test"]] == [1]


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (["1.png"], "no class folders; put each class's images"),
        (["train/a/1.png", "train/1.png"], "holds images and folders of images, so it may be"),
        (["train/a/1.png", "Training/a/1.png"], "both look like the training part; leave one"),
        (["train/a/1.png", "val/a/1.png", "valid/a/1.png"], "both look like the validation part"),
        (["val/a/1.png", "test/a/1.png"], "there is no training part; .* or give .*test"),
        (["cat/1.png", "test/cat/1.png"], "there is no training part"),
        (["train/a/1.png", "b/1.png"], "put all classes into the parts, or none"),
        (["train/a/1.png", "val/b/1.png"], "class 'b' has no folder in the training part"),
        (["a/1.png", "b/"], "b: no images; add some, or remove the folder"),
        (["a/1.png", "b/c/1.png"], r"b: no images, but 1 in folders inside it \(1 b/c\)"),
        (["a/1.png", "b/1.heic"], r"b: no images, but 1 file of other kinds \(1 \.heic\)"),
        (["a/1.png", "b/.1.png"], "b: no images"),
        (["caf\u00e9/1.png", "cafe\u0301/1.png"], "two folders are called 'café'"),
    ],
)
def test_what_cannot_be_told_is_refused(make, names, words):
    with pytest.raises(ValueError, match=words):
        find_layout(make(*names))


def test_litter_of_other_programs_is_nothing_to_tell(make):
    root = make(
        "a/1.png", "a/Thumbs.db", "a/desktop.ini", "a/.DS_Store", "__MACOSX/a/._1.png", ".git/x"
    )
    assert find_layout(root).notes == ()


def test_counting_ends_somewhere(make, monkeypatch):
    monkeypatch.setattr("numcnn.data.folder_layout._MOST_COUNTED", 3)
    root = make("a/1.png", *(f"a/deep/{number}.png" for number in range(9)))
    (note,) = find_layout(root).notes
    assert "passed over 4 images" in note
