"""How much memory there is, so that what cannot fit is refused and not begun."""

import os


def machine_memory() -> float:
    """The machine's memory in bytes; infinite where the system does not say.

    Systems promise more than they have, and end a program that takes them at their word.
    """
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return float("inf")
