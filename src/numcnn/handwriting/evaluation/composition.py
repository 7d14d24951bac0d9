"""Lines of digits composed from single ones: the ink alone, without paper."""

import numpy as np
from PIL import Image
from scipy import ndimage

from numcnn.handwriting.evaluation.writers import Ink, Writer
from numcnn.handwriting.frame import cropped
from numcnn.handwriting.vision import Box

DIGIT = 160  # pixels of the longer side of a digit as it is drawn
_NOWHERE = 10**6


def compose(
    writer: Writer,
    rng: np.random.Generator,
    lines: list[int],
    *,
    stroke: tuple[float, float] = (-4, 6),
    spacing: str = "spaced",
    rotation: float = 5.0,
) -> tuple[Ink, list[str], list[Box]]:
    """Write lines of so many digits each.

    Args:
        writer: Who writes.
        rng: The random generator.
        lines: How many digits each line has.
        stroke: From which range the pen's width comes, see `Writer`.
        spacing: "spaced", "tight" (nearer than a box's width, not touching), or "touching" (every
            second digit touches the one before).
        rotation: The standard deviation of each digit's angle in degrees.

    Returns:
        The ink without a margin, the lines as text, and the digits' boxes.
    """
    width_offset = rng.uniform(*stroke)
    placed: list[tuple[int, int, Ink]] = []
    texts = []
    top = 0.0
    for count in lines:
        text = ""
        end = np.full(2 * DIGIT, -_NOWHERE)  # the rightmost ink so far at each height
        x = 0
        for position in range(count):
            size = round(DIGIT * rng.uniform(0.85, 1.1))
            label, ink = writer.write(rng, size, width_offset)
            text += label
            ink = turned(ink, rng.normal(0, rotation))
            drop = max(0, round(DIGIT - ink.shape[0] / 2 + rng.normal(0, 6)))
            drop = min(drop, 2 * DIGIT - ink.shape[0])
            here = slice(drop, drop + ink.shape[0])
            is_ink = ink > 0.5
            first = np.where(is_ink.any(axis=1), is_ink.argmax(axis=1), _NOWHERE)
            if position:
                # As near as the outlines allow, then apart by the gap.
                near = int((end[here] - first).max())
                box_end = placed[-1][1] + placed[-1][2].shape[1]
                if spacing == "touching" and rng.random() < 0.5:
                    x = near - int(rng.integers(2, 8))
                elif spacing != "spaced":
                    x = max(near + int(rng.integers(8, 20)), box_end - 15)
                else:
                    x = max(near, box_end) + int(rng.integers(25, 90))
            placed.append((round(top) + drop, x, ink))
            last = x + ink.shape[1] - is_ink[:, ::-1].argmax(axis=1)
            end[here] = np.maximum(end[here], np.where(is_ink.any(axis=1), last, -_NOWHERE))
            # A digit must not slip into the space above or below the one before the last.
            end = np.maximum(end, x)
        texts.append(text)
        top += DIGIT * rng.uniform(1.5, 1.9)
    left, high = min(x for _, x, _ in placed), min(y for y, _, _ in placed)
    right = max(x + ink.shape[1] for _, x, ink in placed)
    low = max(y + ink.shape[0] for y, _, ink in placed)
    page = np.zeros((low - high, right - left))
    boxes = []
    for y, x, ink in placed:
        spot = page[y - high : y - high + ink.shape[0], x - left : x - left + ink.shape[1]]
        np.maximum(spot, ink, out=spot)
        boxes.append((x - left, y - high, ink.shape[1], ink.shape[0]))
    return page, texts, boxes


def turned(ink: Ink, degrees: float) -> Ink:
    """Rotate ink about its middle, on a frame that holds all of it."""
    result = np.clip(ndimage.rotate(ink, degrees, order=1), 0, 1)
    return cropped(result, 0.05)


def scaled(ink: Ink, factor: float) -> Ink:
    """Make ink smaller or larger."""
    size = max(8, round(ink.shape[1] * factor)), max(8, round(ink.shape[0] * factor))
    how = Image.Resampling.BOX if factor < 1 else Image.Resampling.BICUBIC
    return np.clip(np.asarray(Image.fromarray(ink.astype(np.float32)).resize(size, how)), 0, 1)


def on_sheet(
    ink: Ink, boxes: list[Box], rng: np.random.Generator, margin: tuple[float, float]
) -> tuple[Ink, list[Box]]:
    """Put ink somewhere on an empty sheet; margins as shares of a digit's size."""
    left, right, top, bottom = (round(DIGIT * rng.uniform(*margin)) for _ in range(4))
    sheet = np.pad(ink, ((top, bottom), (left, right)))
    return sheet, [(x + left, y + top, w, h) for x, y, w, h in boxes]


def scaled_boxes(boxes: list[Box], factor: float) -> list[Box]:
    """Make boxes smaller or larger."""
    return [
        (round(x * factor), round(y * factor), round(w * factor), round(h * factor))
        for x, y, w, h in boxes
    ]
