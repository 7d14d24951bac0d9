"""How the processes of a server end: within the time that is promised, whatever they do."""

import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path

import httpx2 as httpx
import pytest

import numcnn
from numcnn.web import Limits
from tests.web.pictures import board, file
from tests.web.running import running

pytestmark = pytest.mark.slow

# Some bodies are no pictures but say what the reader is to do: work on until its deadline, hang
# where no deadline is kept, or hang and let no other thread of Python run.
ODD_READER = """
import ctypes, time
from numcnn.handwriting.reader import Reader
from numcnn.handwriting.vision import check_deadline
from numcnn.web import server

def read(self, picture, *, _read=Reader.read, **limits):
    what = picture if isinstance(picture, bytes) else b""
    while what == b"slow":
        time.sleep(0.01)
        check_deadline()
    if what == b"hung":
        time.sleep(600)
    if what == b"stuck":
        time.sleep(2)
        ctypes.PyDLL(None).sleep(600)
    if what == b"memory":
        raise MemoryError
    return _read(self, picture, **limits)

Reader.read = read
"""
BINARY = {"content-type": "application/octet-stream"}


def read(url, content=None):
    content = content or file(board("4"))
    return httpx.post(f"{url}/api/v1/read", content=content, headers=BINARY, timeout=40)


def is_well(running):
    return read(running.url).json()["text"] == "4"


@contextmanager
def in_work(running, content, count=1):
    """Requests that have reached the reader; yields their future answers."""
    with ThreadPoolExecutor(count) as pool:
        answers = [pool.submit(read, running.url, content) for _ in range(count)]
        expect(lambda: f"numcnn_pictures_in_work {count}.0" in metrics(running))
        time.sleep(0.1)
        yield answers


def metrics(running):
    return httpx.get(f"{running.url}/metrics", timeout=40).text


def expect(condition, seconds=60):
    ends = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < ends, "it did not come about"
        time.sleep(0.05)


def is_refused(address):
    try:
        socket.create_connection(address, 5).close()
    except OSError:
        return True
    return False


def test_what_takes_too_long_stops_itself_and_leaves_its_thread_to_others():
    limits = Limits(request_timeout=1.5, max_concurrency=1, max_queued=1, max_client_share=1)
    with running(limits, before=ODD_READER) as found:
        for count in (1, 2):
            answer = read(found.url, b"slow")
            assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
            assert answer.headers["content-type"] == "application/problem+json"
            assert answer.json()["detail"].startswith("not done within 1.5 seconds")
            assert f"numcnn_deadlines_total {count}.0" in metrics(found)
            # There is one thread only.
            assert is_well(found)


def test_no_memory_is_told():
    with running(before=ODD_READER) as found:
        answer = read(found.url, b"memory")
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
        assert answer.json()["detail"].startswith("not enough memory")
        assert is_well(found)
        assert "Traceback" not in found.log.read_text()


def test_others_are_served_while_a_clients_pictures_are_slow():
    limits = Limits(request_timeout=8, max_concurrency=3, max_queued=4, max_client_share=0.7)
    with running(limits, before=ODD_READER) as found, in_work(found, b"slow", 4) as slow:
        start = time.monotonic()
        connection = http.client.HTTPConnection(
            *found.address, timeout=20, source_address=("127.0.0.2", 0)
        )
        try:
            connection.connect()
        except OSError:
            pytest.skip("this machine has one address only")
        with closing(connection):
            for _ in range(3):
                connection.request("POST", "/api/v1/read", file(board("4")), BINARY)
                answer = connection.getresponse()
                assert (answer.status, b'"text":"4"' in answer.read()) == (200, True)
        # The client with the slow ones has its share of the line, and no more.
        assert read(found.url).status_code == 429
        assert time.monotonic() - start < 6
        assert not any(each.done() for each in slow)
    assert [each.result().status_code for each in slow] == [503] * 4


def test_a_client_is_served_while_its_own_pictures_are_slow():
    limits = Limits(request_timeout=15, fast_timeout=0.5)
    with running(limits, before=ODD_READER) as found, in_work(found, b"slow", 6) as slow:
        assert all(is_well(found) for _ in range(5))
        assert not any(each.done() for each in slow)
    assert [each.result().status_code for each in slow] == [503] * 6


def test_a_slow_picture_is_answered_before_the_process_ends():
    with (
        running(Limits(request_timeout=3), before=ODD_READER) as found,
        in_work(found, b"slow") as slow,
    ):
        found.process.terminate()
        expect(lambda: is_refused(found.address))
        assert slow[0].result(20).status_code == 503
        assert found.process.wait(10) == 0


def test_a_thread_that_hangs_is_left_behind():
    with (
        running(Limits(request_timeout=2), before=ODD_READER) as found,
        in_work(found, b"hung") as hung,
    ):
        found.process.terminate()
        assert hung[0].result(20).status_code == 503
        assert found.process.wait(10) == 0
        assert "a picture is still being read" in found.log.read_text()


def test_a_process_that_hangs_as_a_whole_is_ended():
    before = ODD_READER + "server.SHUTDOWN_TIMEOUT = 4.0\n"
    with running(before=before) as found, in_work(found, b"stuck"):
        found.process.terminate()
        assert found.process.wait(20) == 1
        # Which says where it hung.
        assert "most recent call first" in found.log.read_text()


