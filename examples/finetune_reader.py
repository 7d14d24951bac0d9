"""Fine-tune the shipped reader's network to one's own digits.

The digits here are the 8 x 8 ones, brought to MNIST's frame: another hand, another pen, another
scanner. The network reads some of them as it comes. A new last layer on what it has learned, with
the rest of it frozen, takes seconds to train; then all of it goes on, slowly. Run it with
``python examples/finetune_reader.py``.
"""

import numpy as np

from numcnn import data, nn, training
from numcnn.handwriting.reader import shipped_model
from numcnn.handwriting.vision import to_mnist_frame
from numcnn.model_files import load_model


def frames(images: np.ndarray) -> np.ndarray:
    """Bring gray images ``(count, 8, 8, 1)`` into MNIST's frame, ``(count, 28, 28, 1)``."""
    large = images[..., 0].repeat(4, axis=1).repeat(4, axis=2) / np.float32(255)
    return np.stack([to_mnist_frame(image) for image in large])[..., np.newaxis]


def main() -> None:
    """Compare the network as it comes, one from nothing, and the fine-tuned one, in two steps."""
    digits = data.load("digits")
    assert digits.test is not None
    few = digits.train.subset(np.arange(300))
    x, y = frames(few.images), few.labels
    x_test, y_test = frames(digits.test.images), digits.test.labels

    shipped = load_model(shipped_model()).model
    as_it_comes = shipped.predict_proba(x_test)[:, :10].argmax(axis=1)
    print(f"as it comes              {np.mean(as_it_comes == y_test):.1%}")

    settings = {"epochs": 20, "progress": "none"}
    new = nn.Sequential(nn.Sequential.from_config(shipped.config()[:-1]), nn.Dense(10))
    training.fit(new, x, y, optimizer="adam", **settings)
    print(f"from nothing, 300 images {training.evaluate(new, x_test, y_test).accuracy:.1%}")

    tuned = nn.Sequential([*shipped.layers[:-1], nn.Dense(10)])  # copies, with their weights
    for layer in tuned.layers[:-1]:
        layer.trainable = False
    training.fit(tuned, x, y, optimizer=nn.Adam(learning_rate=0.01), **settings)
    print(f"a new last layer         {training.evaluate(tuned, x_test, y_test).accuracy:.1%}")

    for layer in tuned.layers:
        layer.trainable = True
    training.fit(tuned, x, y, optimizer=nn.Adam(learning_rate=0.0003), **settings)
    print(f"then all of it, slowly   {training.evaluate(tuned, x_test, y_test).accuracy:.1%}")


if __name__ == "__main__":
    main()
