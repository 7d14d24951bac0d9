"""Images made by programs, from which the reader's network learns what no data set shows it.

Digits that touch are made by `numcnn.handwriting.synthesis.touching_digits`, which is not imported
here: it cuts them as the reader does, with SciPy and Pillow, and the rest needs NumPy alone.
"""

from numcnn.handwriting.synthesis.digit_variants import with_variants
from numcnn.handwriting.synthesis.non_digits import with_non_digits

__all__ = ["with_non_digits", "with_variants"]
