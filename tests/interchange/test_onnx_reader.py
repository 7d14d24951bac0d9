from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings

from numcnn import recipes
from numcnn.interchange import Preprocessing, read_onnx, write_onnx
from numcnn.interchange.onnx_file import graph_of
from numcnn.interchange.onnx_reader import import_graph
from numcnn.model_files import ModelFile, load_model, save_model
from numcnn.nn import (
    GELU,
    BatchNorm,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    LeakyReLU,
    Normalization,
    ReLU,
    Rescaling,
    Residual,
    Sequential,
    SiLU,
    Task,
)
from tests.engine.networks import batch, fill, quick, recipe_and_batch
from tests.interchange.agreement import LIMIT, times_own_error
from tests.interchange.networks import own_networks
from tests.interchange.onnx_graphs import graph, node, sizes, weights
from tests.interchange.onnx_tools import NEWEST, as_file, exported, onnx, run
from tests.interchange.test_onnx_writer import logits_model


def saved(tmp_path: Path, proto) -> Path:
    path = tmp_path / "model.onnx"
    path.write_bytes(proto.SerializeToString())
    return path


def agrees(tmp_path, proto, shape, *, is_last=False, **settings_):
    """Read a graph, and compare with onnxruntime; return the model.

    Args:
        shape: The graph's input.
        is_last: Whether its images are channels last.
    """
    x = np.random.default_rng(1).normal(size=shape).astype(np.float32)
    model = read_onnx(saved(tmp_path, proto), **settings_).model
    theirs = run(proto, x)[0]
    ours = x if len(shape) < 4 or is_last else np.ascontiguousarray(x.transpose(0, 2, 3, 1))
    if len(shape) == 2:
        ours = ours.reshape(len(x), *model.input_shape)
    if theirs.ndim == 4:
        theirs = theirs.transpose(0, 2, 3, 1)
    assert times_own_error(model, ours, theirs) < LIMIT
    return model


def kinds(model):
    return [type(layer) for layer in model.layers]


@pytest.mark.parametrize("layout", ["nhwc", "nchw"])
@pytest.mark.parametrize("name", recipes.RECIPES)
def test_a_recipes_network_there_and_back(name, layout, tmp_path):
    model, x, _ = recipe_and_batch(name, 28, seed=0)
    card = {"recipe": name}
    write_onnx(tmp_path / "m.onnx", as_file(model, card), layout=layout)
    back = read_onnx(tmp_path / "m.onnx")
    assert times_own_error(logits_model(model), x, back.model.outputs(x)) < LIMIT
    assert back.classes == tuple("0123456789")
    assert back.card["recipe"] == name
    assert back.card["imported_from"]["producer"] == "numcnn"
    # What was imported is a model as any other.
    save_model(tmp_path / "m.safetensors", back.model, back.classes, back.card)
    again = load_model(tmp_path / "m.safetensors")
    np.testing.assert_array_equal(again.model.outputs(x), back.model.outputs(x))


@pytest.mark.slow
@settings(quick, max_examples=300)
@given(own_networks())
def test_a_random_network_there_and_back(network):
    x, _ = batch(network.model, network.batch, network.seed)
    wanted = logits_model(network.model)
    for opset in (17, NEWEST):
        proto = exported(network.model, dtype="float32", opset=opset)
        parsed = graph_of(proto, Path(), proto.ByteSize())
        back = import_graph(parsed, preprocessing=Preprocessing(), drops_softmax=False).model
        assert times_own_error(wanted, x, back.outputs(x, engine="layers")) < LIMIT


@pytest.mark.parametrize(
    "task",
    [
        Task(),
        Task(activation="none"),
        Task("labels", "sigmoid"),
        Task(activation="sigmoid", names=("no", "yes")),
        Task("values", "none", is_flat=True),
    ],
    ids=str,
)
def test_what_the_outputs_mean_is_kept(task, tmp_path):
    model = Sequential([Flatten(), Dense(1 if task.names or task.is_flat else 3)])
    model.build((4, 4, 1))
    model.task = task
    names = task.names or ("a", "b", "c")
    file = ModelFile(model, () if task.kind == "values" else names)
    write_onnx(tmp_path / "m.onnx", file, dtype="float32")
    back = read_onnx(tmp_path / "m.onnx")
    assert back.model.task == task
    assert back.classes == file.classes
    x, _ = batch(model, 3)
    np.testing.assert_array_equal(back.model.predict(x), model.predict(x))


