"""The names of the two classes that a network for handwriting has beside the ten digits."""

OTHER = "other"
"""The class of what is no digit."""

SEVERAL = "several"
"""The class of digits that touch, seen as one region: they have to be cut apart."""
