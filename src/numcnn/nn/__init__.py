"""The network: layers, losses, optimizers and models, from NumPy and the standard library alone."""

from __future__ import annotations

from typing import NoReturn

from numcnn.nn.arrays import Array, Shape
from numcnn.nn.context import Context
from numcnn.nn.ctc_loss import CTCLoss
from numcnn.nn.executor import Executor, TrainingPasses
from numcnn.nn.gradient_check import check_gradients, directional_error
from numcnn.nn.habits import habits, no_attribute
from numcnn.nn.layers import (
    GELU,
    Activation,
    AveragePool2D,
    BatchNorm,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    GlobalAveragePool2D,
    Layer,
    LayerNorm,
    LeakyReLU,
    MaxPool2D,
    Normalization,
    Pool2D,
    ReLU,
    Rescaling,
    Residual,
    Sigmoid,
    SiLU,
    Softmax,
    Tanh,
)
from numcnn.nn.losses import (
    Loss,
    MeanSquaredError,
    SigmoidCrossEntropy,
    SoftmaxCrossEntropy,
    usual_loss,
)
from numcnn.nn.model import ENGINES, LoadReport, Sequential
from numcnn.nn.optimizers import SGD, Adam, AdamW, MovingAverage, Optimizer, RMSProp
from numcnn.nn.schedules import (
    Constant,
    Cosine,
    ExponentialDecay,
    OneCycle,
    Schedule,
    StepDecay,
    WarmUp,
)
from numcnn.nn.summary import Summary
from numcnn.nn.task import Task

__all__ = [
    "ENGINES",
    "GELU",
    "SGD",
    "Activation",
    "Adam",
    "AdamW",
    "Array",
    "AveragePool2D",
    "BatchNorm",
    "CTCLoss",
    "Constant",
    "Context",
    "Conv2D",
    "Cosine",
    "Dense",
    "Dropout",
    "Executor",
    "ExponentialDecay",
    "Flatten",
    "GlobalAveragePool2D",
    "Layer",
    "LayerNorm",
    "LeakyReLU",
    "LoadReport",
    "Loss",
    "MaxPool2D",
    "MeanSquaredError",
    "MovingAverage",
    "Normalization",
    "OneCycle",
    "Optimizer",
    "Pool2D",
    "RMSProp",
    "ReLU",
    "Rescaling",
    "Residual",
    "Schedule",
    "Sequential",
    "Shape",
    "SiLU",
    "Sigmoid",
    "SigmoidCrossEntropy",
    "Softmax",
    "SoftmaxCrossEntropy",
    "StepDecay",
    "Summary",
    "Tanh",
    "Task",
    "TrainingPasses",
    "WarmUp",
    "check_gradients",
    "directional_error",
    "usual_loss",
]


def __getattr__(name: str) -> NoReturn:
    raise no_attribute("numcnn.nn", name, habits("names"))
