"""A network of one's own on one's own arrays, saved, loaded and used.

The images are made here: rings and crosses in noise, in color. Run it with
``python examples/own_arrays.py``.
"""

import tempfile
from pathlib import Path

import numpy as np

import numcnn
from numcnn import nn, training


def pictures(count: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Make float images ``(count, 16, 16, 3)`` from 0 to 1, and a name for each."""
    names = np.array(["cross", "ring"])[rng.integers(0, 2, count)]
    rows, columns = np.mgrid[:16, :16] - 7.5
    shift = rng.integers(-3, 4, (2, count, 1, 1))
    radius = np.hypot(rows - shift[0], columns - shift[1])
    ring = abs(radius - 4) < 1
    cross = (abs(rows - shift[0]) < 1) | (abs(columns - shift[1]) < 1)
    shape = np.where((names == "ring")[:, None, None], ring, cross & (radius < 5))
    color = rng.uniform(0.4, 1, (count, 1, 1, 3))
    return 0.3 * rng.random((count, 16, 16, 3)) + 0.7 * shape[..., None] * color, names


def main() -> None:
    """Train on names, predict names."""
    rng = np.random.default_rng(0)
    x, y = pictures(600, rng)
    model = nn.Sequential(
        [
            nn.Normalization(),  # adapted to the training images by fit
            nn.Conv2D(8, 3, padding="same"),
            "relu",
            nn.MaxPool2D(),
            nn.Conv2D(16, 3, padding="same"),
            "relu",
            nn.GlobalAveragePool2D(),
            nn.Dense(2),
        ]
    )
    history = training.fit(
        model,
        x,
        y,
        epochs=40,
        optimizer=nn.Adam(learning_rate=0.01),
        validation_split=0.2,
        callbacks=training.EarlyStopping(10),
        progress="none",
    )
    print(history)
    x_new, y_new = pictures(200, rng)
    print(f"accuracy on new pictures {training.evaluate(model, x_new, y_new).accuracy:.1%}")
    with tempfile.TemporaryDirectory() as folder:
        numcnn.save_model(Path(folder) / "shapes.safetensors", model)
        loaded = numcnn.load_model(Path(folder) / "shapes.safetensors").model
    print("the first three are", *loaded.predict(x_new[:3]))


if __name__ == "__main__":
    main()
