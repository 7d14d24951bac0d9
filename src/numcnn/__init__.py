"""Convolutional networks written from scratch with NumPy alone.

``numcnn.read(image)`` reads the digits that are written in a picture; see
`numcnn.handwriting.reader`.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numcnn.handwriting.reader import read as read

__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    # The reader needs Pillow and SciPy, which a training does not, so it is loaded when asked for.
    if name == "read":
        from numcnn.handwriting.reader import read

        return read
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
