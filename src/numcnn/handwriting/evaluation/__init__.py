"""Pictures of handwriting with known content, to develop and to judge the reader on.

    python -m benchmarks.handwriting OUT --data-dir DIR --count 200

Digits are drawn with pens of all widths, and composed onto paper, boards and canvases, in lines and
pages. There are also pictures that hold no digits: blank paper, scribbles, shapes, letters. Writes
PNG and JPEG files, and ``labels.jsonl``: for each file its condition and the lines of digits that
are in it (none: nothing to read). What a reader makes of them is told by

    python -m benchmarks.handwriting.judge OUT --data-dir DIR

The digits are MNIST's, enlarged until they look like ink again, or strokes described here. Pictures
for choosing settings take their digits from a tenth of MNIST's training part that no training sees
(``--part validation``); ``--part test`` is for the final figures.
"""

from benchmarks.handwriting.collection import NEGATIVES, samples
from benchmarks.handwriting.sample import Sample
from benchmarks.handwriting.writers import MnistWriter, StrokeWriter, Writer, load_writer

__all__ = [
    "NEGATIVES",
    "MnistWriter",
    "Sample",
    "StrokeWriter",
    "Writer",
    "load_writer",
    "samples",
]
