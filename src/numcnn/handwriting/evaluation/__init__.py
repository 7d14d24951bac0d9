"""Generated pictures of handwriting with known content, to develop and to score a reader on.

    python -m numcnn.handwriting.evaluation.generate PICTURES --data-dir DIR --count 200

Digits are drawn with pens of all widths, and composed onto paper, boards and canvases, in lines and
pages. There are also pictures that hold no digits: blank paper, scribbles, shapes, letters. Writes
PNG and JPEG files, and ``labels.jsonl``: for each file its condition and the lines of digits that
are in it (none: nothing to read). How many of them a reader reads rightly is printed by

    python -m numcnn.handwriting.evaluation PICTURES --data-dir DIR

The digits are MNIST's, enlarged until they look like ink again, or strokes described here. Pictures
for choosing settings take their digits from a tenth of MNIST's training part that no training sees
(``--part validation``); ``--part test`` is for the final figures.
"""

from numcnn.handwriting.evaluation.collection import NEGATIVES, samples
from numcnn.handwriting.evaluation.conditions import CONDITIONS
from numcnn.handwriting.evaluation.sample import Sample
from numcnn.handwriting.evaluation.writers import MnistWriter, StrokeWriter, Writer, load_writer

__all__ = [
    "CONDITIONS",
    "NEGATIVES",
    "MnistWriter",
    "Sample",
    "StrokeWriter",
    "Writer",
    "load_writer",
    "samples",
]
