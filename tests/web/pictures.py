"""Pictures of digits, as files and as gray values."""

import io

from PIL import Image, ImageDraw

STROKES = {
    "1": [[(30, 10), (30, 90)]],
    "4": [[(25, 10), (12, 55), (52, 55)], [(42, 20), (42, 92)]],
    "7": [[(10, 12), (50, 12), (24, 90)]],
}
"""Pen strokes on a field of 60 x 100."""


def board(text: str, size: tuple[int, int] = (400, 240), *, is_light: bool = False) -> Image.Image:
    """Digits next to each other, dark on white or light on black."""
    image = Image.new("L", size, 0 if is_light else 255)
    draw = ImageDraw.Draw(image)
    for place, name in enumerate(text):
        for stroke in STROKES[name]:
            points = [(40 + 100 * place + x * 1.2, 60 + y * 1.2) for x, y in stroke]
            draw.line(points, fill=255 if is_light else 0, width=11, joint="curve")
    return image


def small(text: str = "7") -> Image.Image:
    """A digit of 28 x 28 pixels, black on white."""
    return board(text).crop((30, 50, 126, 180)).resize((28, 28), Image.Resampling.LANCZOS)


def file(image: Image.Image, kind: str = "PNG") -> bytes:
    """An image as a file's content."""
    content = io.BytesIO()
    image.save(content, kind)
    return content.getvalue()
