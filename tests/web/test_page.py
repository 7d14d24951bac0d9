"""The page in a real browser: Chromium, if there is one."""

import base64
import contextlib
import itertools
from urllib.parse import urlsplit

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Error, expect

from benchmarks.chromium import CHROMIUM, launched
from numcnn.data import load
from numcnn.features import layer_outputs
from numcnn.handwriting.reader import Reader
from tests.web.pictures import STROKES, board, file
from tests.web.running import running

LAYERS = 1 + len(layer_outputs(Reader().model_file.model, np.zeros((28, 28, 1), np.uint8)))
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium here"),
]

# Milliseconds: on a machine that has other work, a page that is right may take long.
expect.set_options(timeout=30_000)


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    return tmp_path_factory.mktemp("kept") / "wrong"


@pytest.fixture(scope="module")
def server(kept):
    with running(collect=kept) as found:
        yield found


@pytest.fixture(scope="module")
def browser():
    with launched() as browser:
        yield browser


@pytest.fixture
def opened(browser, server):
    """Opens the page; at the end, nothing may have gone wrong in it or left this machine."""
    contexts, troubles = [], []

    def open_page(**options):
        context = browser.new_context(**options)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.on(
            "console",
            lambda said: troubles.append(said.text) if said.type in ("error", "warning") else None,
        )
        page.on("request", lambda request: hosts.add(urlsplit(request.url).netloc))
        page.goto(server.url)
        return page

    hosts = set()
    yield open_page
    for context in contexts:
        context.close()
    assert troubles == []
    assert hosts == {urlsplit(server.url).netloc}


def points(page, name, place=0, of=1):
    """The strokes of a digit, in the page's pixels."""
    box = page.locator("#paper").bounding_box()
    high = box["height"] * (0.7 if of == 1 else 0.5)
    left = box["x"] + box["width"] * (place + 0.5) / of - high * 0.3
    top = box["y"] + (box["height"] - high) / 2
    return [
        [(left + x / 100 * high, top + y / 100 * high) for x, y in stroke]
        for stroke in STROKES[name]
    ]


def draw(page, name, place=0, of=1):
    for stroke in points(page, name, place, of):
        page.mouse.move(*stroke[0])
        page.mouse.down()
        for point in stroke[1:]:
            page.mouse.move(*point, steps=8)
        page.mouse.up()


@pytest.mark.parametrize("name", list(STROKES))
def test_strokes_of_a_mouse_are_read(opened, name):
    page = opened()
    expect(page.locator("#number")).to_have_text("Nothing yet")
    draw(page, name)
    expect(page.locator("#number")).to_have_text(name)
    expect(page.locator("#bars li.best")).to_contain_text(name)
    expect(page.locator("#note")).to_contain_text("sure")


def test_strokes_of_a_finger_are_read_and_do_not_scroll(opened):
    page = opened(**PHONE)
    page.evaluate("scrollTo(0, 40)")
    touch = page.context.new_cdp_session(page)

    def send(kind, *at):
        fingers = [{"x": x, "y": y} for x, y in at]
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": fingers})

    for stroke in points(page, "7"):
        send("touchStart", stroke[0])
        for (ax, ay), (bx, by) in itertools.pairwise(stroke):
            for k in range(1, 9):
                send("touchMove", (ax + (bx - ax) * k / 8, ay + (by - ay) * k / 8))
        send("touchEnd")
    expect(page.locator("#number")).to_have_text("7")
    assert page.evaluate("scrollY") == 40


def test_several_digits_have_boxes_and_can_be_chosen(opened):
    page = opened()
    for place, name in enumerate("174"):
        draw(page, name, place, 3)
    expect(page.locator("#number")).to_have_text("174")
    expect(page.locator(".box")).to_have_count(3)
    assert page.locator(".box").all_inner_texts() == ["1", "7", "4"]
    page.locator("#things button").first.click()
    expect(page.locator("#bars li.best")).to_contain_text("1")


