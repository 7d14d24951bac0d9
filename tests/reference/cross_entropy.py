"""Softmax cross-entropy over examples and classes."""

import math

import numpy as np


def softmax(logits: np.ndarray) -> list[float]:
    """The probabilities of one example's classes."""
    largest = max(logits)
    exponentials = [math.exp(logit - largest) for logit in logits]
    return [exponential / sum(exponentials) for exponential in exponentials]


def softmax_cross_entropy(
    logits: np.ndarray,
    classes: np.ndarray,
    label_smoothing: float = 0.0,
    class_weights: np.ndarray | None = None,
) -> tuple[float, np.ndarray]:
    """The mean loss of a batch and its gradient, by the chain rule through each probability.

    An example of class ``t`` wants the distribution ``q``: ``1 - smoothing`` on ``t``, and
    ``smoothing`` spread evenly over all classes. Its loss is ``- sum_c w_c q_c log p_c``; the mean
    is taken over the weights of the true classes.
    """
    batch, count = logits.shape
    weights = np.ones(count) if class_weights is None else class_weights
    loss, gradient, total = 0.0, np.zeros(logits.shape), 0.0
    for n in range(batch):
        p = softmax(logits[n])
        total += weights[classes[n]]
        for c in range(count):
            q = label_smoothing / count + (1 - label_smoothing if c == classes[n] else 0)
            loss -= weights[c] * q * math.log(p[c])
            for k in range(count):
                # d log p_c / d z_k is 1 - p_k for its own logit and -p_k for another.
                gradient[n, k] -= weights[c] * q * ((1 if c == k else 0) - p[k])
    return loss / total, gradient / total
