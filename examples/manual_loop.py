"""The training loop written out, without `fit`: for what no argument of it covers.

Here: two learning rates, one for the convolution and one for the rest. Run it with
``python examples/manual_loop.py``.
"""

import numpy as np

from numcnn import data, nn


def main() -> None:
    """Train a small network for five epochs, a step at a time."""
    digits = data.load("digits")
    assert digits.test is not None
    x, y = digits.train.images, digits.train.labels
    model = nn.Sequential(
        [nn.Rescaling(), nn.Conv2D(8, 3), nn.BatchNorm(), "relu", nn.Flatten(), nn.Dense(10)]
    )
    model.build(x.shape[1:], seed=0)
    loss, optimizer = nn.SoftmaxCrossEntropy(), nn.SGD(learning_rate=0.1, momentum=0.9)
    convolution = model.layers[1]
    size = sum(array.size for array in convolution.params.values())
    rates = np.where(np.arange(model.parameters.size) < size, 0.3, 1.0).astype(np.float32)

    rng = np.random.default_rng(0)
    with model.training_engine() as engine:  # or model.forward and model.backward: the same, slower
        for epoch in range(5):
            total = 0.0
            for chosen in np.array_split(rng.permutation(len(x)), 45):
                ctx = nn.Context(training=True, rng=rng)
                outputs = engine.forward(x[chosen], ctx)
                value, dy = loss.value_and_gradient(outputs, y[chosen])
                gradient = engine.backward(dy, ctx)
                optimizer.step(model.parameters, rates * gradient)
                model.apply_state_updates(ctx)  # BatchNorm's running statistics
                total += value * len(chosen)
            print(f"epoch {epoch + 1}  loss {total / len(x):.4f}")
    accuracy = np.mean(model.predict(digits.test.images) == digits.test.labels)
    print(f"accuracy {accuracy:.2%}")


if __name__ == "__main__":
    main()
