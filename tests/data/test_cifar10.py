import importlib.util
import sys

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from numcnn.data import CIFAR10_CLASSES, DataNotFoundError, load_cifar10, read_cifar10_batch
from numcnn.data.download_sources import CIFAR10_TEST_FILE, CIFAR10_TRAIN_FILES


def records(images: np.ndarray, labels: np.ndarray) -> bytes:
    planes = images.transpose(0, 3, 1, 2).reshape(len(images), -1)
    return np.concatenate([labels[:, None].astype(np.uint8), planes], axis=1).tobytes()


def made(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.integers(0, 256, (count, 32, 32, 3), dtype=np.uint8), rng.integers(0, 10, count)


@pytest.fixture
def folder(tmp_path):
    """A small CIFAR-10: 2 images in each of its six files."""
    folder = tmp_path / "cifar-10-batches-bin"
    folder.mkdir()
    for seed, name in enumerate((*CIFAR10_TRAIN_FILES, CIFAR10_TEST_FILE)):
        (folder / name).write_bytes(records(*made(2, seed)))
    return folder


def test_a_record_is_a_label_and_three_planes(tmp_path):
    path = tmp_path / "batch.bin"
    path.write_bytes(bytes([6]) + b"R" * 1024 + b"G" * 1023 + b"g" + b"B" * 1024)
    images, labels = read_cifar10_batch(path)
    assert labels.tolist() == [6]
    assert images.shape == (1, 32, 32, 3)
    assert bytes(images[0, 0, 0]) == b"RGB"
    assert bytes(images[0, 31, 31]) == b"RgB"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(count=st.integers(1, 5), seed=st.integers(0, 1000))
def test_what_is_written_is_read_back(tmp_path, count, seed):
    images, labels = made(count, seed)
    (tmp_path / "batch.bin").write_bytes(records(images, labels))
    read = read_cifar10_batch(tmp_path / "batch.bin")
    np.testing.assert_array_equal(read[0], images)
    np.testing.assert_array_equal(read[1], labels)
    assert read[0].flags.c_contiguous
    assert read[1].dtype == np.int64


def test_the_batches_come_in_their_order(folder):
    splits = load_cifar10(folder)
    assert splits.test is not None
    np.testing.assert_array_equal(
        splits.train.images, np.concatenate([made(2, seed)[0] for seed in range(5)])
    )
    np.testing.assert_array_equal(splits.test.images, made(2, 5)[0])
    assert splits.train.classes == CIFAR10_CLASSES


@pytest.mark.parametrize("content", [b"", b"\0" * 3072, b"\0" * (3 * 3073 - 1)])
def test_a_truncated_batch_is_named(folder, content):
    (folder / "data_batch_3.bin").write_bytes(content)
    with pytest.raises(ValueError, match=r"data_batch_3\.bin: .* truncated"):
        load_cifar10(folder)


def test_a_label_out_of_range_is_named(folder):
    images, _ = made(2, 0)
    (folder / "test_batch.bin").write_bytes(records(images, np.array([9, 10])))
    with pytest.raises(ValueError, match=r"test_batch\.bin: label 10 of image 1"):
        load_cifar10(folder)


def test_a_missing_batch_is_named(folder):
    (folder / "data_batch_4.bin").unlink()
    with pytest.raises(DataNotFoundError, match=r"has no data_batch_4\.bin,"):
        load_cifar10(folder)


def test_class_names_come_from_their_file(folder):
    names = [f"thing{number}" for number in range(10)]
    (folder / "batches.meta.txt").write_text("\n".join(names) + "\n\n")
    assert load_cifar10(folder).train.classes == tuple(names)


@pytest.mark.parametrize("content", [b"", b"cat\n" * 10, b"\xff\xfe" * 10])
def test_a_bad_file_of_class_names(folder, content):
    (folder / "batches.meta.txt").write_bytes(content)
    with pytest.raises(ValueError, match=r"batches\.meta\.txt: .* remove"):
        load_cifar10(folder)


@pytest.mark.slow
def test_the_real_images_survive_the_binary_format(real_data, tmp_path, monkeypatch):
    """Unpack the real test part only, as the whole takes long."""
    script = real_data("cifar10") / "cifar10" / "unpack.py"
    if not script.is_file():
        pytest.skip("the real cifar10 has no unpack.py")
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    spec = importlib.util.spec_from_file_location("unpack", script)
    assert spec is not None
    assert spec.loader is not None
    unpack = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(unpack)
    unpack.records("test").tofile(tmp_path / "test_batch.bin")
    images, labels = read_cifar10_batch(tmp_path / "test_batch.bin")
    assert images.shape == (10_000, 32, 32, 3)
    assert np.bincount(labels).tolist() == [1000] * 10
    # The test part's mean color, which does not depend on the order of the images.
    np.testing.assert_allclose(images.mean(axis=(0, 1, 2)) / 255, [0.494, 0.485, 0.450], atol=1e-3)
