"""Habits from other libraries: what something is called here, said where it is asked for.

An argument or a name that Keras, PyTorch or scikit-learn would know is refused with the name that
it has here, or with what to do instead. Nothing else in this package knows other libraries' names.
"""

import difflib
import functools
import inspect
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable[..., Any])

_ELSEWHERE = (
    "write it as a layer of your own (examples/own_layer.py), or export the model and go on in "
    "PyTorch"
)

ARGUMENTS = {
    "activation": "put the activation after it, as a layer of its own, such as ReLU()",
    "batch_input_shape": "leave it out: build(input_shape) or fit finds it",
    "betas": "give beta_1 and beta_2",
    "bias": "give use_bias",
    "bias_initializer": "leave it out: biases start at 0",
    "class_weight": "give loss=SoftmaxCrossEntropy(class_weights={class: weight})",
    "clipnorm": "give clip_norm",
    "clip_value": "give clip_norm",
    "clipvalue": "give clip_norm",
    "data_format": "leave it out: images are (count, height, width, channels)",
    "decay": "give a schedule as learning_rate, such as Cosine(0.001)",
    "device": "leave it out: numcnn computes on the CPU",
    "dilation": f"there is no dilated convolution; {_ELSEWHERE}",
    "dilation_rate": f"there is no dilated convolution; {_ELSEWHERE}",
    "eps": "give epsilon",
    "generator": "give seed",
    "groups": f"there is no grouped convolution; {_ELSEWHERE}",
    "in_channels": "leave it out: build(input_shape) or fit finds it",
    "in_features": "leave it out: build(input_shape) or fit finds it",
    "initial_epoch": "give checkpoint=FILE and resume=True",
    "input_dim": "leave it out: build(input_shape) or fit finds it",
    "input_shape": "leave it out: build(input_shape) or fit finds it",
    "kernel_initializer": "give initializer",
    "kernel_regularizer": "give the optimizer a weight_decay",
    "lanes": "give shards",
    "learning_rate": "give it to the optimizer, such as optimizer=Adam(learning_rate=0.001)",
    "lr": "give learning_rate",
    "max_epochs": "give epochs",
    "n_epochs": "give epochs",
    "name": "leave it out: layers are named by kind and place, such as conv2d_1",
    "num_features": "leave it out: build(input_shape) or fit finds it",
    "out_channels": "give filters",
    "out_features": "give units",
    "p": "give rate",
    "params": "leave it out: fit tells the optimizer, or step(model.parameters, gradient) does",
    "patience": "give callbacks=EarlyStopping(patience)",
    "random_state": "give seed",
    "sample_weights": "give sample_weight",
    "shuffle": "leave it out: each epoch has an order of its own, which follows from seed",
    "strides": "give stride",
    "val_data": "give validation",
    "validation_data": "give validation",
    "verbose": 'give progress, such as progress="none"',
    "workers": "give threads",
}
"""What to do instead, by the name of an argument that is not there."""

NAMES = {
    "AvgPool2d": "it is AveragePool2D here",
    "AveragePooling2D": "it is AveragePool2D here",
    "BCEWithLogitsLoss": "it is SigmoidCrossEntropy here",
    "BatchNorm2d": "it is BatchNorm here",
    "BatchNormalization": "it is BatchNorm here",
    "BinaryCrossentropy": "it is SigmoidCrossEntropy here",
    "CategoricalCrossentropy": "it is SoftmaxCrossEntropy here",
    "Conv2d": "it is Conv2D here",
    "CrossEntropyLoss": "it is SoftmaxCrossEntropy here",
    "Dropout2d": "take Dropout",
    "GlobalAveragePooling2D": "it is GlobalAveragePool2D here",
    "LayerNormalization": "it is LayerNorm here",
    "Linear": "it is Dense here",
    "MSELoss": "it is MeanSquaredError here",
    "MaxPool2d": "it is MaxPool2D here",
    "MaxPooling2D": "it is MaxPool2D here",
    "Module": "it is Layer here; see examples/own_layer.py",
    "RMSprop": "it is RMSProp here",
    "SparseCategoricalCrossentropy": "it is SoftmaxCrossEntropy here",
    "load_model": "it is numcnn.model_files.load_model",
    "save_model": "it is numcnn.model_files.save_model",
    **dict.fromkeys(
        ("Add", "Concatenate", "Input", "Model", "ModuleList", "Multiply"),
        "there is no functional graph: Sequential and Residual are all that models are made of; "
        + _ELSEWHERE,
    ),
    **dict.fromkeys(
        (
            *("Conv1D", "Conv1d", "Conv2DTranspose", "ConvTranspose2d", "Conv3D", "Conv3d"),
            *("DepthwiseConv2D", "Embedding", "GRU", "LSTM", "MultiHeadAttention"),
            *("MultiheadAttention", "SeparableConv2D", "Transformer", "UpSampling2D", "Upsample"),
        ),
        f"there is no such layer; {_ELSEWHERE}",
    ),
}
"""What to do instead, by a name that `numcnn.nn` does not have."""

