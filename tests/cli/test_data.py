import json

from numcnn.data import names
from tests.cli.outcome import tree


def test_the_list_has_a_line_for_each_data_set(numcnn):
    outcome = numcnn("data", "list")
    assert (outcome.status, outcome.err) == (0, "")
    lines = outcome.out.splitlines()
    assert [line.split()[0] for line in lines] == list(names())
    assert [" here " in line for line in lines] == [True] + [False] * 6
    assert "60,000 + 10,000 images  28 x 28 x 1  10 classes  12 MB to fetch" in lines[1]


def test_the_list_as_json(numcnn):
    found = json.loads(numcnn("data", "list", "--json").out)
    assert [row["name"] for row in found] == list(names())
    assert found[0] == {
        "name": "digits",
        "content": "handwritten digits, small (included)",
        "train_images": 1438,
        "test_images": 359,
        "image_shape": [8, 8, 1],
        "classes": list("0123456789"),
        "download_bytes": 0,
        "license": "CC BY 4.0",
        "homepage": "https://archive.ics.uci.edu/dataset/80",
        "local": True,
    }


def test_files_that_are_there_are_found(numcnn, files, monkeypatch):
    found = json.loads(numcnn("data", "list", "--json", "--data-dir", files).out)
    assert [row["local"] for row in found] == [True, True] + [False] * 5
    monkeypatch.setenv("NUMCNN_DATA", str(files))
    found = json.loads(numcnn("data", "list", "--json").out)
    assert [row["local"] for row in found] == [True, True] + [False] * 5


def test_what_is_there_is_not_fetched(numcnn, files):
    outcome = numcnn("data", "fetch", "mnist", "--data-dir", files, "--quiet")
    assert (outcome.status, outcome.err) == (0, "")
    assert outcome.out == f"mnist is in {files / 'mnist'}\n"


def test_the_default_needs_no_fetching(numcnn, here):
    assert numcnn("data", "fetch", "digits").out == "digits comes with numcnn\n"
    assert tree(here) == {}


def test_without_a_network_one_line_says_what_to_do(numcnn, here):
    for more in ((), ("--quiet",)):
        message = numcnn("data", "fetch", "mnist", *more).error()
        assert "check the network and try again, or get train-images-idx3-ubyte.gz" in message
        assert "--data-dir" in message
        assert not any(content for content in tree(here.parent).values())
