"""Convolutional networks written from scratch with NumPy alone."""

__version__ = "0.1.0"
