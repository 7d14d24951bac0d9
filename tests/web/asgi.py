"""ASGI applications called directly, without a server and without a client."""

import asyncio
from collections.abc import Iterable

from starlette.types import ASGIApp, Message, Scope


def scope(path: str = "/", method: str = "GET", client: str = "10.0.0.1", **headers: str) -> Scope:
    """The scope of a request."""
    return {
        "type": "http",
        "method": method,
        "path": path,
        "query_string": b"",
        "headers": [
            (name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()
        ],
        "client": (client, 1234),
    }


def receiver(chunks: Iterable[bytes] = ()):
    """Receives a body in these chunks; afterwards the client stays connected."""
    messages = [{"type": "http.request", "body": chunk, "more_body": True} for chunk in chunks]
    messages.append({"type": "http.request", "body": b"", "more_body": False})
    rest = iter(messages)

    async def receive() -> Message:
        message = next(rest, None)
        return message or await asyncio.Future()

    return receive


async def call(app: ASGIApp, request: Scope) -> tuple[int, dict[str, str], bytes]:
    """Call an application; return the status, headers and body of its response."""
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async with asyncio.timeout(5):
        await app(request, receiver(), send)
    starts = [message for message in sent if message["type"] == "http.response.start"]
    assert len(starts) == 1
    headers = {name.decode().lower(): value.decode() for name, value in starts[0]["headers"]}
    return starts[0]["status"], headers, b"".join(message.get("body", b"") for message in sent)
