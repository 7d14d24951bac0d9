"""The page's files: nothing in them is unused, and what they say of the API is so."""

import re
import shutil
import subprocess
import types
import typing
from pathlib import Path

import pytest
from pydantic import BaseModel

from numcnn.web import errors, schemas
from numcnn.web.app import STATIC

ROOT = Path(__file__).parents[2]
SCRIPTS = sorted(STATIC.glob("*.js"))
PAGE = (STATIC / "index.html").read_text("utf-8")
CODE = "\n".join([PAGE, *(script.read_text("utf-8") for script in SCRIPTS)])
MODELS = [
    *(each for each in vars(schemas).values() if isinstance(each, type) and each is not BaseModel),
    errors.ProblemDetails,
]
MODELS = [each for each in MODELS if issubclass(each, BaseModel)]


def typescript(annotation: object) -> str:
    """How TypeScript calls a type of Python, as far as the schemas use it."""
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is list:
        return f"{typescript(arguments[0])}[]"
    if origin is dict:
        return f"Record<string, {typescript(arguments[1])}>"
    if origin in (types.UnionType, typing.Union):
        return " | ".join(typescript(each) for each in arguments)
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation.__name__
    return {
        int: "number",
        float: "number",
        str: "string",
        type(None): "null",
        typing.Any: "unknown",
    }[annotation]


def interface(model: type[BaseModel]) -> dict[str, str]:
    """The fields of a model with their types; an optional one is left out, and never null."""
    return {
        name if field.is_required() else f"{name}?": typescript(field.annotation)
        if field.is_required()
        else typescript(field.annotation).removesuffix(" | null")
        for name, field in model.model_fields.items()
    }


def test_the_types_of_the_api_are_those_of_the_schemas():
    text = re.sub(r"/\*.*?\*/", "", (STATIC / "api_types.d.ts").read_text("utf-8"), flags=re.S)
    told = {
        name: dict(re.findall(r"(\w+\??): ([^;]+);", body))
        for name, body in re.findall(r"export interface (\w+) \{(.*?)\n\}", text, re.S)
    }
    assert told == {model.__name__: interface(model) for model in MODELS}


def test_every_script_is_loaded_at_once():
    # A browser would otherwise see what a script imports only when it has that script.
    preloaded = re.findall(r'<link rel="modulepreload" href="static/([^"]+)">', PAGE)
    assert preloaded == [script.name for script in SCRIPTS if script.name != "app.js"]


def test_every_export_is_imported():
    unused = [
        (script.name, name)
        for script in SCRIPTS
        for name in re.findall(
            r"^export (?:async )?(?:function|class|const) (\w+)", script.read_text("utf-8"), re.M
        )
        if not re.search(
            rf"^import \{{[^}}]*\b{name}\b[^}}]*\}} from \"./{script.name}\"", CODE, re.M
        )
    ]
    assert unused == []


def test_every_style_is_used():
    style = re.sub(r"/\*.*?\*/", "", (STATIC / "style.css").read_text("utf-8"), flags=re.S)
    selectors = " ".join(re.findall(r"([^{}]+)\{", re.sub(r"@media[^{]*\{", "", style)))
    names = set(re.findall(r"[.#]([a-zA-Z][\w-]*)", selectors))
    assert {"board", "mark-cell", "paper"} <= names
    # A class or id stands in quotes, alone or among others.
    quoted = set(re.findall(r"[\w-]+", " ".join(re.findall(r'"([^"\n]*)"', CODE))))
    assert names - quoted == set()
    colors = set(re.findall(r"(--[\w-]+):", style))
    assert {
        color for color in colors if f"var({color})" not in style and color not in CODE
    } == set()


@pytest.mark.parametrize("checker", ["eslint", "tsc"])
def test_the_scripts_are_clean(checker):
    program = ROOT / "node_modules" / ".bin" / checker
    if not program.exists():
        pytest.skip("ESLint and TypeScript are not installed here; npm install installs them")
    if shutil.which("node") is None:
        pytest.skip("there is no Node.js here")
    arguments = ["."] if checker == "eslint" else ["--project", "."]
    # On Windows the file without an ending is for other shells.
    windows = program.with_suffix(".cmd")
    done = subprocess.run(
        [windows if windows.exists() else program, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
