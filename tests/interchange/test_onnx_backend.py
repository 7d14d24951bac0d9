"""ONNX's own backend tests: what numcnn's layers can do passes, and nothing that runs is wrong.

A case is a graph with inputs and outputs. Of the node, pytorch-converted, pytorch-operator and
simple sets, those count of which numcnn reads the operators. One that is refused is skipped, with
the reason; a reason that is not in the table here, or a refusal of a case that has passed before
(``onnx_backend_passing.txt``), is a failure.
"""

import re
from pathlib import Path

import numpy as np
import pytest

from numcnn.interchange.onnx_operators import OPERATORS
from numcnn.nn import Conv2D
from tests.interchange.backend_cases import Case, all_cases, outputs

PASSING = Path(__file__).with_name("onnx_backend_passing.txt").read_text().splitlines()

# Why a case is skipped, by what its refusal says.
REASONS = {
    r"no layer does this": "no layer does this operator",
    r"has \d+ groups": "Conv2D has no groups",
    r"kernel has [13] dim|window has [13] dim": "images have two dimensions, and not one or three",
    r"its dilations": "pooling layers have no dilation",
    r'neither "valid" nor "same"': 'its padding is neither "valid" nor "same"',
    r"mean counts the padding": "AveragePool2D does not count the padding",
    r"training mode": "only inference is imported",
    r"batch'?s|keep the batch|transposes its input": "its operator works along the batch's axis",
    r"differs between examples": "its constant differs between examples",
    r"takes \d+ values that depend": "it takes two images, and does not add them",
    r"input is of type|casts to type|of the type": "its numbers are no floats",
    r"works along axis": "it works along another axis than the features' or channels'",
    r"normalizes from axis": "LayerNorm normalizes the last axis",
    r"takes the mean over axes": "GlobalAveragePool2D takes the mean of height and width",
    r"flattens from axis": "Flatten flattens all of an example",
    r"clips to|takes the larger": "ReLU clips at 0, and nothing else",
    r"several slopes": "LeakyReLU has one slope",
    r"after a logarithm of softmax": "no layer takes logarithms",
    r"pads with|only a convolution can take": "padding is a convolution's, with zeros",
    r"its matrix has the shape|Dense takes one row": "Dense multiplies rows with one matrix",
    r"its input is \(batch, \)|has no axis": "its input has no axis but the batch's",
    r"takes images|pads what is no image": "its input is no image",
    r"allowzero": "it keeps sizes of 0",
}


def relevant(case: Case) -> bool:
    """Whether numcnn reads one of its operators, and it is no other operator written as several."""
    return bool(case.operators & set(OPERATORS)) and "_expanded" not in case.name


CASES = {str(case): case for case in all_cases() if relevant(case)}


def errors(case: Case) -> float:
    """The largest error as a multiple of what ONNX allows: 1e-3 of the number, and 1e-7.

    Raises:
        ValueError: numcnn refuses the graph, for the reason that is given.
    """
    worst = 0.0
    for given, wanted in case.examples():
        imported = case.imported(given)
        found = outputs(imported, given[0])
        assert found.shape == wanted[0].shape
        allowed = 1e-3 * np.abs(wanted[0]) + 1e-7
        worst = max(worst, float((np.abs(found - wanted[0]) / allowed).max(initial=0)))
    return worst


@pytest.mark.parametrize("name", CASES)
def test_it_passes_or_is_refused_with_a_reason(name):
    case = CASES[name]
    if not case.examples():
        pytest.skip("its inputs are no arrays")
    error, refusal = np.inf, ""
    try:
        error = errors(case)
    except ValueError as refused:
        refusal = str(refused)
    if refusal and name not in PASSING:
        reasons = [text for pattern, text in REASONS.items() if re.search(pattern, refusal)]
        assert reasons, f"a reason that is not in the table: {refusal}"
        pytest.skip(reasons[0])
    assert error <= 1, refusal


def test_enough_of_them_pass():
    there = [name for name in PASSING if name in CASES]
    assert len(there) >= 100
    assert {name.partition(":")[0] for name in there} == {
        *("node", "pytorch-converted", "pytorch-operator", "simple"),
    }


def test_a_flipped_kernel_makes_some_fail(monkeypatch):
    """A mathematician's convolution; kernels that are symmetric, as the node tests', hide it."""
    forward = Conv2D.forward

    def flipped(self, x, ctx):
        weight = self.params["weight"]
        self.params = {**self.params, "weight": np.ascontiguousarray(weight[::-1, ::-1])}
        try:
            return forward(self, x, ctx)
        finally:
            self.params = {**self.params, "weight": weight}

    monkeypatch.setattr(Conv2D, "forward", flipped)
    convolutions = [name for name in PASSING if name in CASES and "Conv" in CASES[name].operators]
    wrong = {name for name in convolutions if not errors(CASES[name]) <= 1}
    assert len(convolutions) >= 8
    assert {name.partition(":")[0] for name in wrong} >= {"pytorch-converted"}
    assert len(wrong) >= 4
