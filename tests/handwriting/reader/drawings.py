"""Digits as a mouse draws them on a web page, and pictures of them."""

import numpy as np
from PIL import Image, ImageDraw

# In a box of 100 x 160, as strokes.
_DIGITS = {
    "0": [
        [(50, 0), (15, 25), (0, 80), (12, 135), (50, 160), (85, 135), (100, 80), (85, 25), (50, 0)]
    ],
    "1": [[(40, 0), (45, 80), (42, 160)]],
    "2": [[(5, 40), (20, 10), (50, 0), (85, 15), (90, 50), (60, 95), (5, 158), (100, 155)]],
    "3": [
        [(8, 15), (45, 0), (85, 20), (80, 55), (40, 75), (85, 90), (95, 125), (60, 158), (5, 148)]
    ],
    "4": [[(15, 0), (5, 85), (95, 82)], [(72, 20), (70, 160)]],
    "5": [[(90, 3), (20, 0), (12, 65), (60, 62), (92, 95), (80, 140), (40, 160), (3, 148)]],
    "6": [[(70, 0), (25, 45), (5, 105), (25, 152), (65, 156), (88, 120), (60, 88), (12, 110)]],
    "7": [[(0, 5), (95, 0), (60, 70), (35, 160)]],
    "8": [
        [(85, 25), (50, 0), (12, 25), (25, 60), (75, 95), (88, 130), (50, 160)],
        [(50, 160), (12, 132), (25, 95), (75, 58), (85, 25)],
    ],
    "9": [[(90, 30), (50, 0), (10, 30), (20, 70), (60, 78), (90, 40), (85, 100), (70, 160)]],
}


def digit(text, x, y, size):
    """The strokes of a digit whose box begins at x, y and is so many pixels high."""
    scale = size / 160
    return [[(x + scale * px, y + scale * py) for px, py in line] for line in _DIGITS[text]]


def board(drawings, pen=14, paper="white", ink="black", size=(280, 280), shift=0):
    """Draw with a round pen, smoothly; each drawing by so much further to the right."""
    image = Image.new("RGB", (2 * size[0], 2 * size[1]), paper)
    draw = ImageDraw.Draw(image)
    for place, strokes in enumerate(drawings):
        for line in strokes:
            points = [(2 * (x + place * shift), 2 * y) for x, y in line]
            draw.line(points, ink, 2 * pen, joint="curve")
            for x, y in points:
                draw.ellipse((x - pen, y - pen, x + pen, y + pen), ink)
    return image.resize(size, Image.Resampling.BOX)


def page(lines):
    """Several lines of digits."""
    drawings = [
        digit(text, 40 + 95 * column, 40 + 150 * row, 90)
        for row, line in enumerate(lines)
        for column, text in enumerate(line)
    ]
    return board(drawings, 8, size=(120 + 95 * max(map(len, lines)), 60 + 150 * len(lines)))


def amount(text, step=40, height=48):
    """A number on paper with printed waves, as on a cheque; its digits overlap if the step is low.

    A dot in the text is drawn as one.
    """
    x, strokes = 14, []
    for symbol in text:
        if symbol == ".":
            strokes.append([[(x - 2, 74), (x - 1, 74)]])
            x += 10
        else:
            strokes.append(digit(symbol, x, 8, 66))
            x += step
    ink = 1 - np.asarray(board(strokes, 4, size=(x + 14, 84)).convert("L")) / 255
    rows, columns = np.mgrid[: ink.shape[0], : ink.shape[1]]
    paper = 205 - 22 * (np.sin((rows + 4 * np.sin(columns / 23)) * 0.9) > 0.2)
    image = Image.fromarray((paper * (1 - 0.55 * ink)).astype(np.uint8))
    return image.resize((round(image.width * height / image.height), height), Image.Resampling.BOX)


def photograph(image, seed=0):
    """Put a drawing into uneven light, and in front of a noisy camera."""
    rng = np.random.default_rng(seed)
    pixels = np.asarray(image).astype(float)
    down, right = np.mgrid[0 : 1 : pixels.shape[0] * 1j, 0 : 1 : pixels.shape[1] * 1j]
    light = 0.85 - 0.35 * right - 0.15 * down
    light = np.where(right > 0.6 + 0.1 * down, 0.7 * light, light)
    noisy = (0.25 * 255 + 0.75 * pixels) * light[..., None] + rng.normal(0, 4, pixels.shape)
    return Image.fromarray(np.clip(noisy, 0, 255).astype(np.uint8))
