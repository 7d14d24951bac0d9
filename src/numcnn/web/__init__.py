"""The web application: a page to draw digits on, and an API for programs.

`create_app` creates the application, and `serve` runs it. Pictures are read by
`numcnn.handwriting.reader` and layers are explained by `numcnn.features`; this package only adds
what a server needs: requests, limits, responses.
"""

try:
    import fastapi  # noqa: F401 (both only to see whether they are there)
    import uvicorn  # noqa: F401
except ModuleNotFoundError as error:
    if error.name not in ("fastapi", "uvicorn"):
        raise
    raise ModuleNotFoundError(
        "the web application needs FastAPI and uvicorn: pip install 'numcnn[app]'", name=error.name
    ) from error

from numcnn.web.app import create_app
from numcnn.web.launcher import serve
from numcnn.web.settings import Limits, Settings

__all__ = ["Limits", "Settings", "create_app", "serve"]
