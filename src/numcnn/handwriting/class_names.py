"""The class names of a network that reads handwriting: the ten digits, and two more."""

DIGITS = tuple("0123456789")
"""The classes of the digits."""

SEVERAL = "several"
"""The class of several digits in one region: they have to be cut apart."""

OTHER = "other"
"""The class of everything that is no digit."""

CLASS_NAMES = (*DIGITS, SEVERAL, OTHER)
"""All of them, in the order in which the reader keeps probabilities.

A model file may list its classes in another order, or lack the last two.
"""
