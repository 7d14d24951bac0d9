"""The page on the HTTP API, from the application's own OpenAPI description."""

from collections.abc import Iterator
from typing import Any

from numcnn.web import create_app


def http_api_page() -> str:
    """The page as Markdown."""
    app: Any = create_app()
    while not hasattr(app, "openapi"):
        # The application stands inside its middleware.
        app = app.app
    return "\n".join(_lines(app.openapi()))


def _lines(description: dict[str, Any]) -> Iterator[str]:
    yield "# The HTTP API"
    yield ""
    yield (
        "What `numcnn serve` answers. The same as OpenAPI is at `/api/v1/openapi.json` of a "
        "running server. How to run one is told in [Serving](../serving.md)."
    )
    for path, methods in description["paths"].items():
        for method, operation in methods.items():
            yield ""
            yield f"## {method.upper()} `{path}`"
            yield ""
            yield operation.get("description") or operation.get("summary", "")
            parameters = operation.get("parameters", [])
            if parameters:
                yield ""
                yield "| parameter | in | |"
                yield "|---|---|---|"
                for each in parameters:
                    yield f"| `{each['name']}` | {each['in']} | {each.get('description', '')} |"
            yield ""
            yield "| status | |"
            yield "|---|---|"
            for status, answer in operation["responses"].items():
                schema = _schema_name(answer)
                told = answer.get("description", "").replace("\n", " ")
                yield f"| {status} | {told}{f' (`{schema}`)' if schema else ''} |"
    yield ""
    yield "## Schemas"
    for name, schema in description.get("components", {}).get("schemas", {}).items():
        yield ""
        yield f"### `{name}`"
        yield ""
        yield (schema.get("description") or "").split("\n\n")[0].replace("\n", " ")
        properties = schema.get("properties", {})
        if properties:
            yield ""
            yield "| field | type | |"
            yield "|---|---|---|"
            for field, about in properties.items():
                told = (about.get("description") or "").replace("\n", " ")
                yield f"| `{field}` | {_type(about)} | {told} |"


def _schema_name(answer: dict[str, Any]) -> str:
    for content in answer.get("content", {}).values():
        reference = content.get("schema", {}).get("$ref", "")
        if reference:
            return str(reference).rsplit("/", 1)[-1]
    return ""


def _type(about: dict[str, Any]) -> str:
    if "$ref" in about:
        return f"`{about['$ref'].rsplit('/', 1)[-1]}`"
    if "anyOf" in about:
        return " or ".join(_type(each) for each in about["anyOf"])
    if about.get("type") == "array":
        return f"array of {_type(about.get('items', {}))}"
    return str(about.get("type", "any"))