# Graphs as other programs write them.

CONV = weights(w=(4, 1, 3, 3), b=(4,), d=(4 * 8 * 8, 5), e=(5,))


def test_a_convolution_as_pytorch_writes_it(tmp_path):
    nodes = [
        node("Conv", "x w b", "c", kernel_shape=[3, 3], pads=[1, 1, 1, 1], strides=[1, 1]),
        node("Relu", "c", "r"),
        node("Flatten", "r", "f"),
        node("Gemm", "f dt e", "y", transB=1),
    ]
    arrays = {**CONV, "dt": CONV["d"].T}
    model = agrees(tmp_path, graph(nodes, arrays), (3, 1, 8, 8))
    assert kinds(model) == [Conv2D, ReLU, Flatten, Dense]
    assert model.layers[0].padding == "same"


def test_nodes_in_any_order_and_weights_among_the_inputs(tmp_path):
    nodes = [
        node("Gemm", "f d e", "y"),
        node("Flatten", "r", "f"),
        node("Relu", "c", "r"),
        node("Conv", "x w b", "c", pads=[1, 1, 1, 1]),
    ]
    proto = graph(nodes, CONV, weights_are_inputs=True)
    x = np.zeros((2, 1, 8, 8), np.float32)
    model = read_onnx(saved(tmp_path, proto)).model
    proto.graph.node.sort(key=lambda each: ["c", "r", "f", "y"].index(each.output[0]))
    theirs = run(proto_without_weight_inputs(proto), x)[0]
    assert times_own_error(model, x.transpose(0, 2, 3, 1), theirs) < LIMIT


def proto_without_weight_inputs(proto):
    other = onnx.ModelProto()
    other.CopyFrom(proto)
    del other.graph.input[1:]
    return other


def test_cntks_way_of_mnist(tmp_path):
    # Biases of their own, weights reshaped by an operator, a batch of one in the shapes.
    arrays = weights(w=(4, 1, 5, 5), plus=(4, 1, 1), d=(4, 4, 4, 10), e=(1, 10))
    nodes = [
        node("Constant", "", "half", value=onnx.numpy_helper.from_array(np.float32(1 / 255))),
        node("Mul", "x half", "s"),
        node("Conv", "s w", "c", auto_pad="SAME_UPPER", kernel_shape=[5, 5], strides=[1, 1]),
        node("Add", "c plus", "a"),
        node("Relu", "a", "r"),
        node("MaxPool", "r", "p", kernel_shape=[2, 2], strides=[2, 2], pads=[0, 0, 0, 0]),
        node("Reshape", "p one", "f"),
        node("Reshape", "d two", "m"),
        node("MatMul", "f m", "t"),
        node("Add", "t e", "y"),
    ]
    arrays |= {"one": sizes(1, 64), "two": sizes(64, 10)}
    proto = graph(nodes, arrays, (1, 1, 8, 8), opset=8, weights_are_inputs=True)
    model = read_onnx(saved(tmp_path, proto)).model
    assert kinds(model) == [
        *(Rescaling, Conv2D, ReLU, type(model.layers[3]), Flatten, Dense),
    ]
    assert model.layers[1].use_bias
    x = np.random.default_rng(0).normal(size=(1, 1, 8, 8)).astype(np.float32)
    theirs = run(proto_without_weight_inputs(proto), x)[0]
    assert times_own_error(model, x.transpose(0, 2, 3, 1), theirs) < LIMIT


