"""Models to others and from them: ONNX and PyTorch."""

from numcnn.interchange.onnx_reader import read_onnx
from numcnn.interchange.onnx_writer import onnx_model, write_onnx
from numcnn.interchange.preprocessing import Preprocessing

__all__ = ["Preprocessing", "onnx_model", "read_onnx", "write_onnx"]
