"""The settings of the application, among them its limits."""

import math
import re
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import final


@final
@dataclass(frozen=True)
class Limits:
    """Limits on requests, for each process. What exceeds one is answered with an error.

    Attributes:
        max_body_bytes: The size of a request body; 413 beyond.
        max_total_body_bytes: The size of all request bodies in memory at the same time; 503 beyond.
        max_pixels: The size of a picture, in pixels; 413 beyond.
        body_timeout: Seconds in which a body must arrive; 408 beyond. Also how long a client may
            leave a response unread; the connection is closed beyond.
        header_timeout: Seconds in which a request's headers must arrive; the connection is closed
            beyond.
        request_timeout: Seconds that a picture may wait and be computed; 503 beyond, and the
            computation stops.
        fast_timeout: Seconds after which a picture counts as slow: its computation stops and starts
            again among the slow ones, so that they do not delay the others.
        max_concurrency: How many pictures are computed at the same time, without the slow ones.
        max_slow_concurrency: How many slow pictures are computed beside them.
        max_queued: How many more pictures may wait; 429 beyond.
        max_requests: How many requests may be in progress, including those whose body is still
            arriving; 503 beyond.
        max_client_share: The part of ``max_total_body_bytes``, ``max_concurrency``,
            ``max_slow_concurrency``, ``max_queued`` and ``max_requests`` that one client (an
            address) may use, at least one unit of each, so that others are served, too; at most 1.
        max_feedback: How many pictures are kept with ``--collect``; 503 beyond.
    """

    max_body_bytes: int = 16_000_000
    max_total_body_bytes: int = 256_000_000
    max_pixels: int = 25_000_000
    body_timeout: float = 20.0
    header_timeout: float = 10.0
    request_timeout: float = 20.0
    fast_timeout: float = 1.0
    max_concurrency: int = 3
    max_slow_concurrency: int = 2
    max_queued: int = 96
    max_requests: int = 192
    max_client_share: float = 0.75
    max_feedback: int = 100_000

    def __post_init__(self) -> None:
        for each in fields(self):
            value = getattr(self, each.name)
            is_number = isinstance(value, int | float) and not isinstance(value, bool)
            if not is_number or not math.isfinite(value) or value <= 0:
                raise ValueError(f"{each.name} is {value!r}; give a number above 0")
        if self.max_client_share > 1:
            raise ValueError(
                f"max_client_share is {self.max_client_share!r}; give a number above 0 and at "
                "most 1"
            )


def is_root_path(path: str) -> bool:
    """Whether it is a path below which an application may be shown, such as ``/digits``."""
    return re.fullmatch(r"(/[\w.~-]{1,100}){1,10}", path) is not None


@final
@dataclass(frozen=True)
class Settings:
    """The settings of the application.

    Attributes:
        model: The reader's model file; None for the one that comes with the package.
        collect: The folder for pictures that users report as read wrongly; None to keep none.
        root_path: Where a proxy shows the application, such as "/digits"; "" for the top. The page
            needs none; links in the API's description do.
        allowed_origins: Origins whose pages may call the API, such as "https://school.example"; "*"
            for all.
        allowed_embedders: Origins whose pages may show this one in a frame.
        allowed_hosts: Names under which the server is asked, such as "digits.example". If there are
            any, other requests are refused; if there are none, only keeping pictures is refused
            under names that are no address of a machine: a foreign page whose name is pointed at
            this machine (DNS rebinding) could fill the folder.
        limits: The limits on requests.
    """

    model: Path | None = None
    collect: Path | None = None
    limits: Limits = field(default_factory=Limits)
    root_path: str = ""
    allowed_origins: tuple[str, ...] = ()
    allowed_embedders: tuple[str, ...] = ()
    allowed_hosts: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.root_path and not is_root_path(self.root_path):
            raise ValueError(f"root_path is {self.root_path!r}; give a path such as /digits")
        for name in ("allowed_origins", "allowed_embedders"):
            for origin in getattr(self, name):
                if origin != "*" and not re.fullmatch(r"https?://[\w.-]+(:\d{1,5})?", origin):
                    raise ValueError(
                        f"{name} holds {origin!r}; give an origin such as https://school.example"
                    )
        for host in self.allowed_hosts:
            if not re.fullmatch(r"[\w.-]+|\[[0-9a-fA-F:.]+\]", host):
                raise ValueError(
                    f"allowed_hosts holds {host!r}; give a name without a port, such as "
                    "digits.example"
                )