def test_tensorflows_way(tmp_path):
    # Channels last outside, channels first around the convolution, padding apart.
    arrays = weights(w=(4, 3, 3, 3), d=(4 * 4 * 4, 5))
    nodes = [
        node("Transpose", "x", "t", perm=[0, 3, 1, 2]),
        node("Pad", "t pads", "p"),
        node("Conv", "p w", "c", strides=[2, 2]),
        node("Transpose", "c", "u", perm=[0, 2, 3, 1]),
        node("Reshape", "u flat", "f"),
        node("MatMul", "f d", "y"),
    ]
    arrays |= {"pads": sizes(0, 0, 0, 0, 0, 0, 1, 1), "flat": sizes(-1, 64)}
    proto = graph(nodes, arrays, ("batch", 8, 8, 3))
    model = agrees(tmp_path, proto, (2, 8, 8, 3), is_last=True)
    assert model.input_shape == (8, 8, 3)
    assert model.layers[0].padding == "same"
    assert model.layers[0].window.size == (3, 3)


def test_sizes_computed_from_sizes(tmp_path):
    # x.view(x.size(0), -1), as PyTorch traces it.
    nodes = [
        node("Shape", "x", "s"),
        node("Gather", "s zero", "n", axis=0),
        node("Unsqueeze", "n first", "u"),
        node("Concat", "u rest", "shape", axis=0),
        node("Reshape", "x shape", "f"),
        node("Gemm", "f d e", "y"),
    ]
    arrays = weights(d=(2 * 8 * 8, 5), e=(5,)) | {
        "zero": np.array(0, np.int64),
        "first": sizes(0),
        "rest": sizes(-1),
    }
    agrees(tmp_path, graph(nodes, arrays, ("batch", 2, 8, 8)), (3, 2, 8, 8), layout="nchw")


def test_rows_of_pixels_that_are_made_images(tmp_path):
    nodes = [
        node("Reshape", "x image", "i"),
        node("Conv", "i w b", "c", pads=[1, 1, 1, 1]),
        node("Flatten", "c", "f"),
        node("Gemm", "f d e", "y"),
    ]
    proto = graph(nodes, CONV | {"image": sizes(-1, 1, 8, 8)}, ("batch", 64))
    assert agrees(tmp_path, proto, (3, 64)).input_shape == (8, 8, 1)


RESNET = weights(
    w=(4, 3, 3, 3), w1=(8, 4, 3, 3), w2=(8, 8, 3, 3), ws=(8, 4, 1, 1), d=(8, 5), e=(5,)
) | {name: np.abs(array) + 0.5 for name, array in weights(g=(8,), h=(8,), m=(8,), v=(8,)).items()}


def test_a_residual_network(tmp_path):
    nodes = [
        node("Conv", "x w", "c", pads=[1, 1, 1, 1]),
        node("Relu", "c", "r"),
        node("Conv", "r w1", "c1", pads=[1, 1, 1, 1], strides=[2, 2]),
        node("BatchNormalization", "c1 g h m v", "b1"),
        node("Relu", "b1", "r1"),
        node("Conv", "r1 w2", "c2", pads=[1, 1, 1, 1]),
        node("Conv", "r ws", "cs", strides=[2, 2]),
        node("Add", "c2 cs", "a"),
        node("Relu", "a", "r2"),
        node("Conv", "r2 w2", "c3", pads=[1, 1, 1, 1]),
        node("Add", "r2 c3", "a2"),
        node("GlobalAveragePool", "a2", "p"),
        node("Flatten", "p", "f"),
        node("Gemm", "f d e", "y"),
    ]
    model = agrees(tmp_path, graph(nodes, RESNET, ("batch", 3, 8, 8)), (3, 3, 8, 8))
    assert [type(layer) for layer in model.layers if isinstance(layer, Residual)] == [Residual] * 2
    # A stride of 2 with one row of padding on each side: "same" with a kernel one row larger.
    assert model.layers[2].branch[0].window.size == (4, 4)


def test_ways_inside_ways_and_a_value_that_is_added_twice(tmp_path):
    nodes = [
        node("Tanh", "x", "a"),
        node("Relu", "a", "b"),
        node("Add", "a b", "c"),
        node("Sigmoid", "c", "d"),
        node("Add", "d a", "e"),
        node("Add", "e e", "y"),
    ]
    agrees(tmp_path, graph(nodes, {}, ("batch", 6)), (3, 6))


