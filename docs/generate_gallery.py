"""Draw the pictures of docs/gallery.md: what the reader makes of generated handwriting.

    python docs/generate_gallery.py --data-dir DIR

The digits are MNIST's test images, which neither the network nor any setting has seen. Failures are
all that occur among so many pictures, the first ones, not chosen ones.
"""

import argparse
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from numcnn.handwriting.evaluation import load_writer, samples
from numcnn.handwriting.reader import Reader, Reading
from numcnn.handwriting.vision import load_picture

ROOT = Path(__file__).parent.parent
SEED, PICTURES = 2, 480  # of all kinds; of each condition the first that is read rightly is shown
MOST_FAILURES = 32
CELL, PICTURE, COLUMNS = (236, 184), (228, 144), 4
READ, REJECTED, GRAY = (0, 120, 60), (200, 30, 30), (90, 90, 90)


def main() -> None:
    """Read pictures of all kinds, draw a sheet of each kind and one of failures."""
    parser = argparse.ArgumentParser(prog="python docs/generate_gallery.py")
    parser.add_argument("--data-dir")
    arguments = parser.parse_args()
    reader = Reader()
    shown: dict[str, dict[str, Image.Image]] = {}
    counts: dict[str, list[bool]] = {}
    failures: list[Image.Image] = []
    for kind, sample in samples(load_writer(arguments.data_dir, "test"), PICTURES, SEED):
        reading = reader.read(sample.content)
        wanted = "\n".join(sample.lines)
        name = sample.condition
        is_right = reading.text == wanted
        counts.setdefault(kind, []).append(is_right)
        cells = shown.setdefault(kind, {})
        if not is_right:
            failures.append(cell(sample.content, reading, name, wanted or "nothing"))
        elif name.partition(",")[0] not in cells:
            cells[name.partition(",")[0]] = cell(sample.content, reading, name)
    for kind, cells in shown.items():
        save(list(cells.values()), kind)
    save(failures[:MOST_FAILURES], "failures")
    for kind, answers in counts.items():
        print(f"{kind}: {sum(answers)} of {len(answers)}")
    print(f"failures: {len(failures)}, of which {len(failures[:MOST_FAILURES])} are shown")


def cell(content: bytes, reading: Reading, name: str, wanted: str = "") -> Image.Image:
    """Draw a picture with the boxes in it, and below it what was read."""
    picture = load_picture(content)
    image = Image.fromarray(picture.pixels)
    marks = [(picture.to_working(digit.box), READ) for digit in reading.digits]
    marks += [(picture.to_working(remark.box), REJECTED) for remark in reading.remarks]
    # Of a large picture with little in it, that part.
    boxes = [(x, y, x + w, y + h) for (x, y, w, h), _ in marks] or [(0, 0, *image.size)]
    left, top = (min(box[side] for box in boxes) for side in (0, 1))
    right, bottom = (max(box[side] for box in boxes) for side in (2, 3))
    margin = max(30, round(0.35 * max(bottom - top, 0.4 * (right - left))))
    frame = (
        *(max(0, left - margin), max(0, top - margin)),
        *(min(image.width, right + margin), min(image.height, bottom + margin)),
    )
    image = image.crop(frame)
    scale = min(PICTURE[0] / image.width, PICTURE[1] / image.height)
    size = max(1, round(scale * image.width)), max(1, round(scale * image.height))
    image = image.resize(size, Image.Resampling.LANCZOS)
    draw = ImageDraw.Draw(image)
    for (x, y, w, h), color in marks:
        corners = [scale * (x - frame[0]), scale * (y - frame[1])]
        corners += [scale * (x + w - frame[0]) - 1, scale * (y + h - frame[1]) - 1]
        draw.rectangle(corners, outline=color, width=2)
    result = Image.new("RGB", CELL, "white")
    result.paste(image, ((CELL[0] - size[0]) // 2, (PICTURE[1] - size[1]) // 2))
    draw, font = ImageDraw.Draw(result), ImageFont.load_default(13)
    said = reading.text.replace("\n", " / ") or "nothing read"
    if len(reading.digits) == 1:
        said += f"  ({min(reading.digits[0].confidence, 0.99):.0%})"
    elif not reading.digits:
        said += f": {reading.remarks[0].reason}"
    if wanted:
        said += f"   written: {wanted}".replace("\n", " / ")
    draw.text((4, PICTURE[1] + 3), name, GRAY, font)
    draw.text((4, PICTURE[1] + 19), said, REJECTED if wanted else READ, font)
    return result


def save(cells: list[Image.Image], name: str) -> None:
    """Put cells into rows, and write them as one picture."""
    rows = -(-len(cells) // COLUMNS)
    sheet = Image.new("RGB", (COLUMNS * CELL[0], rows * CELL[1]), "white")
    for place, image in enumerate(cells):
        sheet.paste(image, (place % COLUMNS * CELL[0], place // COLUMNS * CELL[1]))
    sheet.save(ROOT / "docs" / "images" / f"gallery-{name}.webp", quality=72, method=6)


if __name__ == "__main__":
    main()
