"""The web application: one page to draw on, and an API for programs.

Everything that is computed is computed by `numcnn.handwriting.reader` and `numcnn.features`;
here is how it is asked for, within limits, and how it is answered. `create_app` makes the
application, and `serve` runs it.
"""

from numcnn.web.app import create_app
from numcnn.web.server import serve
from numcnn.web.settings import Limits, Settings

__all__ = ["Limits", "Settings", "create_app", "serve"]
