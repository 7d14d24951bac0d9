"""Convolutional networks written from scratch with NumPy alone.

``numcnn.read(image)`` reads the digits that are written in a picture; see
`numcnn.handwriting.reader`.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numcnn.engine import EngineExecutor
    from numcnn.handwriting.reader import read as read
    from numcnn.nn.layers.chain import Chain

__version__ = "0.1.0"


def executor(chain: "Chain") -> "EngineExecutor":
    """Make what computes a model fast: `numcnn.nn` asks for it here, and knows no other room.

    The one place where the engine is wired in. It is loaded when a model is first computed.
    """
    from numcnn.engine import EngineExecutor

    return EngineExecutor(chain)


def __getattr__(name: str) -> Any:
    # The reader needs Pillow and SciPy, which a training does not, so it is loaded when asked for.
    if name == "read":
        from numcnn.handwriting.reader import read

        return read
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
