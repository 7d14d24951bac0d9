"""Boxes, digits and their confidence, drawn onto the picture."""

from PIL import Image, ImageDraw, ImageFont

from numcnn.handwriting.reader.reading import Reading
from numcnn.handwriting.reader.thresholds import SURE
from numcnn.handwriting.vision import Picture

_READ, _UNSURE, _REJECTED = (0, 120, 60), (200, 110, 0), (200, 30, 30)  # RGB


def annotated(picture: Picture, reading: Reading) -> Image.Image:
    """Draw each digit's box with digit and confidence, and that of what was rejected with a ``?``.

    Args:
        picture: The picture that was read.
        reading: What was read.
    """
    image = Image.fromarray(picture.pixels)
    longest = max(image.size)
    if longest < 240:
        # Nothing can be written beside a digit of 28 pixels.
        factor = -(-240 // longest)
        larger = image.size[0] * factor, image.size[1] * factor
        image = image.resize(larger, Image.Resampling.NEAREST)
    draw = ImageDraw.Draw(image)
    across = image.size[0] / picture.original_size[0]
    down = image.size[1] / picture.original_size[1]
    line = max(1, round(max(image.size) / 400))
    marks = [
        (
            digit.box,
            f"{digit.digit} {min(digit.confidence, 0.99):.0%}",  # nothing is certain
            _READ if digit.confidence >= SURE else _UNSURE,
        )
        for digit in reading.digits
    ]
    marks += [(remark.box, "?", _REJECTED) for remark in reading.remarks]
    for (x, y, width, height), text, color in marks:
        left, top = x * across, y * down
        right, bottom = left + width * across - 1, top + height * down - 1
        draw.rectangle((left, top, max(left, right), max(top, bottom)), outline=color, width=line)
        size = min(max(11, (bottom - top) / 5), max(11, 0.05 * max(image.size)))
        font = ImageFont.load_default(size)
        place = draw.textbbox((0, 0), text, font)
        x_text = min(max(0, left), max(0, image.size[0] - place[2] - 4))
        y_text = (
            top - place[3] - 3 if top > place[3] + 3 else min(bottom, image.size[1]) - place[3] - 3
        )
        draw.rectangle(
            (x_text, y_text, x_text + place[2] + 3, y_text + place[3] + 2), fill=(255, 255, 255)
        )
        draw.text((x_text + 2, y_text), text, color, font)
    return image
