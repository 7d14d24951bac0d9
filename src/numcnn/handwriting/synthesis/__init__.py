"""Images made by programs, from which the reader's network learns what no data set shows it.

Digits that touch are made by `numcnn.handwriting.synthesis.touching_digits`, which is not imported
here: it cuts them as the reader does, with SciPy and Pillow, and the rest needs NumPy alone.
"""

from numcnn.handwriting.synthesis.digit_variants import with_variants
from numcnn.handwriting.synthesis.european_digits import with_european_digits
from numcnn.handwriting.synthesis.non_digits import with_non_digits
from numcnn.handwriting.synthesis.real_letters import with_real_letters

__all__ = ["with_european_digits", "with_non_digits", "with_real_letters", "with_variants"]
