"""The network's formulas as plain loops, number by number: slow, and hard to get wrong.

The fast code must agree with these. They are written to be read next to a textbook: no matrix
products, no windows over arrays, no axis that is summed over by name.
"""