def test_ways_that_cross_are_refused_by_name(tmp_path):
    nodes = [
        node("Tanh", "x", "a", name="first"),
        node("Relu", "x", "b"),
        node("Add", "a b", "c"),
        node("Sigmoid", "c", "d"),
        node("Add", "a d", "y"),
    ]
    with pytest.raises(ValueError, match=r"node 'first' \(Tanh\): its output goes several ways"):
        read_onnx(saved(tmp_path, graph(nodes, {}, ("batch", 6))))


@pytest.mark.parametrize(
    ("nodes", "layer"),
    [
        ([node("Sigmoid", "x", "s"), node("Mul", "s x", "y")], SiLU()),
        (
            [
                node("Div", "x root", "d"),
                node("Erf", "d", "e"),
                node("Add", "e one", "o"),
                node("Mul", "x o", "m"),
                node("Mul", "m half", "y"),
            ],
            GELU(),
        ),
        (
            [
                node("Mul", "x half", "h"),
                node("Mul", "x root2", "d"),
                node("Erf", "d", "e"),
                node("Add", "one e", "o"),
                node("Mul", "h o", "y"),
            ],
            GELU(),
        ),
        (
            [
                node("Pow", "x three", "c"),
                node("Mul", "c cubic", "d"),
                node("Add", "x d", "e"),
                node("Mul", "e scale", "f"),
                node("Tanh", "f", "g"),
                node("Add", "g one", "h"),
                node("Mul", "x half", "i"),
                node("Mul", "i h", "y"),
            ],
            GELU("tanh"),
        ),
        ([node("Mul", "x slope", "s"), node("Max", "x s", "y")], LeakyReLU(0.125)),
        ([node("Swish", "x", "y")], SiLU()),
        ([node("Clip", "x zero -", "y")], ReLU()),
        ([node("Max", "zero x", "y")], ReLU()),
        ([node("PRelu", "x slope", "y")], LeakyReLU(0.125)),
    ],
    ids=lambda value: str(value) if not isinstance(value, list) else "",
)
def test_activations_however_they_are_written(nodes, layer, tmp_path):
    numbers = {
        "root": 2**0.5,
        "root2": 0.5**0.5,
        "one": 1,
        "half": 0.5,
        "three": 3,
        "zero": 0,
        "cubic": 0.044715,
        "scale": (2 / np.pi) ** 0.5,
        "slope": 0.125,
    }
    arrays = {name: np.array(number, np.float32) for name, number in numbers.items()}
    opset = 24 if nodes[0].op_type == "Swish" else 17
    proto = graph(nodes, arrays, ("batch", 6), opset=opset)
    model = read_onnx(saved(tmp_path, proto)).model
    assert model.layers == (model.layers[0],)
    assert model.layers[0].config() == layer.config()


def test_a_product_of_two_ways_that_is_no_activation(tmp_path):
    nodes = [node("Sigmoid", "x", "a"), node("Tanh", "x", "b"), node("Mul", "a b", "y")]
    with pytest.raises(ValueError, match="takes 2 values that depend on the image"):
        read_onnx(saved(tmp_path, graph(nodes, {}, ("batch", 6))))


@pytest.mark.parametrize("kind", ["Softmax", "LogSoftmax"])
def test_a_last_softmax_is_left_to_predict_proba(kind, tmp_path):
    arrays = weights(d=(6, 5), e=(5,))
    nodes = [node("Gemm", "x d e", "z"), node(kind, "z", "y", axis=1)]
    proto = graph(nodes, arrays, ("batch", 6))
    model = read_onnx(saved(tmp_path, proto)).model
    assert kinds(model) == [Dense]
    x, _ = batch(model, 4)
    theirs = run(proto, x)[0]
    theirs = np.exp(theirs) if kind == "LogSoftmax" else theirs
    np.testing.assert_allclose(model.predict_proba(x), theirs, rtol=1e-5)


