"""From a picture of handwriting to MNIST-like digits: load, find the ink, segment, to_mnist_frame.

`find_digits` does it all; what the digits are is for a network to say.
"""

try:
    import PIL  # noqa: F401 (both only to see whether they are there)
    import scipy  # noqa: F401
except ModuleNotFoundError as error:
    if error.name not in ("PIL", "scipy"):
        raise
    raise ModuleNotFoundError(
        "reading pictures of handwriting needs Pillow and SciPy: pip install 'numcnn[app]'",
        name=error.name,
    ) from error

from numcnn.deadline import DeadlineExceeded, check_deadline, deadline
from numcnn.handwriting.vision.ink import Ink, find_ink
from numcnn.handwriting.vision.mnist_frame import stroke_width, to_mnist_frame
from numcnn.handwriting.vision.page import Page, find_digits
from numcnn.handwriting.vision.picture import Box, Picture, load_picture
from numcnn.handwriting.vision.region import Region, join
from numcnn.handwriting.vision.region_score import RegionScore, Score
from numcnn.handwriting.vision.segment import find_lines
from numcnn.handwriting.vision.split import Budget, Cut, best_split, find_cuts, find_pieces
from numcnn.picture_error import PictureError, PictureTooLargeError, UnknownPictureError

__all__ = [
    "Box",
    "Budget",
    "Cut",
    "DeadlineExceeded",
    "Ink",
    "Page",
    "Picture",
    "PictureError",
    "PictureTooLargeError",
    "Region",
    "RegionScore",
    "Score",
    "UnknownPictureError",
    "best_split",
    "check_deadline",
    "deadline",
    "find_cuts",
    "find_digits",
    "find_ink",
    "find_lines",
    "find_pieces",
    "join",
    "load_picture",
    "stroke_width",
    "to_mnist_frame",
]
