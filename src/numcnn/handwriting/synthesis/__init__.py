"""Images made by programs, from which the reader's network learns what no data set shows it."""

from numcnn.handwriting.synthesis.digit_variants import with_variants
from numcnn.handwriting.synthesis.non_digits import with_non_digits
from numcnn.handwriting.synthesis.touching_digits import with_touching_digits

__all__ = ["with_non_digits", "with_touching_digits", "with_variants"]
