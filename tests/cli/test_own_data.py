"""Folders and tables of one's own: what is said about them, beside what comes of them."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from numcnn.model_files import load_model
from tests.cli.outcome import tree

QUICK = "--recipe", "lenet5", "--epochs", 1, "--quiet", "--out", "run"


@pytest.fixture
def parts(pictures, here) -> Path:
    """A folder with a training and a validation part."""
    for part in ("Train", "validation"):
        shutil.copytree(pictures, here / "parts" / part)
    return here / "parts"


def test_what_is_passed_over_is_told_though_quiet(numcnn, pictures, here):
    (pictures / "7" / "more").mkdir()
    shutil.copytree(pictures / "1", pictures / "7" / "more", dirs_exist_ok=True)
    count = len(list((pictures / "1").iterdir()))
    outcome = numcnn("train", pictures, *QUICK)
    assert outcome.status == 0
    assert outcome.err == (
        f"numcnn: note: {pictures}: passed over {count} images in folders inside a class's folder "
        f"({count} 7/more); move them up to use them\n"
    )


def test_a_note_is_told_once_for_an_ensemble(numcnn, pictures, here):
    (pictures / "7" / "notes.txt").write_text("x")
    outcome = numcnn("train", pictures, *QUICK, "--ensemble", 2)
    assert outcome.status == 0
    assert outcome.err.count("1 file of other kinds (1 .txt)") == 1


def test_a_validation_part_of_ones_own_is_used(numcnn, parts, here):
    outcome = numcnn("train", parts, *QUICK)
    assert outcome.status == 0
    assert "on the validation part that came with the data" in outcome.out
    assert outcome.err == ""
    settings = json.loads((here / "run/settings.json").read_text())
    assert settings["resolved"]["validation_split"] == 0
    card = load_model(here / "run/model.safetensors").card
    assert card["training_images"] == len(list((parts / "Train").rglob("*.png")))


def test_and_no_share_of_the_training_part_beside_it(numcnn, parts, here):
    before = tree(here)
    message = numcnn("train", parts, *QUICK, "--validation-split", 0.1).error()
    assert "validation_split is 0.1, but" in message
    assert "has a validation part of its own; leave validation_split out" in message
    assert tree(here) == before


def test_but_none_is_none(numcnn, parts):
    outcome = numcnn("train", parts, *QUICK, "--validation-split", 0)
    assert outcome.status == 0
    assert "validation accuracy" not in outcome.out


@pytest.mark.parametrize("words", [("--size", "900000x900000"), ("--size", "3000000x3000000")])
def test_too_little_memory_is_told_with_the_remedy(numcnn, pictures, here, words):
    before = tree(here)
    message = numcnn("train", pictures, *QUICK, *words).error()
    assert "not enough memory for" in message
    assert "give a smaller --size" in message
    assert tree(here) == before


def test_memory_that_runs_out_anywhere_is_told(numcnn, here, monkeypatch):
    def fit(*arguments, **settings):
        np.empty(1 << 48)

    monkeypatch.setattr("numcnn.experiments.run.fit", fit)
    message = numcnn("train", "--out", "run").error()
    assert "not enough memory (Unable to allocate" in message
    assert "give a smaller --size or --batch-size, or a smaller network" in message


def test_no_other_program_is_started_for_a_picture(numcnn, model, here, monkeypatch):
    """An EPS file by another name would start Ghostscript."""
    program = here / "bin" / "gs"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\ntouch {here}/was_run\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")
    for label in "ab":
        (here / "pictures" / label).mkdir(parents=True)
        eps = here / "pictures" / label / "1.png"
        Image.new("RGB", (8, 8)).save(eps, "EPS")
    for command in (
        ("train", "pictures", *QUICK),
        ("evaluate", model, "pictures"),
        ("features", model, eps, "--out", "told"),
        ("read", eps),
    ):
        outcome = numcnn(*command)
        assert outcome.status != 0
        assert "not a picture of a known kind" in outcome.err + outcome.out
    assert not (here / "was_run").exists()


def test_a_table_of_another_dialect_is_trained_on(numcnn, table, here):
    rows = [line.split(",") for line in table.read_text().splitlines()]
    text = "\r\n".join(";".join([*row[1:], row[0]]) for row in rows[1:])
    (here / "own.dat").write_bytes(text.encode("utf-16"))
    outcome = numcnn("train", "own.dat", *QUICK)
    assert outcome.status == 0
    assert outcome.err.startswith("numcnn: note: own.dat: no column is called label; the last is")
