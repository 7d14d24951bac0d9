import base64
import io
import json
import tempfile

import numpy as np
import pytest
from PIL import Image

import numcnn
from numcnn.features import layer_outputs
from numcnn.handwriting.reader import shipped_model
from numcnn.model_files import load_model
from tests.web.pictures import board, file, small

PNG = {"content-type": "image/png"}


def floats(tensor):
    numbers = np.frombuffer(base64.b64decode(tensor["float32"]), "<f4")
    return numbers.reshape(tensor["shape"])


def problem(response, status):
    """What is wrong, from an answer that must be a problem."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    found = response.json()
    assert set(found) == {"type", "title", "status", "detail"}
    assert found["status"] == status
    assert "\n" not in found["detail"]
    return found["detail"]


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "BMP", "GIF", "TIFF", "PPM"])
def test_a_file_is_read(client, kind):
    content = file(board("174"), kind)
    for headers in ({"content-type": f"image/{kind.lower()}"}, PNG):
        response = client.post("/api/v1/read", content=content, headers=headers)
        assert response.status_code == 200
        assert response.json()["text"] == "174"


def test_the_answer_is_that_of_the_reader(client):
    content = file(board("17"))
    found = client.post("/api/v1/read", content=content, headers=PNG).json()
    said = numcnn.read(content).as_dict()
    assert {name: found[name] for name in said} == json.loads(json.dumps(said))
    assert found["size"] == [400, 240]
    assert (found["digit"], found["probability"]) == (None, None)


def test_a_file_in_a_form_is_read(client):
    response = client.post(
        "/api/v1/read", files={"any": ("x.png", file(board("4")))}, data={"other": "field"}
    )
    assert response.json()["text"] == "4"


def test_a_client_of_the_older_kind_gets_digit_and_probability(client):
    values = list(np.asarray(small()).reshape(-1).tolist())
    assert len(values) == 784
    for body in (values, {"pixels": values}, {"pixels": np.reshape(values, (28, 28)).tolist()}):
        found = client.post("/api/v1/read", json=body).json()
        assert found["digit"] == 7
        assert 0.9 < found["probability"] <= 1


def test_white_on_black_is_read_too(client):
    values = (255 - np.asarray(small())).reshape(-1).tolist()
    assert client.post("/api/v1/read", json=values).json()["digit"] == 7


def test_a_blank_picture_says_so(client):
    found = client.post(
        "/api/v1/read?frames=true", content=file(Image.new("L", (90, 60), 255)), headers=PNG
    ).json()
    reason = "nothing is written here"
    assert found["rejected"] == [{"box": [0, 0, 90, 60], "reason": reason}]
    assert found["text"] == ""


def test_frames_are_what_the_network_saw(client):
    content = file(board("17"))
    found = client.post("/api/v1/read?frames=true", content=content, headers=PNG).json()
    frames = [base64.b64decode(digit["frame"]) for digit in found["lines"][0]["digits"]]
    assert [len(frame) for frame in frames] == [784, 784]
    assert frames[0] != frames[1]
    for index, frame in enumerate(frames):
        shown = client.post(
            f"/api/v1/activations?index={index}", content=content, headers=PNG
        ).json()
        assert base64.b64decode(shown["frame"]) == frame
        assert shown["digit"] == (1, 7)[index]


def test_activations_are_what_the_layers_computed(client):
    shown = client.post("/api/v1/activations", content=file(board("4")), headers=PNG).json()
    model = load_model(shipped_model()).model
    frame = np.frombuffer(base64.b64decode(shown["frame"]), np.uint8).reshape(28, 28, 1)
    said = layer_outputs(model, frame)
    assert [layer["name"] for layer in shown["layers"]] == ["input", *(name for name, _ in said)]
    for layer, (_, output) in zip(shown["layers"][1:], said, strict=True):
        np.testing.assert_array_equal(floats(layer["output"]), output)


def test_a_cell_is_the_sum_of_products_that_its_layer_computed(client):
    shown = client.post("/api/v1/activations", content=file(board("4")), headers=PNG).json()
    outputs = {layer["name"]: floats(layer["output"]) for layer in shown["layers"]}
    weights = client.get("/api/v1/models/reader/layers/conv2d_2").json()
    weight = floats(weights["arrays"]["weight"])
    size = weights["settings"]["kernel_size"]
    patch = outputs["relu_1"][3 : 3 + size, 4 : 4 + size]
    for filters in (0, 7):
        total = (patch * weight[..., filters]).sum(dtype=np.float64)
        assert outputs["conv2d_2"][3, 4, filters] == pytest.approx(total, rel=1e-4, abs=1e-5)


def test_an_index_beyond_what_was_found_is_told(client):
    response = client.post("/api/v1/activations?index=1", content=file(board("4")), headers=PNG)
    assert "1 things were found" in problem(response, 422)


def test_models_are_listed_without_a_path(client):
    response = client.get("/api/v1/models")
    (model,) = response.json()["models"]
    assert model["name"] == "reader"
    assert model["classes"][:10] == list("0123456789")
    assert model["layers"][-1]["shape"] == [12]
    assert "/" not in model["name"]
    assert str(shipped_model().parent) not in response.text


@pytest.mark.parametrize("path", ["/models/other/layers/conv2d_1", "/models/reader/layers/none"])
def test_a_layer_that_is_not_there_is_told(client, path):
    assert "names model and layers" in problem(client.get(f"/api/v1{path}"), 404)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"{", "no JSON"),
        (b"[" * 100_000, "no JSON"),
        (b"\xff", "no JSON"),
        ({}, '"pixels" or "image" and nothing else'),
        ({"pixels": [0] * 784, "more": 1}, '"pixels" or "image" and nothing else'),
        ("784", "no list"),
        ([], "no list"),
        ([0] * 783, "make no square"),
        ([0] * 49, "7 x 7 pixels are too few"),
        ([[0] * 9] * 8 + [[0] * 8], "different lengths"),
        ([[0] * 9] * 8 + [0], "different lengths"),
        ([0] * 783 + [256], "value 783 is 256"),
        ([-1] + [0] * 783, "value 0 is -1"),
        ([0.5] * 784, "value 0 is 0.5"),
        ([True] * 784, "a bool"),
        (["0"] * 784, "a str"),
        ([None] * 784, "a NoneType"),
        ([10**3000] + [0] * 783, "value 0 is 1000"),
        (b"[NaN" + b",0" * 783 + b"]", "value 0 is nan"),
        (b"[Infinity" + b",0" * 783 + b"]", "value 0 is inf"),
    ],
    ids=range(20),
)
def test_wrong_json_is_told(client, body, message):
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = {"content-type": "application/json; charset=utf-8"}
    response = client.post("/api/v1/read", content=content, headers=headers)
    assert message in problem(response, 422)


@pytest.mark.parametrize(
    ("content", "kind", "status", "message"),
    [
        (b"", "image/png", 422, "empty"),
        (b"no picture", "image/png", 415, "not a picture of a known kind"),
        (b"\0\0\0\x18ftypheic", "image/heic", 415, "HEIC"),
        (file(board("4"))[:300], "image/png", 422, "damaged or truncated"),
        (file(Image.new("L", (5, 90))), "application/octet-stream", 422, "too few"),
        (file(Image.new("1", (6000, 5000))), "image/png", 413, "more than 25 million"),
        (file(board("4")), "text/plain", 415, "content type"),
        (b"none", "multipart/form-data", 422, "no form"),
        (b"none", "multipart/form-data; boundary=x", 422, "no form"),
        (b"--x--\r\n", "multipart/form-data; boundary=x", 422, "no file"),
    ],
    ids=range(10),
)
def test_what_is_no_picture_is_told(client, content, kind, status, message):
    response = client.post("/api/v1/read", content=content, headers={"content-type": kind})
    assert message in problem(response, status)


def test_a_form_of_many_parts_is_told(client):
    part = b'--x\r\nContent-Disposition: form-data; name="f"; filename="f"\r\n\r\n7\r\n'
    headers = {"content-type": "multipart/form-data; boundary=x"}
    response = client.post("/api/v1/read", content=part * 101 + b"--x--\r\n", headers=headers)
    assert "more than 100 parts" in problem(response, 422)


def test_a_large_file_in_a_form_needs_no_temporary_file(client, monkeypatch):
    def refused(*_args, **_named):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(tempfile, "TemporaryFile", refused)
    monkeypatch.setattr(tempfile, "NamedTemporaryFile", refused)
    content = file(board("4", (2000, 1200)), "BMP")
    assert len(content) > 2_000_000
    response = client.post("/api/v1/read", files={"file": ("4.bmp", content)})
    assert response.json()["text"] == "4"


def test_millions_of_lists_are_told(client):
    content = b"[" + b"[]," * 1_000_000 + b"[]]"
    headers = {"content-type": "application/json"}
    response = client.post("/api/v1/read", content=content, headers=headers)
    assert "more than 1000000 lists" in problem(response, 422)


def test_an_empty_file_in_a_form_is_told(client):
    response = client.post("/api/v1/read", files={"file": ("x.png", b"")})
    assert "the file in the form is empty" in problem(response, 422)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nothing", 404),
        ("GET", "/static/nothing.js", 404),
        ("GET", "/static/%2e%2e/app.py", 404),
        ("GET", "/api/v1/read", 405),
        ("DELETE", "/api/v1/models", 405),
        ("POST", "/api/v1/read?frames=perhaps", 422),
        ("POST", "/api/v1/activations?index=-1", 422),
        ("POST", "/api/v1/collection", 404),
    ],
)
def test_every_error_is_a_problem(client, method, path, status):
    problem(client.request(method, path), status)


def test_every_answer_has_the_headers_of_security(client):
    for path in ("/", "/static/style.css", "/api/v1/models", "/nothing", "/api/v1/read"):
        headers = client.get(path).headers
        policy = headers["content-security-policy"]
        assert policy.startswith("default-src 'none';")
        assert "unsafe" not in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert "set-cookie" not in headers
        assert "server" not in headers


def test_the_process_says_how_it_is(client):
    assert client.get("/healthz").text == "ok\n"
    assert client.get("/readyz").text == "ok\n"


def test_metrics_count(client):
    name = 'numcnn_requests_total{method="POST",route="/api/v1/read",status="200"}'

    def count():
        lines = client.get("/metrics").text.splitlines()
        return sum(float(line.split()[-1]) for line in lines if line.startswith(name))

    before = count()
    client.post("/api/v1/read", content=file(board("4")), headers=PNG)
    assert count() == before + 1
    client.get("/some/path/that/nobody/knows")
    assert "nobody" not in client.get("/metrics").text


def test_the_log_has_no_pictures_and_no_unknown_paths(client, caplog):
    caplog.set_level("INFO", "numcnn.web.requests")
    client.post("/api/v1/read", content=file(board("4")), headers=PNG)
    client.get("/private-thing")
    told = [record.getMessage() for record in caplog.records if record.name.startswith("numcnn")]
    assert told[0].startswith("POST /api/v1/read 200 ")
    assert "private" not in "".join(told)


def test_a_photograph_is_turned_as_its_camera_noted(client):
    content, image = io.BytesIO(), board("4").transpose(Image.Transpose.ROTATE_90)
    exif = Image.Exif()
    exif[0x0112] = 6
    image.save(content, "JPEG", exif=exif)
    found = client.post(
        "/api/v1/read", content=content.getvalue(), headers={"content-type": "image/jpeg"}
    ).json()
    assert (found["text"], found["size"]) == ("4", [400, 240])
