"""The HTTP protocol: uvicorn's HTTP/1.1 with timeouts for slow clients."""

import asyncio
import socket
from typing import Any, final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from numcnn.web.settings import Limits


@final
class TimeoutProtocol(HttpToolsProtocol):
    """HTTP/1.1 that closes the connection of a client that is too slow.

    uvicorn alone would wait for ever for a request's headers, and for a response to be read.

    Attributes:
        header_timeout: Seconds in which a request's headers must arrive.
        response_timeout: Seconds that a response may stay unread.
    """

    header_timeout = Limits.header_timeout
    response_timeout = Limits.body_timeout

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Start without a timer."""
        super().__init__(*args, **kwargs)
        self._header_timer: asyncio.TimerHandle | None = None
        self._response_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start to wait for headers, and send small answers at once."""
        connection = transport.get_extra_info("socket")
        if connection is not None and connection.family in (socket.AF_INET, socket.AF_INET6):
            # asyncio does so only for sockets whose protocol number is TCP's, and that of a
            # listener that `socket.create_server` made is 0: an answer in two parts would wait
            # 40 ms for the client's delayed acknowledgment of the first.
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        super().connection_made(transport)
        self._start_header_timer()

    def on_message_begin(self) -> None:
        """Start to wait for headers, with the first byte of a further request."""
        if self._header_timer is None:
            self._start_header_timer()
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """The headers have arrived."""
        self._stop_header_timer()
        super().on_headers_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop all timers."""
        self._stop_header_timer()
        self._stop_response_timer()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """Start to wait for the client to read what was sent."""
        super().pause_writing()
        self._stop_response_timer()
        # Not close(), which would wait until all data are sent.
        self._response_timer = self.loop.call_later(self.response_timeout, self.transport.abort)

    def resume_writing(self) -> None:
        """The client has read what was sent."""
        self._stop_response_timer()
        super().resume_writing()

    def _start_header_timer(self) -> None:
        self._header_timer = self.loop.call_later(self.header_timeout, self._close)

    def _stop_header_timer(self) -> None:
        if self._header_timer is not None:
            self._header_timer.cancel()
            self._header_timer = None

    def _stop_response_timer(self) -> None:
        if self._response_timer is not None:
            self._response_timer.cancel()
            self._response_timer = None

    def _close(self) -> None:
        self._header_timer = None
        if not self.transport.is_closing():
            self.transport.close()