def test_a_last_sigmoid_of_one_output_is_yes_or_no(tmp_path):
    nodes = [node("Gemm", "x d e", "z"), node("Sigmoid", "z", "y")]
    found = read_onnx(saved(tmp_path, graph(nodes, weights(d=(6, 1), e=(1,)), ("batch", 6))))
    assert found.classes == ("0", "1")
    x, _ = batch(found.model, 4)
    assert found.model.predict_proba(x).shape == (4, 2)


def test_shifts_and_scales_become_as_few_layers_as_possible(tmp_path):
    arrays = weights(w=(4, 3, 3, 3), plus=(4, 1, 1), factor=(1, 4, 1, 1), mean=(3, 1, 1)) | {
        "std": np.array([0.2, 0.3, 0.4], np.float32).reshape(1, 3, 1, 1),
        "all": np.array(255, np.float32),
    }
    nodes = [
        node("Div", "x all", "s"),
        node("Sub", "s mean", "t"),
        node("Div", "t std", "u"),
        node("Conv", "u w", "c"),
        node("Add", "c plus", "d"),
        node("Mul", "d factor", "y"),
    ]
    proto = graph(nodes, arrays, ("batch", 3, 8, 8))
    model = agrees(tmp_path, proto, (2, 3, 8, 8))
    assert kinds(model) == [Normalization, Conv2D, BatchNorm]


def test_a_constant_on_the_left(tmp_path):
    arrays = {"one": np.ones((1, 6), np.float32), "two": np.full(6, 2, np.float32)}
    nodes = [node("Sub", "one x", "a"), node("Mul", "two a", "b"), node("Neg", "b", "y")]
    assert kinds(agrees(tmp_path, graph(nodes, arrays, ("batch", 6)), (3, 6))) == [Rescaling]


