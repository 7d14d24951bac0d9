"""Where a window stands as it slides along one axis of an image."""


def starts(length: int, window: int, stride: int, padding: str) -> list[int]:
    """The first pixel that each position of the window covers, from left to right.

    Args:
        length: How many pixels the axis has.
        window: How many of them the window covers.
        stride: How many it moves on.
        padding: "valid": every position lies inside the image. "same": there is a position for
            every ``stride``-th pixel, and what must lie outside is shared by both ends (the
            right one gets the odd pixel), so that the first start may be negative.
    """
    if padding == "valid":
        return [start for start in range(0, length, stride) if start + window <= length]
    from_the_edge = list(range(0, length, stride))
    outside = max(from_the_edge[-1] + window - length, 0)
    return [start - outside // 2 for start in from_the_edge]


def inside(row: int, column: int, height: int, width: int) -> bool:
    """Whether there is such a pixel."""
    return 0 <= row < height and 0 <= column < width
