"""What all tests share."""

from hypothesis import settings

# Hypothesis fails an example that takes more than 0.2 s: on a machine that has other work, any may.
settings.register_profile("numcnn", deadline=None)
settings.load_profile("numcnn")
