"""Models as files: one safetensors file holds a model and all that is needed to use it."""

from numcnn.model_files.array_file import read_arrays, write_arrays
from numcnn.model_files.model_file import FORMAT_VERSION, ModelFile, load_model, save_model

__all__ = [
    "FORMAT_VERSION",
    "ModelFile",
    "load_model",
    "read_arrays",
    "save_model",
    "write_arrays",
]
