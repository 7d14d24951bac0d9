"""Write the pictures that the README shows: ``python docs/generate_images.py``."""

import shutil
import tempfile
from pathlib import Path

from numcnn.experiments.run import train
from numcnn.experiments.settings import RunSettings

IMAGES = Path(__file__).parent / "images"


def main() -> None:
    """Train on the default data, and keep the pictures."""
    IMAGES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        run = train(RunSettings(), Path(folder) / "run")
        for name in ("curves.png", "confusion.png"):
            shutil.copyfile(run.folder / name, IMAGES / name)


if __name__ == "__main__":
    main()
