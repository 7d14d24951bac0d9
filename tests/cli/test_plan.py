import json

import pytest


def test_a_line_for_each_step(numcnn, model):
    outcome = numcnn("plan", model)
    assert outcome.status == 0
    assert outcome.err == ""
    lines = outcome.out.splitlines()
    assert lines[0].split()[:4] == ["layers", "how", "layout", "output"]
    assert any(line.startswith("conv2d_1") for line in lines)
    assert lines[-1].startswith("training, batches of 128 in ")


def test_inference(numcnn, model):
    outcome = numcnn("plan", model, "--inference", "--batch-size", 3)
    assert outcome.out.splitlines()[-1].startswith("inference, batches of 3 in 1 shard, ")


@pytest.mark.parametrize("how", [(), ("--inference",)])
def test_measured(numcnn, model, how):
    outcome = numcnn("plan", model, "--measure", "--batch-size", 4, *how)
    assert outcome.status == 0
    assert "us/image" in outcome.out
    assert outcome.out.splitlines()[-1].startswith("matrix products reach ")


def test_as_json(numcnn, model):
    plain, measured = (
        json.loads(numcnn("plan", model, "--json", "--batch-size", 4, *more).out)
        for more in ((), ("--measure",))
    )
    assert plain["batch_size"] == 4
    assert plain["product_speed"] is None
    assert plain["rows"][1]["forward"] is None
    assert measured["rows"][1]["forward"] > 0
    assert [row["method"] for row in measured["rows"]] == [row["method"] for row in plain["rows"]]


def test_a_file_that_is_not_there(numcnn):
    assert "nowhere.safetensors" in numcnn("plan", "nowhere.safetensors").error()


def test_a_file_that_is_no_model(numcnn, here):
    (here / "text.safetensors").write_text("hello")
    assert "text.safetensors" in numcnn("plan", "text.safetensors").error()


@pytest.mark.parametrize("size", ["0", "-3", "many"])
def test_a_batch_size_that_is_none(numcnn, model, size):
    assert "'--batch-size'" in numcnn("plan", model, "--batch-size", size).usage_error()


def test_no_model(numcnn):
    assert "MODEL" in numcnn("plan").usage_error()
