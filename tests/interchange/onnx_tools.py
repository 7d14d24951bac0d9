"""Running ONNX models with onnxruntime. Importing this skips the tests of a module without it."""

from typing import Any

import numpy as np
import pytest

from numcnn.interchange import onnx_model
from numcnn.model_files import ModelFile
from numcnn.nn import ReLU, Sequential

_REASON = "{0} is not installed; these tests need it (pip install onnx onnxruntime)"
onnx = pytest.importorskip("onnx", reason=_REASON.format("onnx"))
onnxruntime = pytest.importorskip("onnxruntime", reason=_REASON.format("onnxruntime"))
onnxruntime.set_default_logger_severity(4)


def _newest() -> int:
    """The newest set of operators that both know."""
    for opset in range(onnx.defs.onnx_opset_version(), 17, -1):
        model = Sequential([ReLU()])
        model.build((1,))
        try:
            run(exported(model, opset=opset, dtype="float32"), np.zeros((1, 1), np.float32))
        except Exception:
            continue
        return opset
    return 17


def as_file(model: Sequential, card: dict[str, Any] | None = None) -> ModelFile:
    """A model with the numbers of its outputs as class names."""
    names = tuple(str(index) for index in range(model.output_shape[-1]))
    return ModelFile(model, names, card or {})


def exported(model: Sequential, **settings: Any) -> Any:
    """A network as an ONNX model."""
    return onnx_model(as_file(model), **settings)


def run(proto: Any, *arrays: np.ndarray) -> list[np.ndarray]:
    """The outputs of an ONNX model by onnxruntime."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        proto.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    names = [given.name for given in session.get_inputs()]
    return session.run(None, dict(zip(names, arrays, strict=True)))


NEWEST = _newest()