def test_undo_redo_clear_and_erase(opened):
    page = opened()
    number = page.locator("#number")
    draw(page, "1", 0, 2)
    draw(page, "7", 1, 2)
    expect(number).to_have_text("17")
    page.locator("#undo").click()
    expect(number).to_have_text("1")
    page.locator("#redo").click()
    expect(number).to_have_text("17")
    page.locator("#clear").click()
    expect(number).to_have_text("Nothing yet")
    expect(page.locator(".box")).to_have_count(0)
    page.keyboard.press("Control+z")
    expect(number).to_have_text("17")
    page.locator("#width").fill("40")
    page.locator("#erase").click()
    draw(page, "7", 1, 2)
    expect(number).to_have_text("1")


def test_the_keyboard_draws(opened):
    page = opened()
    page.locator("#paper").focus()
    page.keyboard.press("Space")
    for _ in range(20):
        page.keyboard.press("ArrowDown")
    page.keyboard.press("Space")
    expect(page.locator("#number")).to_have_text("1")


def test_what_is_no_digit_is_told(opened):
    page = opened()
    page.get_by_role("button", name="Example A").click()
    expect(page.locator("#number")).to_have_text("Not a digit")
    expect(page.locator("#note")).to_contain_text("Rejected")


def test_examples_are_read(opened):
    page = opened()
    for text in ("3", "7", "4071", "256"):
        page.get_by_role("button", name=f"Example {text}", exact=True).click()
        expect(page.locator("#number")).to_have_text(text)


def test_a_picture_is_dropped_chosen_or_pasted(opened):
    page = opened()
    number = page.locator("#number")
    code = """(data) => {
        const transfer = new DataTransfer();
        const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
        transfer.items.add(new File([bytes], "digit.png", { type: "image/png" }));
        return transfer;
    }"""
    transfer = page.evaluate_handle(code, base64.b64encode(file(board("74"))).decode())
    page.dispatch_event("#board", "drop", {"dataTransfer": transfer})
    expect(number).to_have_text("74")
    page.locator("#choose").set_input_files(
        {"name": "x.png", "mimeType": "image/png", "buffer": file(board("41", (2400, 300)))}
    )
    expect(number).to_have_text("41")
    transfer = page.evaluate_handle(code, base64.b64encode(file(board("17"))).decode())
    page.evaluate(
        "(data) => dispatchEvent(new ClipboardEvent('paste', { clipboardData: data }))", transfer
    )
    expect(number).to_have_text("17")
    page.locator("#choose").set_input_files(
        {"name": "x.png", "mimeType": "image/png", "buffer": b"no picture"}
    )
    expect(page.locator("#note")).to_contain_text("no picture")


def test_a_late_answer_does_not_overwrite_a_newer_one(opened):
    page = opened()
    held = []

    def hold_the_first(route):
        if held:
            route.continue_()
        else:
            held.append(route)

    page.route("**/api/v1/read*", hold_the_first)
    draw(page, "7")
    page.wait_for_timeout(200)
    # One at a time: for all further strokes, the first answer is awaited.
    expect(page.locator("#number")).to_have_text("Nothing yet")
    page.locator("#clear").click()
    draw(page, "1")
    expect(page.locator("#number")).to_have_text("1")
    with contextlib.suppress(Error):  # the page has given this request up, as it should
        held[0].continue_()
    page.wait_for_timeout(300)
    expect(page.locator("#number")).to_have_text("1")


