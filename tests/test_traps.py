# ruff: noqa: ARG005 (each trap is called with the digits, whether it needs them or not)
"""Traps: what other libraries' users do by habit. Each works, or says what to do instead.

The comment beside each says what used to happen.
"""

import subprocess
import sys

import numpy as np
import pytest

import numcnn
from numcnn import data, nn, training
from numcnn.model_files import load_model, save_model


@pytest.fixture(scope="module")
def digits():
    return data.load("digits").train.subset(range(200))


def network(*layers):
    return nn.Sequential([nn.Flatten(), *(layers or [nn.Dense(10)])])


def fit(model, *given, **settings):
    return training.fit(model, *given, **{"epochs": 1, "progress": "none", **settings})


def made(shape=(8, 8, 1)):
    model = network()
    model.build(shape)
    return model


REFUSED = {
    # It trained, and each output was squashed twice: 63% where 96% were possible.
    "a sigmoid before its loss": (
        lambda d: fit(network(nn.Dense(10), nn.Sigmoid()), d, loss=nn.SigmoidCrossEntropy()),
        "ends with Sigmoid, but SigmoidCrossEntropy works on logits",
    ),
    # It trained, and stayed at chance.
    "a softmax before its loss": (
        lambda d: fit(network(nn.Dense(10), nn.Softmax()), d),
        "ends with Softmax, but SoftmaxCrossEntropy works on logits",
    ),
    # It normalized with mean 0 and variance 1, without a word.
    "Normalization that sees no input": (
        lambda d: fit(nn.Sequential([nn.Rescaling(), nn.Normalization(), *network()]), d),
        "Normalization stands after other layers",
    ),
    # What BatchNorm saw was zeros, whatever the image: chance.
    "a batch of one through BatchNorm": (
        lambda d: fit(network(nn.Dense(4), nn.BatchNorm(), nn.Dense(10)), d, batch_size=199),
        "leaves a batch of one of the 200 examples",
    ),
    # It answered class 0.
    "NaN in what is predicted": (
        lambda d: made().predict(np.full((1, 8, 8, 1), np.nan)),
        "x holds NaN or infinity in 1 of 1 examples",
    ),
    # The bias was on, and no activation there.
    "an activation as Dense's second argument": (
        lambda d: nn.Dense(10, "relu"),
        "use_bias is 'relu'; give True or False; an activation is a layer of its own",
    ),
    # The bias was on.
    'use_bias="no"': (lambda d: nn.Conv2D(8, 3, use_bias="no"), "use_bias is 'no'"),
    # It answered class 0 with probability 1, always.
    "a single output that nobody explained": (
        lambda d: nn.Sequential([nn.Dense(1)]).build((3,)) and _single().predict(np.ones((2, 3))),
        "a softmax over one is always 1",
    ),
    # AttributeError: 'numpy.ndarray' object has no attribute 'labels'.
    "X without y": (lambda d: fit(network(), d.images), r"give fit\(model, X, y\)"),
    # AttributeError: type object 'Adam' has no attribute 'step'.
    "optimizer=nn.Adam": (lambda d: fit(network(), d, optimizer=nn.Adam), r"optimizer: Adam\(\)"),
    "loss=nn.MeanSquaredError": (
        lambda d: fit(network(), d, loss=nn.MeanSquaredError),
        r"give a loss: MeanSquaredError\(\)",
    ),
    "nn.ReLU without parentheses": (
        lambda d: nn.Sequential([nn.ReLU]),
        r"give a layer: ReLU\(\)",
    ),
    "what is no layer": (lambda d: nn.Sequential([3]), "layers holds 3, which is no layer"),
    "an unknown activation": (lambda d: nn.Sequential(["mish"]), "activations by name are"),
    # TypeError: unexpected keyword argument, and nothing else.
    "strides=": (lambda d: nn.Conv2D(8, 3, strides=2), "no argument strides; give stride"),
    "activation=": (lambda d: nn.Conv2D(8, 3, activation="relu"), "as a layer of its own"),
    "kernel_regularizer=": (lambda d: nn.Dense(3, kernel_regularizer="l2"), "a weight_decay"),
    "groups=": (lambda d: nn.Conv2D(3, 3, groups=3), r"examples/own_layer\.py.*PyTorch"),
    "lr=": (lambda d: nn.Adam(lr=0.1), "Adam has no argument lr; give learning_rate"),
    "lr= in AdamW": (lambda d: nn.AdamW(lr=0.1), "AdamW has no argument lr"),
    "betas=": (lambda d: nn.Adam(betas=(0.9, 0.99)), "give beta_1 and beta_2"),
    "a rate without its name": (lambda d: nn.Adam(0.001), "give it by name, such as learning_rate"),
    "a typing error": (lambda d: nn.Adam(learning_rat=1), "did you mean learning_rate"),
    "verbose=": (lambda d: fit(network(), d, verbose=0), "fit has no argument verbose.*progress="),
    "validation_data=": (lambda d: fit(network(), d, validation_data=d), "give validation"),
    "learning_rate= in fit": (
        lambda d: fit(network(), d, learning_rate=0.1),
        r"optimizer=Adam\(learning_rate=0\.001\)",
    ),
    "a list of optimizers": (lambda d: fit(network(), d, optimizer=[nn.SGD()]), "give one of adam"),
    "epochs=2.5": (lambda d: fit(network(), d, epochs=2.5), "epochs is 2.5; give an integer"),
    # It was reshaped into stripes, or refused with shapes alone.
    "channels first": (
        lambda d: fit(network(), d.images.transpose(0, 3, 1, 2), d.labels),
        r"channels come first; give X\.transpose\(0, 2, 3, 1\)",
    ),
    "channels first in predict": (
        lambda d: made().predict(d.images.transpose(0, 3, 1, 2)),
        r"the channels come last: give x\.transpose\(0, 2, 3, 1\)",
    ),
    "one image alone": (lambda d: made().predict(d.images[0]), r"give x\[np\.newaxis\]"),
    "sizes one by one": (lambda d: network().build(8, 8, 1), r"build\(\(8, 8, 1\)\)"),
    # AttributeError: 'str' object has no attribute 'input_shape'.
    "save_model(model, path)": (
        lambda d: save_model(made(), "m.safetensors"),
        r"give the path first: save_model\(path, model\)",
    ),
    "a callback's class": (
        lambda d: fit(network(), d, callbacks=training.EarlyStopping),
        "callbacks holds the class EarlyStopping",
    ),
    "model(x)": (lambda d: made()(d.images), "take outputs"),
    "model.parameters()": (lambda d: made().parameters(), "parameters is an array, and no method"),
    "a metric of another name": (lambda d: fit(network(), d, metrics=["auc"]), "give one of acc"),
    "class weights by a class that is not there": (
        lambda d: fit(network(), d, loss=nn.SoftmaxCrossEntropy(class_weights={11: 1})),
        "holds the class 11; give numbers of classes, from 0 to 9",
    ),
    "a loss in another library's words": (lambda d: fit(network(), d, loss="hinge"), "give one of"),
}


