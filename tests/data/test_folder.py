import sys

import numpy as np
import pytest
from PIL import Image

from numcnn import picture_decoding
from numcnn.data import DataWarning, read_folder, read_image
from numcnn.data import folder as folder_module

GRAY = np.arange(6, dtype=np.uint8).reshape(2, 3) * 40
COLOR = np.stack([GRAY, GRAY[::-1], 255 - GRAY], axis=-1)


@pytest.fixture
def folder(tmp_path):
    """A folder with pictures of cats and dogs, in gray."""
    root = tmp_path / "pets"
    for number, name in enumerate(["cat/1", "cat/2", "cat/10", "dog/1"]):
        save(root / f"{name}.png", GRAY + number)
    return root


def save(path, pixels, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    image = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    image.save(path, **options)


def test_folders_are_classes_and_files_come_in_natural_order(folder):
    splits = read_folder(folder)
    assert splits.test is None
    assert splits.train.classes == ("cat", "dog")
    assert splits.train.name == "pets"
    assert splits.train.labels is not None
    assert splits.train.labels.tolist() == [0, 0, 0, 1]
    expected = np.stack([GRAY + number for number in range(4)])
    np.testing.assert_array_equal(splits.train.images, expected[..., None])


def test_train_and_test_are_parts(folder, tmp_path):
    root = tmp_path / "both"
    root.mkdir()
    folder.rename(root / "train")
    assert read_folder(root).test is None
    save(root / "test" / "dog" / "7.png", GRAY)
    splits = read_folder(root)
    assert splits.train.classes == ("cat", "dog")
    assert splits.test is not None
    assert splits.test.labels is not None
    assert splits.test.labels.tolist() == [1]
    np.testing.assert_array_equal(splits.test.images[0, ..., 0], GRAY)


def test_a_class_that_only_the_test_part_has(folder, tmp_path):
    root = tmp_path / "both"
    root.mkdir()
    folder.rename(root / "train")
    save(root / "test" / "owl" / "1.png", GRAY)
    with pytest.raises(ValueError, match="class 'owl' has no folder in the training part"):
        read_folder(root)


def test_classes_come_in_natural_order_too(tmp_path):
    for name in ("10", "9", "0"):
        save(tmp_path / name / "x.png", GRAY)
    assert read_folder(tmp_path).train.classes == ("0", "9", "10")


def test_hidden_and_other_files_are_passed_over(folder):
    (folder / ".git").mkdir()
    (folder / "readme.txt").write_text("x")
    (folder / "cat" / ".DS_Store").write_bytes(b"x")
    (folder / "cat" / "Thumbs.db").write_bytes(b"x")
    (folder / "cat" / "folder.png").mkdir()
    assert len(read_folder(folder).train) == 4


def test_what_is_passed_over_is_said_once_with_counts(folder):
    (folder / "cat" / ".hidden.png").write_bytes(b"x")
    for name in ("a.txt", "b.TXT", "c.heic", "none"):
        (folder / "dog" / name).write_bytes(b"x")
    for number in range(5):
        save(folder / "cat" / "2024" / "may" / f"{number}.JFIF", GRAY, format="JPEG")
    save(folder / "stray.png", GRAY)
    (folder / "cat" / "gone.png").symlink_to(folder / "nowhere.png")
    with pytest.warns(DataWarning) as caught:
        splits = read_folder(folder)
    assert len(splits.train) == 4
    (warning,) = caught
    assert str(warning.message) == (
        f"{folder}: passed over 5 images in folders inside a class's folder (5 cat/2024); move "
        "them up to use them; 1 image outside the class folders; 4 files of other kinds (2 .txt, "
        "1 .heic, 1 no suffix); 1 hidden image (names that begin with a dot); 1 broken link or "
        "special files"
    )


@pytest.mark.parametrize("suffix", [".jfif", ".jpe", ".JPG", ".Jpeg", ".TIF", ".dib", ".pbm"])
def test_every_usual_suffix_is_read(folder, suffix):
    image = Image.fromarray(GRAY).convert("1") if suffix == ".pbm" else Image.fromarray(GRAY)
    kind = {".tif": "TIFF", ".dib": "DIB", ".pbm": "PPM"}.get(suffix.lower(), "JPEG")
    image.save(folder / "dog" / f"5{suffix}", format=kind)
    assert len(read_folder(folder).train) == 5


def test_one_color_image_makes_all_three_channels(folder):
    save(folder / "dog" / "2.png", COLOR)
    images = read_folder(folder).train.images
    assert images.shape == (5, 2, 3, 3)
    np.testing.assert_array_equal(images[4], COLOR)
    np.testing.assert_array_equal(images[0], np.stack([GRAY] * 3, axis=-1))


def test_the_number_of_channels_can_be_chosen(folder):
    assert read_folder(folder, color="rgb").train.image_shape == (2, 3, 3)
    save(folder / "dog" / "2.png", COLOR)
    gray = read_folder(folder, color="gray").train
    assert gray.image_shape == (2, 3, 1)
    np.testing.assert_allclose(gray.images[4, ..., 0], COLOR @ [0.299, 0.587, 0.114], atol=1)


def test_images_are_resized_on_request(folder):
    save(folder / "dog" / "2.png", np.full((40, 50), 77, np.uint8))
    images = read_folder(folder, size=(4, 6)).train.images
    assert images.shape == (5, 4, 6, 1)
    assert (images[4] == 77).all()


def test_an_image_of_the_right_size_is_not_touched(folder):
    np.testing.assert_array_equal(
        read_folder(folder, size=(2, 3)).train.images, read_folder(folder).train.images
    )


def test_sizes_that_differ_name_two_files_and_the_remedy(folder):
    save(folder / "dog" / "2.png", GRAY.T)
    with pytest.raises(ValueError, match=r"1\.png is 2 x 3 but .*dog.2\.png is 3 x 2; pass size"):
        read_folder(folder)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty: 0 bytes"),
        (b"no image", "not a picture of a known kind"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "not a picture of a known kind"),
        (b"\x89PNG\r\n\x1a\n" + bytes(20), ""),
    ],
)
def test_an_unreadable_image_is_named(folder, content, reason):
    (folder / "dog" / "0.png").write_bytes(content)
    with pytest.raises(ValueError, match=rf"0\.png: not a readable image \({reason}"):
        read_folder(folder)