METHODS = {
    "add": "make a new model: Sequential([*model.layers, layer])",
    "compile": "give optimizer, loss and metrics to numcnn.training.fit",
    "cpu": "leave it out: numcnn computes on the CPU",
    "cuda": "leave it out: numcnn computes on the CPU",
    "eval": "leave it out: the mode belongs to a pass, as in Context(training=False)",
    "evaluate": "call numcnn.training.evaluate(model, X, y)",
    "fit": "call numcnn.training.fit(model, X, y)",
    "get_weights": "take state_dict()",
    "load_weights": "call load_state_dict, or numcnn.model_files.load_model",
    "named_parameters": "take state_dict(), or named_layers() and each layer's params",
    "pop": "make a new model: Sequential(model.layers[:-1])",
    "save": "call numcnn.model_files.save_model(path, model)",
    "save_weights": "call numcnn.model_files.save_model(path, model)",
    "score": "call numcnn.training.evaluate(model, X, y).accuracy",
    "set_weights": "call load_state_dict",
    "to": "leave it out: numcnn computes on the CPU; astype gives another dtype",
    "train": "leave it out: the mode belongs to a pass, as in Context(training=True)",
    "trainable_variables": "take parameters, one vector of all of them",
    "weights": "take parameters, one vector of all of them, or state_dict()",
    "zero_grad": "leave it out: gradients are assigned, never added up",
}
"""What to do instead, by a method that a model does not have."""


class UnknownArgumentError(ValueError, TypeError):
    """A function or a class has no argument of that name."""


class NotCallableError(ValueError, TypeError):
    """Something that is no function was called."""


def require_arguments(function: str, known: Iterable[str], given: Iterable[str]) -> None:
    """Refuse the names of arguments that a function does not have.

    Args:
        function: What to call it in the error.
        known: The names that it has.
        given: The names that it was given.

    Raises:
        UnknownArgumentError: One is not known; the message says what to give instead.
    """
    known = list(known)
    for name in given:
        if name not in known:
            close = difflib.get_close_matches(name, known, 1)
            instead = f"did you mean {close[0]}?" if close else f"it has {', '.join(known)}"
            remedy = ARGUMENTS.get(name, instead)
            if name in ("lr", "learning_rate") and "learning_rate" not in known:
                remedy = ARGUMENTS["learning_rate"]
            raise UnknownArgumentError(f"{function} has no argument {name}; {remedy}")


def names_arguments(function: F) -> F:
    """Decorate a function: its unknown arguments are refused by `require_arguments`."""
    known = list(inspect.signature(function).parameters)

    @functools.wraps(function)
    def checked(*args: Any, **kwargs: Any) -> Any:
        require_arguments(function.__name__, known, kwargs)
        return function(*args, **kwargs)

    return checked  # type: ignore[return-value]


def no_attribute(owner: str, name: str, habits: dict[str, str]) -> AttributeError:
    """The error for an attribute that is not there, with what to do instead if that is known."""
    remedy = f"; {habits[name]}" if name in habits else ""
    return AttributeError(f"{owner} has no attribute {name!r}{remedy}")
