"""Models to others and from them: ONNX and PyTorch.

Each of these needs its library only when it is called: ``pip install 'numcnn[onnx]'``, ``pip
install torch``.
"""

from numcnn.interchange.agreement import onnx_difference, torch_difference
from numcnn.interchange.onnx_reader import read_onnx
from numcnn.interchange.onnx_writer import onnx_model, write_onnx
from numcnn.interchange.preprocessing import Preprocessing
from numcnn.interchange.torch_reader import from_torch, read_torch_weights, with_weights
from numcnn.interchange.torch_writer import write_torch

__all__ = [
    "Preprocessing",
    "from_torch",
    "onnx_difference",
    "onnx_model",
    "read_onnx",
    "read_torch_weights",
    "torch_difference",
    "with_weights",
    "write_onnx",
    "write_torch",
]
