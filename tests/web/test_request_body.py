import asyncio
import json

import numpy as np
import pytest
from fastapi import Request

from numcnn.web.errors import ProblemError
from numcnn.web.request_body import RequestBody, RequestBodyReader
from numcnn.web.settings import Limits
from tests.web.asgi import receiver, scope

PNG = "image/png"
FORM = "multipart/form-data; boundary=x"


async def received(reader, chunks=(b"abc",), client="a", **headers):
    """The body that a reader receives."""
    request = Request(scope(**{"content_type": PNG, **headers}), receiver(chunks))
    async with reader.receive(request, client) as body:
        return body


def refused(status, *arguments, limits=None, **named):
    """The error of a reader, which must have this status and keep no byte in memory."""
    reader = RequestBodyReader(limits or Limits())
    with pytest.raises(ProblemError) as error:
        asyncio.run(received(reader, *arguments, **named))
    assert error.value.status == status
    assert reader._bytes.used == 0
    return error.value


def body(content, content_type):
    return RequestBody(content_type.partition(";")[0], content_type, content)


def part(name, content, filename=""):
    attribute = f'; filename="{filename}"' if filename else ""
    head = f'--x\r\nContent-Disposition: form-data; name="{name}"{attribute}\r\n\r\n'
    return head.encode() + content + b"\r\n"


def test_the_chunks_are_joined_and_the_media_type_is_normalized():
    found = asyncio.run(
        received(RequestBodyReader(Limits()), [b"ab", b"", b"c"], content_type="IMAGE/PNG ; q=1")
    )
    assert found == RequestBody("image/png", "IMAGE/PNG ; q=1", b"abc")


def test_a_body_may_be_as_large_as_the_limit_and_no_larger():
    limits = Limits(max_body_bytes=6)
    asyncio.run(received(RequestBodyReader(limits), [b"abc", b"def"]))
    assert refused(413, [b"abc", b"defg"], limits=limits).headers == {"Connection": "close"}


def test_a_content_length_beyond_the_limit_is_refused_before_the_body_arrives():
    refused(413, [], limits=Limits(max_body_bytes=6), content_length="7")


def test_a_body_that_does_not_arrive_in_time_is_refused():
    async def main():
        async def receive():
            await asyncio.sleep(5)

        reader = RequestBodyReader(Limits(body_timeout=0.02))
        with pytest.raises(ProblemError, match=r"within 0\.02 seconds") as error:
            async with reader.receive(Request(scope(content_type=PNG), receive), "a"):
                pass
        assert error.value.status == 408

    asyncio.run(main())


def test_a_client_that_disconnects_gets_no_further():
    async def main():
        messages = iter(
            [
                {"type": "http.request", "body": b"abc", "more_body": True},
                {"type": "http.disconnect"},
            ]
        )

        async def receive():
            return next(messages)

        reader = RequestBodyReader(Limits())
        with pytest.raises(ProblemError) as error:
            async with reader.receive(Request(scope(content_type=PNG), receive), "a"):
                pass
        assert (error.value.status, reader._bytes.used) == (400, 0)

    asyncio.run(main())


def test_an_empty_body_is_refused():
    assert "empty" in refused(422, []).detail


@pytest.mark.parametrize("content_type", ["text/plain", "video/mp4", "imagepng"])
def test_an_unsupported_content_type_is_refused(content_type):
    assert "image/*" in refused(415, content_type=content_type).headers["Accept"]


def test_only_json_may_be_asked_for():
    async def main():
        request = Request(scope(content_type=PNG), receiver([b"abc"]))
        with pytest.raises(ProblemError) as error:
            async with RequestBodyReader(Limits()).receive(request, "a", only_json=True):
                pass
        assert (error.value.status, error.value.headers) == (415, {"Accept": "application/json"})

    asyncio.run(main())


def test_the_bytes_of_all_bodies_are_limited_while_they_are_in_use():
    async def main():
        reader = RequestBodyReader(Limits(max_total_body_bytes=10, max_client_share=0.6))
        request = Request(scope(content_type=PNG), receiver([b"12345"]))
        async with reader.receive(request, "a"):
            with pytest.raises(ProblemError) as error:
                await received(reader, [b"12"], "a")  # its share is 6
            assert (error.value.status, error.value.headers["Retry-After"]) == (503, "1")
            await received(reader, [b"12345"], "b")
            assert reader._bytes.used == 5
        assert reader._bytes.used == 0

    asyncio.run(main())


def test_a_file_is_its_own_content():
    assert body(b"abc", PNG).picture(Limits()) == b"abc"


def test_the_file_of_a_form_is_taken_whatever_its_field():
    content = part("note", b"7") + part("any", b"\x00\r\n--", "a.png")
    assert body(content + b"--x--\r\n", FORM).picture(Limits()) == b"\x00\r\n--"


def test_a_second_file_is_not_dropped_silently():
    content = part("any", b"1", "a.png") + part("b", b"2", "b.png") + b"--x--\r\n"
    with pytest.raises(ProblemError, match="2 files; send one a request"):
        body(content, FORM).picture(Limits())


@pytest.mark.parametrize(
    ("content", "content_type", "message"),
    [
        (b"none", "multipart/form-data", "no form"),
        (b"none", FORM, "no form"),
        (part("note", b"7") + b"--x--\r\n", FORM, "no file"),
        (part("any", b"", "a.png") + b"--x--\r\n", FORM, "is empty"),
        (part("f", b"7", "f") * 101 + b"--x--\r\n", FORM, "more than 100 parts"),
    ],
    ids=["no boundary", "no parts", "no file", "empty file", "many parts"],
)
def test_a_form_without_a_picture_is_refused(content, content_type, message):
    with pytest.raises(ProblemError, match=message) as error:
        body(content, content_type).picture(Limits())
    assert error.value.status == 422


@pytest.mark.parametrize("wrap", [lambda pixels: pixels, lambda pixels: {"pixels": pixels}])
def test_json_holds_gray_values_with_a_name_or_without(wrap):
    rows = np.arange(80).reshape(8, 10).tolist()
    picture = body(json.dumps(wrap(rows)).encode(), "application/json").picture(Limits())
    assert (picture.dtype, picture.tolist()) == (np.uint8, rows)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"{", "no JSON"),
        (b"[" * 100_000, "no JSON"),
        (b"\xff", "no JSON"),
        (b"[" + b"{}," * 1_000_000 + b"{}]", "more than 1000000 lists"),
        (b'{"pixels": [], "more": 1}', "nothing else"),
    ],
    ids=["incomplete", "nested", "not UTF-8", "many objects", "another field"],
)
def test_json_without_a_picture_is_refused(content, message):
    with pytest.raises(ProblemError, match=message) as error:
        body(content, "application/json").picture(Limits())
    assert error.value.status == 422
