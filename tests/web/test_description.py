"""The API against its own description: whatever Schemathesis thinks up, no answer is a surprise."""

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    allow_header_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)

from numcnn.web import Settings, create_app

# Not among them: that whatever fits the description is accepted, and nothing else. No description
# can say which bytes are a picture, or that a list's length is a square.
CHECKS = [
    not_a_server_error,
    allow_header_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
]
schema = schemathesis.openapi.from_asgi("/api/v1/openapi.json", create_app(Settings()))


@pytest.mark.slow
@schema.parametrize()
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
def test_the_api_does_as_it_is_described(case):
    case.call_and_validate(checks=CHECKS)
