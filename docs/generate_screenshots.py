"""Take the pictures of the drawing board for the README, in Chromium.

python -m docs.generate_screenshots
"""

import io
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page, expect

from benchmarks.chromium import launched
from benchmarks.serving import running

IMAGES = Path(__file__).parent / "images"
DESKTOP = {"viewport": {"width": 1280, "height": 1340}}
PHONE = {
    "viewport": {"width": 390, "height": 844},
    "device_scale_factor": 2,
    "has_touch": True,
    "is_mobile": True,
    "color_scheme": "dark",
}


def shown(browser: Browser, url: str, example: str, **options: object) -> Page:
    """The page with an example on the board, read."""
    page = browser.new_context(**options).new_page()
    page.goto(url)
    page.get_by_role("button", name=f"Example {example}", exact=True).click()
    expect(page.locator("#number")).to_have_text(example)
    return page


def save(page: Page, name: str) -> None:
    """Take a picture of what is in sight."""
    image = Image.open(io.BytesIO(page.screenshot()))
    image.convert("RGB").save(IMAGES / name, quality=85, method=6)
    print(IMAGES / name)


def main() -> None:
    """Serve, draw, and take the pictures."""
    with running(1) as (url, _), launched() as browser:
        page = shown(browser, url, "256", **DESKTOP)
        maps = page.locator(".layer .maps").nth(2)
        maps.hover(position={"x": 130, "y": 40})
        expect(page.locator("#cell table.grid")).to_have_count(3)
        page.mouse.move(5, 5)
        page.evaluate("scrollTo(0, 0)")
        page.wait_for_timeout(500)
        save(page, "board-desktop.webp")
        page = shown(browser, url, "4071", **PHONE)
        page.wait_for_timeout(500)
        save(page, "board-phone.webp")


if __name__ == "__main__":
    main()
