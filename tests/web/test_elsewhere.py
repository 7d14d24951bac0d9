"""The application behind a proxy, under another name, called and shown by other pages."""

import base64
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from unittest.mock import Mock

import numpy as np
import pytest
from starlette.testclient import TestClient

from numcnn.web import Settings, create_app
from numcnn.web.middleware import host_name, is_machine
from numcnn.web.protocol import TimeoutProtocol
from tests.web.pictures import board, file
from tests.web.running import running

NGINX = shutil.which("nginx") or shutil.which("/usr/sbin/nginx")
SCHOOL = "https://school.example"


def answered(**settings):
    return TestClient(create_app(Settings(**settings)), base_url="http://localhost:8000")


def test_every_get_answers_head_without_a_body():
    with answered() as client:
        for path in ("/", "/healthz", "/readyz", "/metrics", "/api/v1/models"):
            got, head = client.get(path), client.head(path)
            assert (head.status_code, head.content) == (200, b""), path
            assert head.headers["content-type"] == got.headers["content-type"]
        assert client.head("/api/v1/read").status_code == 405
        assert 'method="HEAD"' in client.get("/metrics").text


def test_files_are_asked_for_again_and_not_sent_again():
    with answered() as client:
        first = client.get("/static/app.js")
        assert first.headers["cache-control"] == "no-cache"
        again = client.get("/static/app.js", headers={"If-None-Match": first.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
        assert client.get("/healthz").headers["cache-control"] == "no-store"


def test_other_origins_may_call_if_allowed():
    asked = {"Origin": SCHOOL, "Access-Control-Request-Method": "POST"}
    with answered() as client:
        assert client.options("/api/v1/read", headers=asked).status_code == 405
        answer = client.get("/api/v1/models", headers={"Origin": SCHOOL})
        assert "access-control-allow-origin" not in answer.headers
    with answered(allowed_origins=(SCHOOL,)) as client:
        asked_first = client.options("/api/v1/read", headers=asked)
        assert asked_first.status_code == 200
        assert asked_first.headers["access-control-allow-origin"] == SCHOOL
        headers = {"Origin": SCHOOL, "Content-Type": "image/png"}
        answer = client.post("/api/v1/read", content=file(board("4")), headers=headers)
        assert answer.json()["text"] == "4"
        assert answer.headers["access-control-allow-origin"] == SCHOOL
        assert answer.headers["cross-origin-resource-policy"] == "cross-origin"
        other = client.get("/api/v1/models", headers={"Origin": "https://other.example"})
        assert "access-control-allow-origin" not in other.headers


def test_other_pages_may_show_it_if_allowed():
    with answered() as client:
        headers = client.get("/").headers
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert headers["x-frame-options"] == "DENY"
    with answered(allowed_embedders=(SCHOOL,)) as client:
        headers = client.get("/").headers
        assert f"frame-ancestors 'self' {SCHOOL}" in headers["content-security-policy"]
        assert "x-frame-options" not in headers


def test_pictures_are_not_kept_under_a_name_that_anybody_could_point_here(tmp_path):
    body = {"pixels": np.arange(784).clip(0, 255).tolist(), "label": 4, "agreed": True}
    foreign = {"Host": "evil.example:8000", "Sec-Fetch-Site": "same-origin"}
    with answered(collect=tmp_path / "kept") as client:
        refused = client.post("/api/v1/collection", json=body, headers=foreign)
        assert refused.status_code == 403
        assert "--allowed-host evil.example" in refused.json()["detail"]
        for host in ("localhost:8000", "127.0.0.1:8000", "[::1]:8000", "192.168.1.7"):
            kept = client.post("/api/v1/collection", json=body, headers={"Host": host})
            assert kept.status_code == 201, host
    with answered(collect=tmp_path / "kept", allowed_hosts=("digits.example",)) as client:
        kept = client.post("/api/v1/collection", json=body, headers={"Host": "Digits.Example"})
        assert kept.status_code == 201
        assert client.get("/", headers={"Host": "evil.example"}).status_code == 400


@pytest.mark.parametrize(
    ("host", "name", "is_known"),
    [
        ("localhost:8000", "localhost", True),
        ("127.0.0.1", "127.0.0.1", True),
        ("[::1]:80", "[::1]", True),
        ("[::1]", "[::1]", True),
        ("lab.localhost", "lab.localhost", True),
        ("127.0.0.1.evil.example", "127.0.0.1.evil.example", False),
        ("localhost.evil.example", "localhost.evil.example", False),
        ("", "", False),
    ],
)
def test_names_of_machines(host, name, is_known):
    assert host_name(host) == name
    assert is_machine(name) == is_known


@pytest.mark.parametrize(
    "wrong",
    [
        {"root_path": "digits"},
        {"root_path": "/digits/"},
        {"allowed_origins": ("school.example",)},
        {"allowed_embedders": ("https://school.example/page",)},
        {"allowed_hosts": ("digits.example:80",)},
    ],
)
def test_settings_that_are_none_are_refused(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Settings(**wrong)


def test_the_description_knows_where_it_is_shown():
    with answered(root_path="/digits") as client:
        description = client.get("/digits/api/v1/openapi.json").json()
        assert description["servers"] == [{"url": "/digits"}]
        assert client.get("/digits/healthz").text == client.get("/healthz").text == "ok\n"
    with answered() as client:
        told = {"X-Forwarded-Prefix": "/school/digits/"}
        description = client.get("/api/v1/openapi.json", headers=told).json()
        assert description["servers"] == [{"url": "/school/digits"}]
        odd = {"X-Forwarded-Prefix": "//evil.example"}
        assert "servers" not in client.get("/api/v1/openapi.json", headers=odd).json()


def test_small_answers_are_sent_at_once():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        with socket.create_connection(listener.getsockname()):
            accepted, _ = listener.accept()
        with accepted:
            assert not accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
            transport = Mock()
            transport.get_extra_info.side_effect = lambda name, default=None: (
                accepted if name == "socket" else default
            )
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(TimeoutProtocol.__mro__[1], "connection_made", lambda *_: None)
                real = TimeoutProtocol.__new__(TimeoutProtocol)
                real._start_header_timer = lambda: None  # type: ignore[method-assign]
                TimeoutProtocol.connection_made(real, transport)
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_what_integrators_send_by_habit_is_read():
    content = file(board("4"))
    url = f"data:image/png;base64,{base64.b64encode(content).decode()}"
    with answered() as client:
        assert client.post("/api/v1/read", json={"image": url}).json()["text"] == "4"
        # Without a content type.
        assert client.post("/api/v1/read", content=content).json()["text"] == "4"
        for wrong in ("data:image/png;base64,%", "http://other.example/4.png", 4, ""):
            refused = client.post("/api/v1/read", json={"image": wrong})
            assert (refused.status_code, "image is" in refused.text) == (422, True), wrong
        two = [("file", ("a.png", content)), ("file", ("b.png", content))]
        refused = client.post("/api/v1/read", files=two)
        assert (refused.status_code, "2 files" in refused.text) == (422, True)


@pytest.mark.skipif(NGINX is None, reason="nginx is not installed")
def test_behind_nginx_under_a_prefix(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with running() as served:
        (tmp_path / "nginx.conf").write_text(
            f"""
            daemon off; pid {tmp_path}/pid; error_log stderr; worker_processes 1;
            events {{ worker_connections 64; }}
            http {{
                access_log off;
                client_body_temp_path {tmp_path}/body; proxy_temp_path {tmp_path}/proxy;
                fastcgi_temp_path {tmp_path}/f; uwsgi_temp_path {tmp_path}/u;
                scgi_temp_path {tmp_path}/s;
                server {{
                    listen 127.0.0.1:{port};
                    location /digits/ {{
                        proxy_pass {served.url.rstrip("/")}/;
                        proxy_set_header Host $host;
                    }}
                }}
            }}
            """
        )
        assert NGINX is not None
        proxy = subprocess.Popen(
            [NGINX, "-p", str(tmp_path), "-c", str(tmp_path / "nginx.conf")],
            stderr=subprocess.DEVNULL,
        )
        try:
            base = f"http://127.0.0.1:{port}/digits/"
            page = eventually(base)
            for address in ("static/app.js", "static/style.css", "api/v1/openapi.json"):
                assert f'"{address}"' in page
                assert urllib.request.urlopen(base + address).status == 200
            told = {"Content-Type": "image/png"}
            request = urllib.request.Request(base + "api/v1/read", file(board("47")), told)
            assert b'"text":"47"' in urllib.request.urlopen(request).read()
        finally:
            proxy.terminate()
            proxy.wait(10)


def eventually(url: str) -> str:
    """A page, as soon as the proxy is up."""
    for _ in range(100):
        try:
            return urllib.request.urlopen(url).read().decode()
        except urllib.error.URLError:
            time.sleep(0.05)
    raise AssertionError(f"{url} does not answer")
