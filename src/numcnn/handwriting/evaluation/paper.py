"""Photographs of ink: paper and its ruling, the desk below, uneven light, and a camera's noise."""

import numpy as np
from PIL import Image
from scipy import ndimage

from numcnn.handwriting.evaluation.composition import DIGIT
from numcnn.handwriting.evaluation.sample import saved

Color = tuple[float, float, float]


def smooth_field(shape: tuple[int, int], rng: np.random.Generator, cells: int) -> np.ndarray:
    """Make a smooth random field of about unit variance, with so many hills across."""
    coarse = rng.normal(size=(cells + 3, cells + 3)).astype(np.float32)
    size = shape[1], shape[0]
    return np.asarray(Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC))


def lit(shape: tuple[int, int], rng: np.random.Generator, depth: float) -> np.ndarray:
    """Make uneven light: a gradient, and in half of the cases the edge of a shadow."""
    y, x = np.mgrid[0 : 1 : shape[0] * 1j, 0 : 1 : shape[1] * 1j]
    angle = rng.uniform(0, 2 * np.pi)
    across = np.cos(angle) * (x - 0.5) + np.sin(angle) * (y - 0.5)
    light = 1 - depth * (across + 0.5) - depth / 3 * ((x - 0.5) ** 2 + (y - 0.5) ** 2)
    if rng.random() < 0.5:
        angle = rng.uniform(0, 2 * np.pi)
        across = np.cos(angle) * (x - 0.5) + np.sin(angle) * (y - 0.5)
        blur = rng.uniform(0.015, 0.08)
        light *= 1 - 0.8 * depth / (1 + np.exp(-(across - rng.uniform(-0.3, 0.3)) / blur))
    return light


def rule_lines(shape: tuple[int, int], rng: np.random.Generator, squared: bool) -> np.ndarray:
    """Draw the lines of ruled or squared paper, slightly turned."""
    step = rng.uniform(0.35, 0.6) * DIGIT if squared else rng.uniform(0.9, 1.5) * DIGIT
    y, x = np.mgrid[0 : shape[0], 0 : shape[1]].astype(np.float32)
    angle = np.radians(rng.normal(0, 1.2))
    width = rng.uniform(1.0, 2.2)

    def lines(along: np.ndarray) -> np.ndarray:
        away = np.abs((along + rng.uniform(0, step)) % step - step / 2)
        return np.clip(width / 2 - away + 0.5, 0, 1)

    drawn = lines(y * np.cos(angle) - x * np.sin(angle))
    return np.maximum(drawn, lines(x * np.cos(angle) + y * np.sin(angle))) if squared else drawn


def sheet_on_desk(shape: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """Say where the sheet is and where the desk around it, 1 to 0: some sides show the desk."""
    y, x = np.mgrid[0 : shape[0], 0 : shape[1]].astype(np.float32)
    sheet = np.ones(shape, np.float32)
    for side in range(4):
        if rng.random() < 0.5:
            slope = np.tan(np.radians(rng.normal(0, 3)))
            inward = (y, x, shape[0] - 1 - y, shape[1] - 1 - x)[side]
            along = (x - shape[1] / 2, y - shape[0] / 2)[side % 2]
            edge = rng.uniform(0.02, 0.09) * min(shape)
            sheet = np.minimum(sheet, np.clip(inward - edge - slope * along, 0, 1))
    return sheet


def photographed(
    ink: np.ndarray,
    rng: np.random.Generator,
    paper: Color,
    pen: Color,
    *,
    depth: float = 0.4,
    noise: float = 4.0,
    opacity: float = 1.0,
    rules: np.ndarray | None = None,
    sheet: np.ndarray | None = None,
    quality: int = 80,
) -> bytes:
    """Lay ink onto paper, light it, blur it, add a camera's noise, and save it as JPEG."""
    shape = ink.shape
    pixels = np.ones((*shape, 3)) * np.array(paper)
    texture = 1 + 0.012 * rng.normal(size=(*shape, 1))
    pixels *= texture + 0.01 * smooth_field(shape, rng, 40)[..., None]
    if rules is not None:
        color = np.array([[150, 180, 215], [190, 190, 190], [215, 160, 160]][rng.integers(3)])
        pixels += rules[..., None] * 0.8 * (color - pixels)
    uneven = np.clip(1 + 0.08 * smooth_field(shape, rng, 60), 0, 1)
    pixels += (ink * opacity * uneven)[..., None] * (np.array(pen) - pixels)
    if sheet is not None:
        desk = np.array([[120, 85, 55], [60, 60, 65], [165, 140, 110]][rng.integers(3)], float)
        desk = desk * (1 + 0.05 * smooth_field(shape, rng, 25)[..., None])
        pixels = desk + sheet[..., None] * (pixels - desk)
    pixels *= lit(shape, rng, depth)[..., None]
    pixels = ndimage.gaussian_filter(pixels, (rng.uniform(0.4, 1.3),) * 2 + (0,))
    pixels += noise * rng.normal(size=pixels.shape)
    return saved(pixels, "JPEG", quality=quality)
