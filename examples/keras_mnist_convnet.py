"""Keras's "Simple MNIST convnet", line by line in numcnn.

Run it with ``python examples/keras_mnist_convnet.py`` (15 epochs on MNIST, a few minutes on two
cores; the data are downloaded once), or with ``--quick`` for a few seconds on the small digits.
"""

import sys

import numpy as np

from numcnn import data, nn, training


def main(quick: bool) -> None:
    """Load arrays, build the model of Keras's example, train and judge it."""
    splits = data.load("digits" if quick else "mnist")
    assert splits.test is not None
    x_train, y_train = splits.train.images, splits.train.labels
    x_test, y_test = splits.test.images, splits.test.labels
    if quick:
        # 8 x 8 pixels are too few for two 3 x 3 convolutions with pooling: three times as large.
        x_train, x_test = (x.repeat(3, axis=1).repeat(3, axis=2) for x in (x_train, x_test))
    x_train, x_test = x_train.astype("float32") / 255, x_test.astype("float32") / 255

    model = nn.Sequential(
        [
            nn.Conv2D(32, kernel_size=(3, 3)),
            "relu",
            nn.MaxPool2D(pool_size=(2, 2)),
            nn.Conv2D(64, kernel_size=(3, 3)),
            "relu",
            nn.MaxPool2D(pool_size=(2, 2)),
            nn.Flatten(),
            nn.Dropout(0.5),
            nn.Dense(10),  # logits: the softmax is in the loss
        ]
    )
    history = training.fit(
        model,
        x_train,
        y_train,
        batch_size=128,
        epochs=2 if quick else 15,
        loss="categorical_crossentropy",
        optimizer="adam",
        validation_split=0.1,
        progress="none" if quick else "auto",
    )
    print(model.summary())
    print(history)
    score = training.evaluate(model, x_test, np.eye(10)[y_test])
    print(f"test loss {score.loss:.4f}, test accuracy {score.accuracy:.2%}")


if __name__ == "__main__":
    main("--quick" in sys.argv)
