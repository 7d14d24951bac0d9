"""The fully connected layer over examples, inputs and outputs."""

import numpy as np


def dense(x: np.ndarray, weight: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """Each output is its bias, plus every input times the weight between them."""
    y = np.zeros((len(x), len(bias)))
    for n in range(len(x)):
        for j in range(len(bias)):
            y[n, j] = bias[j]
            for i in range(x.shape[1]):
                y[n, j] += x[n, i] * weight[i, j]
    return y


def dense_backward(
    dy: np.ndarray, x: np.ndarray, weight: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return ``dx``, ``dweight`` and ``dbias``."""
    dx, dweight, dbias = np.zeros(x.shape), np.zeros(weight.shape), np.zeros(weight.shape[1])
    for n in range(len(x)):
        for j in range(weight.shape[1]):
            dbias[j] += dy[n, j]
            for i in range(x.shape[1]):
                dx[n, i] += dy[n, j] * weight[i, j]
                dweight[i, j] += dy[n, j] * x[n, i]
    return dx, dweight, dbias
