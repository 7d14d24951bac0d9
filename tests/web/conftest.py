"""What the tests of the application share: the application, without a server around it."""

from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient

from numcnn.web import Settings, create_app


@pytest.fixture(scope="session")
def client() -> Iterator[TestClient]:
    """The application with the usual settings."""
    with TestClient(create_app(Settings())) as client:
        yield client