def _single():
    model = nn.Sequential([nn.Dense(1)])
    model.build((3,))
    return model


@pytest.mark.parametrize(("call", "message"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_work_says_what_to_do(digits, call, message):
    with pytest.raises(ValueError, match=rf"(?s){message}"):
        call(digits)


@pytest.mark.parametrize(
    ("owner", "name", "message"),
    [
        (nn, "Linear", "it is Dense here"),
        (nn, "Conv2DTranspose", r"write it as a layer of your own .*PyTorch"),
        (nn, "Model", "there is no functional graph"),
        (nn, "Embedding", "there is no such layer"),
        (nn, "Nonsense", "has no attribute 'Nonsense'$"),
        (made(), "compile", "give optimizer, loss and metrics to numcnn.training.fit"),
        (made(), "fit", r"call numcnn\.training\.fit"),
        (made(), "train", "the mode belongs to a pass"),
        (made(), "eval", "the mode belongs to a pass"),
        (made(), "add", r"Sequential\(\[\*model.layers, layer\]\)"),
        (made(), "to", "computes on the CPU"),
        (training.History(), "history", r'values\("loss"\)'),
        (data, "RandomAffine", "it is numcnn.augmentation.RandomAffine"),
        (numcnn, "nonsense", "has no attribute 'nonsense'"),
    ],
)
def test_names_of_elsewhere_say_where_to_look(owner, name, message):
    assert not hasattr(owner, name)
    with pytest.raises(AttributeError, match=message):
        getattr(owner, name)


WORKS = {
    'optimizer="adam"': lambda d: fit(network(), d, optimizer="adam"),
    "class weights in a dict": lambda d: fit(
        network(), d, loss=nn.SoftmaxCrossEntropy(class_weights={0: 1, 1: 2})
    ),
    "one callback without a list": lambda d: fit(
        network(), d, validation_split=0.2, callbacks=training.EarlyStopping(1)
    ),
    "(X, y)": lambda d: fit(network(), (d.images, d.labels), (d.images, d.labels)),
    "validation=(X, y)": lambda d: fit(network(), d, validation=(d.images, d.labels)),
    "NumPy's integers": lambda d: fit(
        network(nn.Dense(np.int64(10))),
        d,
        epochs=np.int64(1),
        batch_size=np.int64(9),
        seed=np.int64(1),
    ),
    "NumPy's floats": lambda d: fit(
        network(),
        d,
        average=np.float32(0.9),
        validation_split=np.float64(0.1),
        optimizer=nn.Adam(learning_rate=np.float32(1e-3)),
    ),
    "layers one by one, as in PyTorch": lambda d: fit(
        nn.Sequential(nn.Flatten(), nn.Dense(10), "relu", nn.Dense(10)), d
    ),
    "a loss as a function": lambda d: fit(
        network(), d, loss=lambda outputs, targets: (0.0, 0 * outputs)
    ),
    "len, index and iteration": lambda d: [len(made()), made()[0], *made()],
    "nested models": lambda d: fit(nn.Sequential([network(), "relu", nn.Dense(10)]), d),
    "predict from a list": lambda d: made().predict(d.images[:2].tolist()),
    "predict nothing": lambda d: made().predict(d.images[:0]),
}


@pytest.mark.parametrize("call", WORKS.values(), ids=WORKS)
def test_what_is_done_by_habit_works(digits, call):
    assert call(digits) is not None


def test_class_weights_are_numbers():
    for weights in ([float("nan"), 1], {0: -1}, ["a"]):
        with pytest.raises(ValueError, match="class_weights is"):
            nn.SoftmaxCrossEntropy(class_weights=weights)


def test_an_own_layer_at_load_names_the_argument(tmp_path):
    class Twice(nn.Layer):
        def build(self, input_shape, rng):
            return input_shape

        def forward(self, x, ctx):
            return 2 * x

        def backward(self, dy, ctx):
            return 2 * dy

        def config(self):
            return {"layer": "Twice"}

    model = nn.Sequential([Twice(), nn.Dense(2)])
    model.build((3,))
    save_model(tmp_path / "m", model)
    with pytest.raises(ValueError, match=r"argument known: \{\*\*LAYERS, 'Twice': its class\}"):
        load_model(tmp_path / "m")


def test_the_package_shows_what_it_has():
    assert {"nn", "data", "training", "read", "load_model"} <= {*dir(numcnn)}
    assert numcnn.nn.Dense is nn.Dense
    assert numcnn.load_model is load_model


def test_notebooks_show_summaries_and_histories(digits):
    model = network()
    history = fit(model, digits)
    assert model._repr_html_().startswith("<pre>Layer")
    assert "<th>accuracy</th>" in history._repr_html_()
    assert repr(history).startswith("<History of 1 epochs: loss ")
    assert repr(digits) == "<Dataset digits: 200 images of 8 x 8 x 1, 10 classes>"
    assert "Dense" in network()._repr_html_()


@pytest.mark.parametrize(
    ("missing", "call"),
    [
        ("PIL", "numcnn.read('x.png')"),
        ("scipy", "import numcnn.handwriting.reader"),
        ("matplotlib", "numcnn.plots"),
        ("fastapi", "import numcnn.web"),
        ("click", "import numcnn.cli; numcnn.cli.main()"),
    ],
)
def test_a_missing_extra_is_named(missing, call):
    code = f"import sys; sys.modules[{missing!r}] = None\nimport numcnn\n{call}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode
    assert "pip install 'numcnn[app]'" in done.stderr.splitlines()[-1]
