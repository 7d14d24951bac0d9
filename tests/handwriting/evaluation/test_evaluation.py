import json
import subprocess
import sys

import numpy as np
import pytest

from numcnn.handwriting.evaluation import NEGATIVES, MnistWriter, StrokeWriter, samples
from numcnn.handwriting.evaluation.__main__ import main
from numcnn.handwriting.evaluation.generate import generate
from numcnn.handwriting.vision import load_picture

WRITER = StrokeWriter()


def test_a_picture_depends_on_its_own_number_and_on_the_seed_alone():
    first = list(samples(WRITER, 5, seed=3))
    assert [kind for kind, _ in first] == ["single", "number", "page", "nothing", "single"]
    assert [sample.content for _, sample in samples(WRITER, 2, seed=3, start=3)] == [
        sample.content for _, sample in first[3:]
    ]
    (_, other), *_ = samples(WRITER, 1, seed=4)
    assert other.content != first[0][1].content


def test_the_digits_lie_in_their_boxes():
    for kind, sample in samples(WRITER, 4):
        picture = load_picture(sample.content)
        assert len(sample.boxes) == len("".join(sample.lines))
        assert bool(sample.lines) == (kind != "nothing")
        for box in sample.boxes:
            x, y, width, height = picture.to_working(box)
            inside = picture.pixels[y : y + height, x : x + width].astype(float).mean(axis=2)
            assert np.ptp(inside) > 30


def test_all_that_is_nothing_to_read_comes_in_turn():
    found = {
        next(samples(WRITER, 1, start=4 * turn + 3))[1].condition for turn in range(len(NEGATIVES))
    }
    assert found == set(NEGATIVES)


def test_mnists_digits_are_drawn_anew():
    images = np.zeros((1, 28, 28), np.uint8)
    images[0, 4:24, 12:16] = 255
    name, ink = MnistWriter(images, np.array([1])).write(np.random.default_rng(0), 160, 0.0)
    assert name == "1"
    assert ink.shape[0] == pytest.approx(160, abs=6)
    assert ink.shape[0] > 3 * ink.shape[1]


def test_pictures_are_written_with_their_labels(tmp_path):
    generate(tmp_path / "pictures", WRITER, 3)
    generate(tmp_path / "pictures", WRITER, 1, start=3)
    lines = (tmp_path / "pictures" / "labels.jsonl").read_text("utf-8").splitlines()
    labels = [json.loads(line) for line in lines]
    assert [label["file"][:5] for label in labels] == ["00000", "00001", "00002", "00003"]
    for label in labels:
        assert load_picture(tmp_path / "pictures" / label["file"]).pixels.size


@pytest.mark.slow
def test_a_readers_scores_are_printed(tmp_path):
    generate(tmp_path, WRITER, 8)
    label = json.loads((tmp_path / "labels.jsonl").read_text("utf-8").splitlines()[0])
    wrong = {**label, "lines": ["12345"]}
    with (tmp_path / "labels.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps(wrong) + "\n")
    program = [sys.executable, "-m", "numcnn.handwriting.evaluation"]
    done = subprocess.run(
        [*program, tmp_path, "--failures", tmp_path / "failures.txt"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""
    assert "single digits read rightly:  66.67%  (2 of 3)" in done.stdout
    assert "nothing read where there is nothing: 100.00%  (2 of 2)" in done.stdout
    assert "expected calibration error" in done.stdout
    assert f"{label['file']} single" in (tmp_path / "failures.txt").read_text("utf-8")


def test_there_must_be_something_to_score(capsys):
    with pytest.raises(SystemExit, match="2"):
        main([])
    assert "give a folder of generated pictures" in capsys.readouterr().err
