"""How long it takes from opening the drawing board to its first answer, in Chromium.

    python -m benchmarks.first_answer

A 7 is drawn as soon as there is a board, by a hand that needs no time. Each opening is in a browser
that has nothing of the page kept from before.
"""

import argparse
import statistics
import time

from playwright.sync_api import Browser

from benchmarks.chromium import CHROMIUM, launched
from benchmarks.serving import running

SIZES = {"desktop": (1280, 800), "phone": (390, 844)}
SEVEN = ((0.38, 0.2), (0.62, 0.2), (0.48, 0.8))
# Looked at in every frame; Playwright's own expectations look a few times a second.
SAYS = "said => document.querySelector('#number').textContent.trim() === said"


def first_answer(browser: Browser, url: str, size: tuple[int, int]) -> float:
    """Open the page, draw a 7, and see it read: in seconds."""
    context = browser.new_context(viewport={"width": size[0], "height": size[1]})
    page = context.new_page()
    start = time.perf_counter()
    page.goto(url, wait_until="commit")
    box = page.locator("#paper").bounding_box()
    assert box is not None
    page.wait_for_function(SAYS, arg="Nothing yet")
    x, y, side = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2, box["height"]
    for place, (across, down) in enumerate(SEVEN):
        page.mouse.move(x + (across - 0.5) * side, y + (down - 0.5) * side, steps=4)
        if place == 0:
            page.mouse.down()
    page.mouse.up()
    page.wait_for_function(SAYS, arg="7")
    taken = time.perf_counter() - start
    context.close()
    return taken


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--repeats", type=int, default=15, help="how often to open the page")
    options = parser.parse_args()
    if CHROMIUM is None:
        parser.error("Chromium is not installed; on Debian: apt-get install chromium")
    with running(1) as (url, _), launched() as browser:
        for name, size in SIZES.items():
            first_answer(browser, url, size)  # Chromium itself starts its helpers.
            times = [first_answer(browser, url, size) for _ in range(options.repeats)]
            median, longest = statistics.median(times), max(times)
            print(f"{name}: median {median:.2f} s, longest {longest:.2f} s", flush=True)


if __name__ == "__main__":
    main()
