"""From a picture of handwriting to MNIST-like digits: load, find the ink, segment, normalize.

`find_digits` does it all; what the digits are is for a network to say.
"""

from numcnn.vision.deadline import DeadlineExceeded, check_deadline, deadline
from numcnn.vision.frame import normalize, stroke_width
from numcnn.vision.ink import Ink, find_ink
from numcnn.vision.opinion import Opinion, Score
from numcnn.vision.page import Page, find_digits
from numcnn.vision.picture import (
    Box,
    Picture,
    PictureError,
    PictureTooLargeError,
    UnknownPictureError,
    load_picture,
)
from numcnn.vision.region import Region, join
from numcnn.vision.segment import find_lines
from numcnn.vision.split import Budget, Cut, best_split, find_cuts, find_pieces

__all__ = [
    "Box",
    "Budget",
    "Cut",
    "DeadlineExceeded",
    "Ink",
    "Opinion",
    "Page",
    "Picture",
    "PictureError",
    "PictureTooLargeError",
    "Region",
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
    "normalize",
    "stroke_width",
]