@pytest.mark.parametrize(
    ("size", "stride", "pads", "dilation"),
    [
        ((3, 3), (2, 2), (1, 1, 1, 1), (1, 1)),
        ((7, 7), (2, 2), (3, 3, 3, 3), (1, 1)),
        ((2, 2), (1, 1), (1, 1, 0, 0), (1, 1)),
        ((3, 3), (1, 1), (2, 2, 2, 2), (2, 2)),
        ((3, 2), (1, 1), (0, 0, 0, 0), (1, 3)),
        ((1, 1), (2, 2), (0, 0, 0, 0), (1, 1)),
        ((3, 1), (1, 1), (1, 0, 1, 0), (1, 1)),
        ((5, 5), (3, 2), (0, 2, 2, 1), (1, 1)),
    ],
)
@pytest.mark.parametrize("side", [7, 8, 9])
def test_paddings(size, stride, pads, dilation, side, tmp_path):
    nodes = [node("Conv", "x w", "y", strides=stride, pads=pads, dilations=dilation)]
    proto = graph(nodes, weights(w=(2, 2, *size)), ("batch", 2, side, side))
    positions = [
        (side + begin + end - (length - 1) * apart - 1) // step + 1
        for begin, end, length, apart, step in zip(
            pads[:2], pads[2:], size, dilation, stride, strict=True
        )
    ]
    is_valid = not any(pads)
    is_same = positions == [-(-side // step) for step in stride]
    if is_valid or is_same:
        agrees(tmp_path, proto, (2, 2, side, side), layout="nchw")
    else:
        with pytest.raises(ValueError, match='is neither "valid" nor "same"'):
            read_onnx(saved(tmp_path, proto))


def test_preprocessing_and_names_of_classes(tmp_path):
    nodes = [
        node("Conv", "x w b", "c", pads=[1, 1, 1, 1]),
        node("Flatten", "c", "f"),
        node("Gemm", "f d e", "y"),
    ]
    path = saved(tmp_path, graph(nodes, CONV))
    plain = read_onnx(path).model
    for how, prepared in (
        (Preprocessing("0..1"), lambda x: x / 255),
        (Preprocessing("-1..1"), lambda x: x / 127.5 - 1),
        (Preprocessing("0..1", [0.1307], [0.3081]), lambda x: (x / 255 - 0.1307) / 0.3081),
    ):
        found = read_onnx(path, preprocessing=how, classes=list("abcde"))
        assert found.classes == tuple("abcde")
        x = np.random.default_rng(0).integers(0, 256, (3, 8, 8, 1)).astype(np.float32)
        wanted = plain.outputs(prepared(x).astype(np.float32))
        np.testing.assert_allclose(found.model.outputs(x), wanted, rtol=1e-4, atol=1e-4)
    with pytest.raises(ValueError, match="classes has 2 names for 5 outputs"):
        read_onnx(path, classes=["a", "b"])
    with pytest.raises(ValueError, match="mean and std have 3 numbers for 1 channels"):
        read_onnx(path, preprocessing=Preprocessing("0..1", [0.1, 0.2, 0.3], [1, 1, 1]))


@pytest.mark.parametrize("wrong", [{"pixels": "0-1"}, {"std": [0.0]}, {"mean": ["a"]}])
def test_a_preprocessing_that_is_none(wrong):
    with pytest.raises(ValueError, match=f"{next(iter(wrong))} is"):
        Preprocessing(**wrong)


def test_an_input_of_unknown_size_is_asked_for(tmp_path):
    nodes = [
        node("Conv", "x w b", "c", pads=[1, 1, 1, 1]),
        node("GlobalAveragePool", "c", "p"),
        node("Flatten", "p", "y"),
    ]
    proto = graph(nodes, CONV, ("batch", 1, "height", "width"))
    with pytest.raises(ValueError, match=r"\(batch, 1, \?, \?\).*give input_shape"):
        read_onnx(saved(tmp_path, proto))
    model = agrees(tmp_path, proto, (2, 1, 9, 7), input_shape=(9, 7, 1))
    assert model.input_shape == (9, 7, 1)


def test_one_of_several_outputs(tmp_path):
    nodes = [node("Relu", "x", "a"), node("Tanh", "a", "b")]
    path = saved(tmp_path, graph(nodes, {}, ("batch", 6), outputs=["a", "b"]))
    assert len(read_onnx(path).model.layers) == 1
    assert len(read_onnx(path, output="b").model.layers) == 2
    with pytest.raises(ValueError, match=r"output is 'c', and the graph has 'a', 'b'"):
        read_onnx(path, output="c")


def test_dropout_stays_for_those_who_train_on(tmp_path):
    nodes = [node("Dropout", "x", "a", ratio=0.25), node("Tanh", "a", "y")]
    model = read_onnx(saved(tmp_path, graph(nodes, {}, ("batch", 6), opset=10))).model
    assert isinstance(model.layers[0], Dropout)
    assert model.layers[0].rate == 0.25


def one(kind, inputs="x", **attributes):
    return [node(kind, inputs, "y", name="culprit", **attributes)]


REFUSED = [
    (one("LSTM"), "no layer does this"),
    (one("ConvTranspose", "x w"), "no layer does this"),
    (one("Conv", "x w", group=2), "has 2 groups"),
    (one("Conv", "x x"), "takes 'x' as a constant"),
    (one("Conv", "x w3"), "its kernel has 3 dimensions"),
    (one("Conv", "x w", pads=[3, 3, 3, 3]), 'neither "valid" nor "same"'),
    (one("Conv", "x w", pads=[-1, 0, 0, 0]), "its padding is negative"),
    (one("Conv", "x w", strides=[0, 1]), "stride or dilation below 1"),
    (one("Conv", "x w", strides=[-1, -1]), "stride or dilation below 1"),
    (one("Conv", "x w", strides=2.5), "not of the type INTS"),
    (one("Conv", "x wc"), "its weights are for 5 inputs"),
    (one("Conv", "x wnan"), "not finite"),
    (one("MaxPool", kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1]), "neither"),
    (one("MaxPool", kernel_shape=[2, 2], dilations=[2, 2]), "its dilations"),
    (one("MaxPool", kernel_shape=[2]), "its window has 1 dimensions"),
    (
        one("AveragePool", kernel_shape=[3, 3], pads=[1, 1, 1, 1], count_include_pad=1),
        "its mean counts the padding",
    ),
    (one("BatchNormalization", "x c c c negative"), "numbers below 0"),
    (one("BatchNormalization", "x c c c"), "its input 5 is missing"),
    (one("Clip", "x zero six"), "clips to 0.0 to 6.0"),
    (one("Transpose", perm=[1, 0, 2, 3]), "moves the batch's axis"),
    (one("Reshape", "x flat"), "does not keep the batch's axis"),
    (one("Reshape", "x x"), "takes 'x' as a constant"),
    (one("Softmax", axis=0), "which is the batch's"),
    (one("Add", "x image"), "differs along several axes"),
    (one("Mul", "x many"), "differs between examples"),
    (one("Div", "zero x"), "divides a constant by the image"),
    (one("Cast", to=7), "casts to type 7"),
    (one("Flatten", axis=2), "flattens from axis 2 on"),
    (one("If"), "no layer does this"),
]


@pytest.mark.parametrize(("nodes", "reason"), REFUSED, ids=[reason for _, reason in REFUSED])
def test_what_cannot_be_expressed_is_refused_by_name_and_reason(nodes, reason, tmp_path):
    arrays = weights(w=(4, 2, 3, 3), w3=(4, 2, 3, 3, 3), wc=(4, 5, 3, 3), c=(2,), image=(2, 8, 8))
    arrays |= weights(many=(3, 2, 8, 8)) | {
        "zero": np.array(0, np.float32),
        "six": np.array(6, np.float32),
        "flat": sizes(-1, 7),
        "negative": np.full(2, -1, np.float32),
        "wnan": np.full((4, 2, 3, 3), np.nan, np.float32),
    }
    path = saved(tmp_path, graph(nodes, arrays, ("batch", 2, 8, 8)))
    with pytest.raises(ValueError, match="node 'culprit'") as caught:
        read_onnx(path, layout="nchw")
    assert reason in str(caught.value)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_operator_of_another_domain(tmp_path):
    proto = graph(one("Relu"), {}, ("batch", 6))
    proto.graph.node[0].domain = "com.microsoft"
    with pytest.raises(ValueError, match=r"com\.microsoft\.Relu"):
        read_onnx(saved(tmp_path, proto))


def test_the_flattened_image_itself_is_no_output(tmp_path):
    proto = graph(
        [node("Conv", "x w", "c"), node("Flatten", "c", "y")],
        weights(w=(4, 1, 3, 3)),
    )
    with pytest.raises(ValueError, match="in another order than numcnn's"):
        read_onnx(saved(tmp_path, proto))


def test_weights_of_float16_and_float64(tmp_path):
    arrays = weights(d=(6, 5), e=(5,))
    plain = read_onnx(saved(tmp_path, graph(one("Gemm", "x d e"), arrays, ("batch", 6)))).model
    for dtype in (np.float16, np.float64):
        cast = {name: array.astype(dtype) for name, array in arrays.items()}
        model = read_onnx(saved(tmp_path, graph(one("Gemm", "x d e"), cast, ("batch", 6)))).model
        np.testing.assert_allclose(model.parameters, plain.parameters, rtol=2e-3, atol=1e-3)


def test_a_model_is_trained_on(tmp_path):
    from numcnn import training

    model, x, _ = recipe_and_batch("lenet5", 28, seed=0)
    write_onnx(tmp_path / "m.onnx", as_file(model))
    back = read_onnx(tmp_path / "m.onnx").model
    before = back.parameters.copy()
    training.fit(back, x.astype(np.uint8), np.arange(6), epochs=1, progress="none")
    assert not np.array_equal(before, back.parameters)


def test_fill_moves_everything():
    model = Sequential([BatchNorm()])
    model.build((3,))
    fill(model, 0)
    assert (model.statistics != np.repeat([0, 1], 3)).all()
