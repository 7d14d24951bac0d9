"""The settings of the application, and its limits."""

import math
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import final


@final
@dataclass(frozen=True)
class Limits:
    """What one request may take. What is beyond a limit gets an orderly answer that says so.

    Attributes:
        body_bytes: The largest body; 413 beyond.
        bodies_bytes: How much of bodies a process holds at the same time; 503 beyond.
        pixels: The largest picture, in pixels; 413 beyond.
        body_seconds: How long a body may take to arrive; 408 beyond. Also how long a client may
            leave an answer untaken; the connection is closed beyond.
        header_seconds: How long a request's head may take to arrive; the connection is closed
            beyond.
        seconds: How long a request may wait and compute; 503 beyond, and the computation stops.
        quick_seconds: After how long a picture counts as slow: its computation begins anew among
            the slow ones, so that others go on.
        at_once: How many pictures a process works on at the same time, of those that are not slow.
        slow_at_once: How many slow ones it works on beside them.
        waiting: How many more may wait for that; 429 beyond.
        in_hand: How many requests a process has in hand, such as bodies that arrive; 503 beyond.
        share: The part of ``bodies_bytes``, ``at_once``, ``slow_at_once``, ``waiting`` and
            ``in_hand`` that one client (an address) may take, but at least one place, so that there
            is room for others; at most 1.
        collected: How many pictures are kept with ``--collect``; 503 beyond.
    """

    body_bytes: int = 16_000_000
    bodies_bytes: int = 256_000_000
    pixels: int = 25_000_000
    body_seconds: float = 20.0
    header_seconds: float = 10.0
    seconds: float = 20.0
    quick_seconds: float = 1.0
    at_once: int = 3
    slow_at_once: int = 2
    waiting: int = 96
    in_hand: int = 192
    share: float = 0.75
    collected: int = 100_000

    def __post_init__(self) -> None:
        for each in fields(self):
            value = getattr(self, each.name)
            is_number = isinstance(value, int | float) and not isinstance(value, bool)
            if not is_number or not math.isfinite(value) or value <= 0:
                raise ValueError(f"{each.name} is {value!r}; give a number above 0")
        if self.share > 1:
            raise ValueError(f"share is {self.share!r}; give a number above 0 and at most 1")


@final
@dataclass(frozen=True)
class Settings:
    """How the application runs.

    Attributes:
        model: The reader's model file; the one that comes with the package if None.
        collect: The folder for pictures that were read wrongly; None to keep none.
        limits: What one request may take.
    """

    model: Path | None = None
    collect: Path | None = None
    limits: Limits = field(default_factory=Limits)
