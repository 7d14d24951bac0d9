import numpy as np
import pytest
from starlette.testclient import TestClient

from numcnn.data import load
from numcnn.web import Limits, Settings, create_app

FRAME = np.arange(784, dtype=np.uint8)


@pytest.fixture
def collecting(tmp_path):
    settings = Settings(collect=tmp_path / "wrong", limits=Limits(max_feedback=3))
    with TestClient(create_app(settings), base_url="http://localhost:8000") as client:
        yield client


def correction(label=4, agreed=True, pixels=FRAME):
    return {"pixels": pixels.tolist(), "label": label, "agreed": agreed}


def test_what_is_kept_is_a_data_set(collecting, tmp_path):
    for count, label in enumerate((4, 7), start=1):
        response = collecting.post("/api/v1/collection", json=correction(label))
        assert (response.status_code, response.json()) == (201, {"label": label, "kept": count})
    train = load(str(tmp_path / "wrong")).train
    assert train.classes == ("4", "7")
    assert train.labels.tolist() == [0, 1]
    np.testing.assert_array_equal(train.images[0], FRAME.reshape(28, 28, 1))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"agreed": False}, "consent"),
        ({"agreed": 1}, "consent"),
        ({"label": 10}, "no digit"),
        ({"label": True}, "no digit"),
        ({"label": "../4"}, "no digit"),
        ({"pixels": [0] * 100}, "give 28 x 28"),
        ({"more": 1}, '"agreed"'),
    ],
)
def test_what_is_wrong_is_told_and_not_kept(collecting, tmp_path, change, message):
    response = collecting.post("/api/v1/collection", json={**correction(), **change})
    assert response.status_code == 422
    assert message in response.json()["detail"]
    assert list((tmp_path / "wrong").iterdir()) == []


def test_another_site_cannot_add(collecting, tmp_path):
    headers = {"sec-fetch-site": "cross-site"}
    response = collecting.post("/api/v1/collection", json=correction(), headers=headers)
    assert response.status_code == 403
    form = collecting.post("/api/v1/collection", data={"label": "4"})
    assert form.status_code == 415
    assert list((tmp_path / "wrong").iterdir()) == []


def test_there_is_an_end_to_it(collecting):
    statuses = [
        collecting.post("/api/v1/collection", json=correction()).status_code for _ in range(4)
    ]
    assert statuses == [201, 201, 201, 503]


def test_the_page_says_whether_it_may_ask(collecting, client):
    assert 'data-collecting="yes"' in collecting.get("/").text
    assert 'data-collecting="no"' in client.get("/").text