@pytest.mark.parametrize("layer", ["conv2d_1", "conv2d_2"])
def test_the_inspector_shows_the_sum_that_the_layer_computed(opened, layer):
    page = opened()
    answers = []
    page.on("response", lambda told: answers.append(told) if "/activations" in told.url else None)
    page.get_by_role("button", name="Example 7", exact=True).click()
    expect(page.locator("#number")).to_have_text("7")
    page.locator("#inside").scroll_into_view_if_needed()
    expect(page.locator(".layer")).to_have_count(LAYERS)
    page.wait_for_timeout(500)  # for a second answer, if one more stroke was read meanwhile
    shown = answers[-1].json()
    row = page.locator(".layer", has=page.get_by_role("heading", name=layer))
    maps = row.locator(".maps")
    maps.scroll_into_view_if_needed()
    maps.hover(position={"x": 30, "y": 28})
    total = page.locator("#cell .sum[data-sum]")
    expect(page.locator("#cell h3")).to_contain_text(f"{layer}: map 0, row ")
    words = page.locator("#cell h3").inner_text().replace(",", "").split()
    r, c = int(words[4]), int(words[6])
    output = next(each["output"] for each in shown["layers"] if each["name"] == layer)
    numbers = np.frombuffer(base64.b64decode(output["float32"]), "<f4").reshape(output["shape"])
    computed = float(numbers[r, c, 0])
    assert float(page.locator("#cell .value").get_attribute("data-value")) == computed
    model = Reader().model_file.model
    frame = np.frombuffer(base64.b64decode(shown["frame"]), np.uint8).reshape(28, 28, 1)
    again = dict(layer_outputs(model, frame))[layer]
    np.testing.assert_allclose(numbers, again, rtol=1e-4, atol=1e-4)
    summed = float(total.get_attribute("data-sum"))
    assert summed == pytest.approx(computed, rel=1e-4, abs=1e-5)
    assert page.locator("#cell table.grid").count() == 3
    products = page.get_by_role("table", name="The products").locator("td")
    height, width, *_ = dict(model.named_layers())[layer].params["weight"].shape
    assert products.count() == height * width
    maps.focus()
    page.keyboard.press("PageDown")
    expect(page.locator("#cell h3")).to_contain_text(f"{layer}: map 1, row {r}")


def test_every_layer_explains_its_cells(opened):
    page = opened()
    page.get_by_role("button", name="Example 3", exact=True).click()
    page.locator("#inside").scroll_into_view_if_needed()
    expect(page.locator(".layer")).to_have_count(LAYERS)
    for layer in page.locator(".layer").all():
        name = layer.locator("h3").evaluate("heading => heading.firstChild.textContent")
        layer.locator(".maps").focus()
        page.keyboard.press("ArrowRight")
        expect(page.locator("#cell h3")).to_contain_text(f"{name}: ")
        value = float(page.locator("#cell .value").get_attribute("data-value"))
        if name != "input":
            summed = page.locator("#cell .sum[data-sum]").get_attribute("data-sum")
            assert float(summed) == pytest.approx(value, rel=1e-4, abs=1e-4), name


def test_a_correction_is_kept_only_with_consent(opened, kept):
    page = opened()
    page.get_by_role("button", name="Example 7", exact=True).click()
    seven = page.get_by_role("button", name="It is a 7")
    expect(seven).to_be_disabled()
    assert list(kept.iterdir()) == []
    page.get_by_role("checkbox").check()
    seven.click()
    expect(page.locator("#kept")).to_contain_text("Kept as a 7; 1 in all")
    train = load(str(kept)).train
    assert train.classes == ("7",)
    assert train.images.shape == (1, 28, 28, 1)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("device", ["desktop", "phone"])
def test_axe_finds_nothing_serious(opened, scheme, device):
    page = opened(color_scheme=scheme, **(PHONE if device == "phone" else {}))
    for is_drawn in (False, True):
        if is_drawn:
            page.get_by_role("button", name="Example 4071").click()
            expect(page.locator("#number")).to_have_text("4071")
            page.locator("#inside").scroll_into_view_if_needed()
            page.locator(".layer .maps").nth(2).focus()
            page.keyboard.press("ArrowRight")
            expect(page.locator("#cell table")).not_to_have_count(0)
        found = Axe().run(page).response["violations"]
        assert [(each["id"], each["nodes"][0]["html"]) for each in found] == []


def test_a_phone_shows_all_of_the_page_without_scrolling_sideways(opened):
    page = opened(**PHONE)
    page.get_by_role("button", name="Example 4071").click()
    expect(page.locator("#number")).to_have_text("4071")
    page.locator("#inside").scroll_into_view_if_needed()
    expect(page.locator(".layer")).to_have_count(LAYERS)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
