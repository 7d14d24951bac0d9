import contextlib
import http.client
import signal
import socket
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import httpx2 as httpx
import pytest

from numcnn.web import Limits, Settings, serve
from tests.web.pictures import board, file
from tests.web.running import running

pytestmark = pytest.mark.slow

PNG = {"content-type": "image/png"}
LIMITS = Limits(
    max_body_bytes=200_000, body_timeout=0.6, header_timeout=0.6, max_concurrency=2, max_queued=4
)


@pytest.fixture(scope="module")
def strict():
    with running(LIMITS) as found:
        yield found


def read(url):
    return httpx.post(f"{url}/api/v1/read", content=file(board("4")), headers=PNG, timeout=30)


def is_well(running):
    return read(running.url).json()["text"] == "4"


def everything(connection):
    """What a server sends until it closes the connection."""
    connection.settimeout(10)
    return b"".join(iter(lambda: connection.recv(65536), b""))


@pytest.mark.parametrize("beginning", [b"", b"POST /api/v1/read HTTP/1.1\r\nHost: x\r\nA"])
def test_a_head_that_never_ends_is_hung_up_on(strict, beginning):
    with socket.create_connection(strict.address) as connection:
        connection.sendall(beginning)
        start = time.monotonic()
        assert everything(connection) == b""
        assert 0.4 < time.monotonic() - start < 5
    assert is_well(strict)


def test_the_second_head_of_a_connection_must_end_too(strict):
    with socket.create_connection(strict.address) as connection:
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\nGET /healthz HT")
        start = time.monotonic()
        answer = everything(connection)
        assert answer.count(b"HTTP/1.1 200 OK") == 1
        assert time.monotonic() - start < 5


def test_a_slow_body_is_told(strict):
    with socket.create_connection(strict.address) as connection:
        head = b"POST /api/v1/read HTTP/1.1\r\nHost: x\r\nContent-Type: image/png\r\n"
        connection.sendall(head + b"Content-Length: 100\r\n\r\nabc")
        answer = everything(connection)
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b"application/problem+json" in answer
    assert is_well(strict)


def test_a_body_that_never_ends_is_told(strict):
    def parts():
        while True:
            yield b"x" * 10_000

    with pytest.raises((httpx.HTTPStatusError, httpx.WriteError, httpx.ReadError)):
        httpx.post(
            f"{strict.url}/api/v1/read", content=parts(), headers=PNG, timeout=10
        ).raise_for_status()
    with socket.create_connection(strict.address) as connection:
        head = b"POST /api/v1/read HTTP/1.1\r\nHost: x\r\nContent-Type: image/png\r\n"
        chunk = b"4e20\r\n" + b"x" * 20_000 + b"\r\n"
        connection.sendall(head + b"Transfer-Encoding: chunked\r\n\r\n" + chunk * 11)
        connection.settimeout(10)
        assert connection.recv(65536).startswith(b"HTTP/1.1 413 ")
    assert is_well(strict)


def test_a_body_that_is_said_to_be_too_large_is_not_waited_for(strict):
    with socket.create_connection(strict.address) as connection:
        head = b"POST /api/v1/read HTTP/1.1\r\nHost: x\r\nContent-Type: image/png\r\n"
        connection.sendall(head + b"Content-Length: 200001\r\n\r\n")
        answer = everything(connection)
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"larger than 0.2 MB" in answer


def test_clients_that_hang_up_leave_nothing_behind(strict):
    head = b"POST /api/v1/read HTTP/1.1\r\nHost: x\r\nContent-Type: image/png\r\n"
    content = file(board("4"))
    whole = head + b"Content-Length: %d\r\n\r\n" % len(content) + content
    for _ in range(10):
        for sent in (head, whole[:-10], whole):
            with socket.create_connection(strict.address) as connection:
                connection.sendall(sent)
    for _ in range(100):
        if "numcnn_pictures_in_work 0.0" in httpx.get(f"{strict.url}/metrics").text:
            break
        time.sleep(0.05)
    else:
        pytest.fail("pictures of clients that are gone are still in work")
    assert is_well(strict)
    assert "Traceback" not in strict.log.read_text()


