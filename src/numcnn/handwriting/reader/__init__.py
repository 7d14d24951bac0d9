"""The reader: a picture of handwriting in, what is written there out.

`numcnn.handwriting.vision` finds the ink and frames it as MNIST does, a network says what it is,
and how sure it is. `read` does it with the network that comes with the package.
"""

from numcnn.handwriting.reader.annotate import annotated
from numcnn.handwriting.reader.digit_classifier import DigitClassifier, RejectionThresholds
from numcnn.handwriting.reader.explain import Explanation, Seen, evidence
from numcnn.handwriting.reader.look import Look
from numcnn.handwriting.reader.reader import Reader, read, shipped_model
from numcnn.handwriting.reader.reading import Digit, Line, Reading, Rejected
from numcnn.handwriting.vision import DeadlineExceeded, PictureError

__all__ = [
    "DeadlineExceeded",
    "Digit",
    "DigitClassifier",
    "Explanation",
    "Line",
    "Look",
    "PictureError",
    "Reader",
    "Reading",
    "Rejected",
    "RejectionThresholds",
    "Seen",
    "annotated",
    "evidence",
    "read",
    "shipped_model",
]
