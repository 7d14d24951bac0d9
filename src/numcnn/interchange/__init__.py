"""Models to others and from them: ONNX and PyTorch."""

from numcnn.interchange.onnx_writer import onnx_model, write_onnx

__all__ = ["onnx_model", "write_onnx"]