def test_all_bad_files_are_told_at_once(folder):
    for number in range(20, 33):
        (folder / "dog" / f"{number}.png").write_bytes(b"")
    save(folder / "cat" / "0.png", GRAY.T)  # of another size, which is told when all can be read
    with pytest.raises(
        ValueError, match=r"^13 files: .*20\.png: .*29\.png: .*and 3 more; rem"
    ) as e:
        read_folder(folder)
    assert "30.png" not in str(e.value)
    assert "BytesIO" not in str(e.value)


def test_damage_anywhere_in_a_file_raises_nothing_but_a_value_error(folder):
    path = folder / "dog" / "1.png"
    whole = path.read_bytes()
    for place in range(len(whole)):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0x55]) + whole[place + 1 :])
        assert outcome(folder)
        path.write_bytes(whole[:place])
        # Without the very last bytes, all pixels may be there.
        assert "1.png" in outcome(folder) or place > whole.index(b"IDAT") + 4


def outcome(folder):
    try:
        return str(read_folder(folder).train.image_shape)
    except ValueError as error:
        return str(error)


def test_an_image_of_too_many_pixels_is_refused(folder, monkeypatch):
    monkeypatch.setattr(picture_decoding, "MAX_PIXELS", 5)
    with pytest.raises(ValueError, match=r"1\.png: not a readable image \(3 x 2 pixels are more"):
        read_folder(folder)


def test_16_bits_become_8(folder):
    save(folder / "dog" / "0.png", GRAY.astype(np.uint16) * 257)
    images = read_folder(folder).train.images
    assert images.shape == (5, 2, 3, 1)
    np.testing.assert_array_equal(images[3, ..., 0], GRAY)


@pytest.mark.parametrize(("ink", "paper"), [(0, 255), (255, 0)])
def test_transparent_pixels_become_paper_that_contrasts(folder, ink, paper):
    pixels = np.full((2, 3, 2), ink, np.uint8)
    pixels[..., 1] = [[255] * 3, [0] * 3]
    save(folder / "cat" / "0.png", Image.fromarray(pixels, "LA"))
    images = read_folder(folder).train.images
    assert images.shape == (5, 2, 3, 1)
    assert images[0, ..., 0].tolist() == [[ink] * 3, [paper] * 3]


def test_memory_that_the_machine_does_not_have_is_not_tried(folder):
    with pytest.raises(MemoryError, match=r"4 images of 4000000 x 4000000 \(64,000\.0 GB.*--size"):
        read_folder(folder, size=(4_000_000, 4_000_000))


def test_memory_that_runs_out_is_said_as_such(folder, monkeypatch):
    def no_memory(path):
        raise MemoryError

    monkeypatch.setattr(folder_module, "_decoder", lambda: no_memory)
    with pytest.raises(MemoryError, match="not enough memory for 4 images; give a smaller --size"):
        read_folder(folder)


def test_photographs_are_turned_the_right_way_up(folder):
    upright = Image.fromarray(GRAY)
    exif = Image.Exif()
    exif[0x0112] = 6  # as stored, the top is on the right-hand side
    save(folder / "cat" / "0.png", upright.transpose(Image.Transpose.ROTATE_90), exif=exif)
    np.testing.assert_array_equal(read_folder(folder).train.images[0, ..., 0], GRAY)


def test_a_folder_without_classes(tmp_path):
    with pytest.raises(ValueError, match="no class folders"):
        read_folder(tmp_path)


def test_a_class_without_images(folder):
    (folder / "owl").mkdir()
    with pytest.raises(ValueError, match="owl: no images"):
        read_folder(folder)


def test_no_folder_at_all(tmp_path):
    with pytest.raises(FileNotFoundError, match="no such folder"):
        read_folder(tmp_path / "nowhere")


@pytest.mark.parametrize("size", [(0, 3), (3,), (2.0, 3), (3, 3, 1)])
def test_a_bad_size(folder, size):
    with pytest.raises(ValueError, match="size is"):
        read_folder(folder, size=size)


def test_a_bad_color(folder):
    with pytest.raises(ValueError, match="color is 'green'"):
        read_folder(folder, color="green")


def test_without_pillow_the_remedy_is_named(folder, monkeypatch):
    monkeypatch.setitem(sys.modules, "numcnn.picture_decoding", None)
    with pytest.raises(ImportError, match=r"needs Pillow: pip install 'numcnn\[app\]'"):
        read_folder(folder)


def test_a_single_image_is_read_as_one_of_a_folder(tmp_path):
    (tmp_path / "train/a").mkdir(parents=True)
    pixels = np.random.default_rng(0).integers(0, 256, (6, 5, 3)).astype(np.uint8)
    Image.fromarray(pixels).save(tmp_path / "train/a/1.png")
    np.testing.assert_array_equal(read_image(tmp_path / "train/a/1.png"), pixels)
    small = read_image(tmp_path / "train/a/1.png", (3, 4), "gray")
    folder = read_folder(tmp_path, size=(3, 4), color="gray")
    np.testing.assert_array_equal(small, folder.train.images[0])
    assert small.shape == (3, 4, 1)
