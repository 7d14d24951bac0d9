"""Drawn strokes to test with: digits made of lines, on paper of any color."""

import io

import numpy as np
from PIL import Image, ImageDraw

# Corners of each digit in a box of 1 x 2.
SHAPES = {
    "0": [[(0, 0), (1, 0), (1, 2), (0, 2), (0, 0)]],
    "1": [[(0.5, 0), (0.5, 2)]],
    "2": [[(0, 0), (1, 0), (1, 1), (0, 1), (0, 2), (1, 2)]],
    "4": [[(0, 0), (0, 1), (1, 1)], [(1, 0), (1, 2)]],
    "5": [[(1, 0), (0, 0), (0, 1), (1, 1), (1, 2), (0, 2)]],
    "7": [[(0, 0), (1, 0), (0.4, 2)]],
}


def draw(size, strokes, width=8, paper="white", ink="black", mode="RGB"):
    """Draw lines, smooth ones: twice as large, then reduced."""
    image = Image.new(mode, (2 * size[0], 2 * size[1]), paper)
    pen = ImageDraw.Draw(image)
    for points in strokes:
        pen.line([(2 * x, 2 * y) for x, y in points], ink, 2 * width, joint="curve")
    return image.resize(size, Image.Resampling.BOX)


def write(text, x, y, height=80, step=80):
    """The strokes of digits in a row, of the given height, each ``step`` after the one before."""
    return [
        [(x + step * place + px * height / 2, y + py * height / 2) for px, py in points]
        for place, digit in enumerate(text)
        for points in SHAPES[digit]
    ]


def encode(image, kind="PNG", **options):
    """Return a file's content."""
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def noisy(image, sigma, seed=0):
    """Add a camera's noise."""
    pixels = np.asarray(image).astype(float)
    pixels = pixels + sigma * np.random.default_rng(seed).normal(size=pixels.shape)
    return np.clip(pixels, 0, 255).astype(np.uint8)
