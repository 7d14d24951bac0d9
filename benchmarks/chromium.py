"""Chromium without a screen: for measuring, for screenshots, for tests."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, sync_playwright

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
"""Where it is; None where there is none."""


@contextmanager
def launched() -> Iterator[Browser]:
    """Start it, and end it afterwards."""
    arguments = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
    with (
        sync_playwright() as program,
        program.chromium.launch(executable_path=CHROMIUM, args=arguments) as browser,
    ):
        yield browser
