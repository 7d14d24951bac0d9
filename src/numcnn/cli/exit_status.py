"""Exit statuses of the commands; 0 is success."""

DIVERGED = 1
"""A training ended in numbers that are not finite."""

DIFFERENT = 1
"""A check found another result than the expected one."""

BAD_INPUT = 2
"""What was asked for cannot be done: an argument, a file or the data."""

INTERRUPTED = 130
"""Ctrl-C ended it: 128 and the number of SIGINT, as shells have it."""
