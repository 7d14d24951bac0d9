"""A layer of one's own: write it, check its gradient, train with it, save and load it.

The layer is PReLU (He, Zhang, Ren and Sun, "Delving deep into rectifiers", 2015): a leaky ReLU that
learns its own slope for each channel. Run it with ``python examples/own_layer.py``.
"""

from dataclasses import dataclass
from typing import final

import numpy as np

from numcnn import data, nn, training
from numcnn.model_files import load_model, save_model
from numcnn.nn.layers import LAYERS


@final
@dataclass(eq=False)
class PReLU(nn.Layer):
    """``y = x`` where ``x > 0``, else ``y = slope x``, with a learned slope for each channel."""

    start: float = 0.25

    decayed = frozenset[str]()

    def build(self, input_shape, rng):
        """Give each channel the same slope to begin with."""
        self.params = {"slope": np.full(input_shape[-1], self.start, np.float32)}
        return input_shape

    def forward(self, x, ctx):
        """Compute ``max(x, 0) + slope min(x, 0)``."""
        ctx.save(self, x)
        return np.maximum(x, 0) + self.params["slope"] * np.minimum(x, 0)

    def backward(self, dy, ctx):
        """Derive it: the slope meets ``min(x, 0)``, and ``x`` meets 1 or the slope.

        ::

            dslope = sum over all but the channel of  dy min(x, 0)
            dx = dy where x > 0, else slope dy
        """
        (x,) = ctx.take(self)
        all_but_channel = tuple(range(x.ndim - 1))
        ctx.grads[self] = {"slope": (dy * np.minimum(x, 0)).sum(axis=all_but_channel)}
        return np.where(x > 0, dy, self.params["slope"] * dy)


def main() -> None:
    """Check the layer, then use it."""
    error = nn.check_gradients(PReLU(), np.random.default_rng(0).standard_normal((4, 5, 5, 3)))
    print(f"relative error of the gradient: {error:.1e}")

    digits = data.load("digits")
    model = nn.Sequential(
        [
            nn.Rescaling(),
            nn.Conv2D(16, 3, padding="same"),
            PReLU(),
            nn.MaxPool2D(),
            nn.Flatten(),
            nn.Dense(10),
        ]
    )
    training.fit(model, digits.train, epochs=10, optimizer=nn.Adam(learning_rate=0.005))
    print(model.summary())
    print(f"test accuracy: {training.evaluate(model, digits.test).accuracy:.2%}")
    print("learned slopes:", model.layers[2].params["slope"].round(2))

    # A model file names its layers; whoever reads it says what an unknown name means.
    save_model("prelu.safetensors", model, digits.train.classes)
    again = load_model("prelu.safetensors", {**LAYERS, "PReLU": PReLU}).model
    print("the same after loading:", np.array_equal(again.parameters, model.parameters))


if __name__ == "__main__":
    main()
