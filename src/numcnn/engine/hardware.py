"""What the engine asks of the hardware, and what it deliberately does not.

How a batch is cut decides in which order sums are taken, and so their last bits. It must not depend
on what the machine happens to have, so the cache that is counted on is a fixed number, and so is
the number of shards (`numcnn.engine.shards`). The number of cores only decides how many threads
share the work.
"""

import os

CORE_CACHE = 1 << 20
"""Bytes of a core's own cache that a plan counts on. Processors have from 0.5 to 2 MB."""


def cores() -> int:
    """How many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
