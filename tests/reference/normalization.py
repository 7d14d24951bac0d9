"""Batch normalization in training, feature by feature, with the equations of its paper.

And layer normalization, which is the same with examples and features exchanged.

Ioffe and Szegedy, "Batch normalization", 2015: algorithm 1, and the six derivatives of section 3.
Inputs are ``(count, features)``; of images, every pixel is one of the ``count``.
"""

import math

import numpy as np


def statistics(values: np.ndarray) -> tuple[float, float]:
    """The mean and the plain variance of one feature's ``(count,)`` values."""
    mean = 0.0
    for value in values:
        mean += value / len(values)
    variance = 0.0
    for value in values:
        variance += (value - mean) ** 2 / len(values)
    return mean, variance


def batch_norm(x: np.ndarray, gamma: np.ndarray, beta: np.ndarray, epsilon: float) -> np.ndarray:
    """Normalize each feature with its own mean and variance, then scale and shift it."""
    y = np.zeros(x.shape)
    for k in range(x.shape[1]):
        mean, variance = statistics(x[:, k])
        for n in range(len(x)):
            normalized = (x[n, k] - mean) / math.sqrt(variance + epsilon)
            y[n, k] = gamma[k] * normalized + beta[k]
    return y


def batch_norm_backward(
    dy: np.ndarray, x: np.ndarray, gamma: np.ndarray, epsilon: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return ``dx``, ``dgamma`` and ``dbeta``, through the variance and the mean as the paper."""
    count, features = x.shape
    dx, dgamma, dbeta = np.zeros(x.shape), np.zeros(features), np.zeros(features)
    for k in range(features):
        mean, variance = statistics(x[:, k])
        deviation = math.sqrt(variance + epsilon)
        dvariance = 0.0
        dmean = 0.0
        for n in range(count):
            dnormalized = dy[n, k] * gamma[k]
            dvariance += dnormalized * (x[n, k] - mean) * -0.5 * deviation**-3
            dmean += -dnormalized / deviation
        for n in range(count):
            dmean += dvariance * -2 * (x[n, k] - mean) / count
        for n in range(count):
            dnormalized = dy[n, k] * gamma[k]
            dx[n, k] = (
                dnormalized / deviation + dvariance * 2 * (x[n, k] - mean) / count + dmean / count
            )
            dgamma[k] += dy[n, k] * (x[n, k] - mean) / deviation
            dbeta[k] += dy[n, k]
    return dx, dgamma, dbeta


def layer_norm(x: np.ndarray, gamma: np.ndarray, beta: np.ndarray, epsilon: float) -> np.ndarray:
    """Normalize each example with its own mean and variance, then scale and shift each feature."""
    y = np.zeros(x.shape)
    for n in range(len(x)):
        mean, variance = statistics(x[n])
        for k in range(x.shape[1]):
            y[n, k] = gamma[k] * (x[n, k] - mean) / math.sqrt(variance + epsilon) + beta[k]
    return y