def test_what_is_not_done_when_the_time_is_over_is_told():
    with running(before="from numcnn.web import server; server._GRACEFUL_TIMEOUT = 1") as found:
        with closing(http.client.HTTPConnection(*found.address, timeout=20)) as connection:
            connection.putrequest("POST", "/api/v1/read")
            connection.putheader("Content-Type", "image/png")
            connection.putheader("Content-Length", "100")
            connection.endheaders(b"a part")
            # What was sent before is received, then, however busy the machine is.
            assert is_well(found)
            time.sleep(0.5)
            found.process.terminate()
            answer = connection.getresponse()
            assert (answer.status, answer.headers["retry-after"]) == (503, "5")
            assert b"the server ends" in answer.read()
        assert found.process.wait(10) == 0
        assert "Traceback" not in found.log.read_text()


@pytest.mark.parametrize("workers", [1, 2])
def test_the_second_signal_ends_it_at_once(workers):
    with running(workers=workers) as found:
        assert is_well(found)
        children = workers_of(found)
        with socket.create_connection(found.address) as connection:
            head = b"POST /api/v1/read HTTP/1.1\r\nHost: x\r\nContent-Type: image/png\r\n"
            connection.sendall(head + b"Content-Length: 100\r\n\r\nabc")
            assert is_well(found)
            time.sleep(0.5)
            found.process.terminate()
            time.sleep(1)
            assert found.process.poll() is None
            found.process.terminate()
            assert found.process.wait(5) == 128 + signal.SIGTERM
    expect(lambda: not alive(children))


def processes():
    """Process, parent and command line of all that run."""
    words = ["ps", "-A", "-ww", "-o", "pid=,ppid=,stat=,args="]
    rows = subprocess.run(words, capture_output=True, text=True, check=True).stdout.splitlines()
    found = (row.split(maxsplit=3) for row in rows)
    return [(int(pid), int(parent), args) for pid, parent, state, args in found if state[0] != "Z"]


def workers_of(running):
    parent = running.process.pid
    return [pid for pid, its, args in processes() if its == parent and "spawn_main" in args]


def alive(pids):
    return {pid for pid, *_ in processes()} & set(pids)


@pytest.fixture
def two_workers():
    # A worker that hangs is killed after 8 s instead of 25 s, or 38 s before its first heartbeat.
    before = (
        "from numcnn.web import supervisor\n"
        "supervisor._MAX_MISSED_POLLS, supervisor._STARTUP_POLLS = 40, 150"
    )
    with running(workers=2, before=before) as found:
        expect(lambda: is_well(found) and len(workers_of(found)) == 2)
        children = workers_of(found)
        yield found, children
        for process in alive(children):
            os.kill(process, signal.SIGKILL)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_workers_end_with_their_parent(two_workers, number):
    found, children = two_workers
    found.process.send_signal(number)
    assert found.process.wait(10) == (0 if number == signal.SIGTERM else -number)
    expect(lambda: not alive(children))
    assert is_refused(found.address)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
def test_a_worker_that_dies_or_hangs_is_replaced(two_workers, number):
    found, (first, second) = two_workers
    os.kill(first, number)
    expect(lambda: not alive([first]))
    expect(lambda: len(workers_of(found)) == 2)
    assert second in workers_of(found)
    assert all(is_well(found) for _ in range(10))
    log = found.log.read_text()
    assert f"worker {first} ended (SIGKILL); another starts in " in log
    assert (f"worker {first} is hung" in log) == (number == signal.SIGSTOP)
    assert found.stop() == 0


def test_a_worker_that_dies_again_and_again_is_replaced_less_and_less_often():
    # However slow this machine is, all that happens here is soon.
    before = "from numcnn.web import supervisor; supervisor._EARLY_EXIT = 600"
    with running(workers=2, before=before) as found:
        expect(lambda: len(workers_of(found)) == 2)
        dying = max(workers_of(found))
        for pause in (1, 3):
            staying = set(workers_of(found)) - {dying}
            os.kill(dying, signal.SIGKILL)
            told = f"worker {dying} ended (SIGKILL); another starts in {pause} s"
            expect(lambda told=told: told in found.log.read_text())
            expect(lambda: len(workers_of(found)) == 2)
            (dying,) = set(workers_of(found)) - staying
        assert found.stop() == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("workers", ["1", "2"])
@pytest.mark.parametrize("streams", ["2>&- <&-", ""])
def test_the_command_serves_wherever_it_is_started(workers, number, streams):
    # /proc takes no files, not even from root; setsid leaves the terminal.
    home = "/proc" if Path("/proc/self").exists() else "/nonexistent"
    source = str(Path(numcnn.__file__).parent.parent)
    environment = {**os.environ, "PYTHONPATH": source, "HOME": home}
    command = f'exec "$0" -m numcnn serve --port 0 --workers {workers} {streams}'
    with subprocess.Popen(
        ["sh", "-c", command, sys.executable],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
        start_new_session=True,
    ) as process:
        try:
            url = process.stdout.readline().split()[3]
            assert read(url).json()["text"] == "4"
            process.send_signal(number)
            _, errors = process.communicate(timeout=30)
            assert process.returncode == (130 if number == signal.SIGINT else 0)
            assert "Traceback" not in errors
        finally:
            process.kill()