def test_many_clients_at_once_are_answered_in_order():
    with (
        running(Limits(max_concurrency=2, max_queued=4)) as found,
        ThreadPoolExecutor(32) as pool,
    ):
        answers = list(pool.map(lambda _: read(found.url), range(96)))
        assert is_well(found)
    statuses = {answer.status_code for answer in answers}
    assert statuses == {200, 429}
    for answer in answers:
        if answer.status_code == 429:
            assert answer.headers["retry-after"] == "1"
            assert answer.json()["status"] == 429
        else:
            assert answer.json()["text"] == "4"


def test_more_requests_than_a_process_can_hold_are_told():
    with running(Limits(max_requests=2, max_client_share=1)) as found:
        head = b"POST /api/v1/read HTTP/1.1\r\nHost: x\r\nContent-Type: image/png\r\n"
        with socket.create_connection(found.address) as one:
            with socket.create_connection(found.address) as two:
                for connection in (one, two):
                    connection.sendall(head + b"Content-Length: 100\r\n\r\nabc")
                time.sleep(0.3)
                answer = read(found.url)
                assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
                assert answer.headers["content-type"] == "application/problem+json"
            time.sleep(0.3)
            assert is_well(found)


def test_more_bodies_than_a_process_can_hold_are_told():
    with running(Limits(max_total_body_bytes=50_000, max_client_share=1)) as found:
        head = b"POST /api/v1/read HTTP/1.1\r\nHost: x\r\nContent-Type: image/png\r\n"
        part = head + b"Content-Length: 40000\r\n\r\n" + b"x" * 30_000
        with socket.create_connection(found.address) as one:
            one.sendall(part)
            time.sleep(0.3)
            with socket.create_connection(found.address) as two:
                two.sendall(part)
                answer = everything(two)
                assert answer.startswith(b"HTTP/1.1 503 ")
                assert b"too many large pictures at once" in answer
                assert b"retry-after: 1" in answer
            # A small one still has room.
            assert is_well(found)
        for _ in range(2):  # what was held is given back
            with socket.create_connection(found.address) as one:
                one.sendall(part + b"x" * 10_000)
                assert one.recv(65536).startswith(b"HTTP/1.1 415 ")


def test_an_answer_that_is_not_taken_is_not_kept():
    with running(Limits(body_timeout=2, max_requests=1)) as found:

        def is_busy():
            return httpx.get(f"{found.url}/healthz").status_code == 503

        with socket.socket() as connection:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            connection.connect(found.address)
            layer = b"GET /api/v1/models/reader/layers/dense_1 HTTP/1.1\r\nHost: x\r\n\r\n"
            connection.sendall(layer * 100)
            ends = time.monotonic() + 30
            for is_waiting in (True, False):
                while is_busy() != is_waiting:
                    assert time.monotonic() < ends
                    time.sleep(0.05)
            with contextlib.suppress(ConnectionResetError):
                assert everything(connection).count(b"HTTP/1.1 200 OK") < 100
        assert is_well(found)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals")
def test_what_is_in_hand_is_finished_when_the_process_is_to_end():
    with running() as found:
        assert is_well(found)
        content, answers = file(board("4", (1500, 1000))), []
        begun = threading.Barrier(5)

        def client():
            connection = http.client.HTTPConnection(*found.address, timeout=20)
            connection.putrequest("POST", "/api/v1/read")
            connection.putheader("Content-Type", "image/png")
            connection.putheader("Content-Length", str(len(content)))
            connection.endheaders(content[:-1])
            begun.wait(10)
            time.sleep(0.3)
            connection.send(content[-1:])
            answers.append(connection.getresponse().status)

        threads = [threading.Thread(target=client) for _ in range(4)]
        for thread in threads:
            thread.start()
        begun.wait(10)
        time.sleep(0.1)
        found.process.send_signal(signal.SIGTERM)
        for thread in threads:
            thread.join(20)
        assert answers == [200] * 4
        assert found.process.wait(20) == 0
        with pytest.raises(httpx.ConnectError):
            httpx.get(found.url)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows ends a process at once")
def test_two_processes_count_together():
    with running(workers=2) as found:
        for _ in range(12):
            assert is_well(found)
        name = 'numcnn_requests_total{method="POST",route="/api/v1/read",status="200"} 12.0'
        assert name in httpx.get(f"{found.url}/metrics").text
        assert found.stop() == 0


def test_a_port_that_is_taken_is_told():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(OSError, match=f"cannot listen on 127.0.0.1, port {port}"):
            serve(Settings(), port=port)
