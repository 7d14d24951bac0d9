"""The reader: a picture of handwriting in, what is written there out.

`numcnn.handwriting.vision` finds the ink and frames it as MNIST does; a network says what it is and
how probable that is. `read` does it with the network that comes with the package.
"""

from numcnn.handwriting import vision  # first: it says what is not installed
from numcnn.handwriting.reader.annotation import annotated
from numcnn.handwriting.reader.digit_classifier import DigitClassifier
from numcnn.handwriting.reader.evidence import evidence
from numcnn.handwriting.reader.line_reader import LineReader, LineReading
from numcnn.handwriting.reader.reader import Reader, read, shipped_line_model, shipped_model
from numcnn.handwriting.reader.reading import Finding, Reading, Remark, Separator
from numcnn.handwriting.reader.thresholds import RejectionThresholds

DeadlineExceeded = vision.DeadlineExceeded
PictureError = vision.PictureError

__all__ = [
    "DeadlineExceeded",
    "DigitClassifier",
    "Finding",
    "LineReader",
    "LineReading",
    "PictureError",
    "Reader",
    "Reading",
    "RejectionThresholds",
    "Remark",
    "Separator",
    "annotated",
    "evidence",
    "read",
    "shipped_line_model",
    "shipped_model",
]
