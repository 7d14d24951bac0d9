"""The machine's memory, so that data that cannot fit are refused beforehand."""

import os


def machine_memory() -> float:
    """The machine's memory in bytes; infinite where the system does not say.

    Systems promise more than they have, and end a program that takes them at their word.
    """
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return float("inf")
