"""Find digits in a picture of handwriting, with classical image processing.

`find_digits` does all of it: it loads a picture, finds the paper and the ink, segments the ink into
regions, and brings each into MNIST's frame. A network then classifies the regions.
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
from numcnn.handwriting.vision.cut_paths import Cut, find_cuts
from numcnn.handwriting.vision.ink import Ink, find_ink
from numcnn.handwriting.vision.mnist_frame import stroke_width, to_mnist_frame
from numcnn.handwriting.vision.page import Page, find_digits
from numcnn.handwriting.vision.picture import Box, Picture, load_picture
from numcnn.handwriting.vision.region import Region, join
from numcnn.handwriting.vision.region_score import RegionScore, Score
from numcnn.handwriting.vision.segment import find_lines
from numcnn.handwriting.vision.split import Budget, best_split, find_pieces
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
