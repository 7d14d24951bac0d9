"""The reader: a picture of handwriting in, what is written there out.

`numcnn.vision` finds the ink and frames it as MNIST does, a network says what it is, and how sure
it is. `read` does it with the network that comes with the package.
"""

from numcnn.reader.annotate import annotated
from numcnn.reader.explain import Explanation, Seen, evidence
from numcnn.reader.judge import Judge, Standards
from numcnn.reader.look import Look
from numcnn.reader.reader import Reader, read, shipped_model
from numcnn.reader.reading import Digit, Line, Reading, Rejected
from numcnn.vision import DeadlineExceeded, PictureError

__all__ = [
    "DeadlineExceeded",
    "Digit",
    "Explanation",
    "Judge",
    "Line",
    "Look",
    "PictureError",
    "Reader",
    "Reading",
    "Rejected",
    "Seen",
    "Standards",
    "annotated",
    "evidence",
    "read",
    "shipped_model",
]
