"""What all tests share."""

import signal

from hypothesis import settings

# Hypothesis fails an example that takes more than 0.2 s: on a machine that has other work, any may.
settings.register_profile("numcnn", deadline=None)
settings.load_profile("numcnn")

# A shell without job control starts what it puts into the background with SIGINT ignored, and so
# would be every program that the tests start and interrupt.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
