"""Regression, several labels an example, and images as targets, each in a few lines.

Run it with ``python examples/regression_and_labels.py``.
"""

import numpy as np

from numcnn import data, nn, training


def main() -> None:
    """Train three small networks on what can be computed of the 8 x 8 digits."""
    digits = data.load("digits")
    assert digits.test is not None
    x, x_test = digits.train.images, digits.test.images

    def train(model: nn.Sequential, targets: np.ndarray, loss: str) -> training.History:
        return training.fit(
            model,
            x,
            targets,
            loss=loss,
            epochs=15,
            optimizer=nn.Adam(learning_rate=0.003),
            validation_split=0.1,
            progress="none",
        )

    # Values: how much ink there is, in pixels.
    ink, ink_test = (images.sum(axis=(1, 2, 3)) / 255 for images in (x, x_test))
    model = nn.Sequential([nn.Normalization(), nn.Flatten(), nn.Dense(32), "relu", nn.Dense(1)])
    train(model, ink, "mse")
    found = training.evaluate(model, x_test, ink_test, metrics=["mae", "r2"])
    print(f"ink: off by {found.metrics['mae']:.2f} pixels, r2 {found.metrics['r2']:.3f}")

    # Labels: is the digit even, is it above 4, has it a loop?
    def labels(y: np.ndarray) -> np.ndarray:
        return np.stack([y % 2 == 0, y > 4, np.isin(y, [0, 6, 8, 9])], axis=1)

    model = nn.Sequential([nn.Normalization(), nn.Flatten(), nn.Dense(64), "relu", nn.Dense(3)])
    train(model, labels(digits.train.labels), "binary_crossentropy")
    found = training.evaluate(model, x_test, labels(digits.test.labels), metrics="f1")
    print(f"labels: {found.accuracy:.1%} right, F1 {found.metrics['f1']:.3f}")

    # Images: take the noise away.
    rng = np.random.default_rng(0)
    clean, clean_test = (images / np.float32(255) for images in (x, x_test))
    model = nn.Sequential(
        [nn.Conv2D(16, 3, padding="same"), "relu", nn.Conv2D(1, 3, padding="same")]
    )
    noise, noise_test = (0.3 * rng.standard_normal(each.shape) for each in (clean, clean_test))
    training.fit(
        model,
        clean + noise,
        clean,
        loss="mse",
        epochs=10,
        optimizer=nn.Adam(learning_rate=0.01),
        progress="none",
    )
    rest = model.predict(clean_test + noise_test) - clean_test
    print(f"noise: {np.std(noise_test):.3f} before, {np.std(rest):.3f} after")


if __name__ == "__main__":
    main()
