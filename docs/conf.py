"""The documentation site: ``python -m sphinx -W -b html docs SITE``.

Lessons and guides are executed while the site is built, so each number in them is one that numcnn
has just computed.
"""

import re
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

import numcnn  # noqa: E402
from docs.http_api import http_api_page  # noqa: E402

project = "numcnn"
author = "the numcnn authors"
version = release = numcnn.__version__

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx.ext.mathjax",
    "sphinx_copybutton",
    "sphinx_design",
]
exclude_patterns = ["results/*", "**/.ipynb_checkpoints"]
root_doc = "index"

html_theme = "furo"
html_title = "numcnn"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sourcelink = False

# Formulas: not MathJax, which asks other hosts for fonts, but our own loader; see formulas.js.
mathjax_path = "formulas.js"
mathjax_options: dict[str, str] = {}

myst_enable_extensions = ["amsmath", "attrs_block", "colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 4
suppress_warnings = ["myst.header"]

nb_execution_mode = "cache"
nb_execution_cache_path = str(ROOT / "build" / "notebooks")
nb_execution_timeout = 240
nb_execution_raise_on_error = True
nb_execution_excludepatterns = [
    f"{name}.md"
    for name in ("architecture", "benchmarks", "cli", "exact", "gallery", "index", "interchange")
]
nb_merge_streams = True
nb_code_prompt_show = "Show the code of the solution"
nb_code_prompt_hide = "Hide the code of the solution"

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_default_options = {"show-inheritance": False}
# A single backtick names something of Python's; not each of them has a page.
default_role = "code"
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_use_ivar = True
add_module_names = False
python_use_unqualified_type_names = True

SOURCE = "https://github.com/numcnn/numcnn/blob/main/"


def links_to_the_source(_app: object, name: str, content: list[str]) -> None:
    """Let links out of this folder lead to the repository; fill the page on the HTTP API."""
    if name == "reference/http":
        content[0] = http_api_page()
    depth = name.count("/") + 1
    up = "../" * depth
    # GitHub draws these; here they are read as text.
    content[0] = content[0].replace("```mermaid", "```text")
    content[0] = re.sub(rf"\]\({re.escape(up)}(?!\.\./)", f"]({SOURCE}", content[0])


def levels_of_headings(app: Any, error: Exception | None) -> None:
    """Give the captions of the table of contents their level, which a screen reader asks for."""
    if error is None:
        for page in Path(app.outdir).rglob("*.html"):
            text = page.read_text("utf-8")
            told = text.replace('class="caption" role="heading"', CAPTION)
            if told != text:
                page.write_text(told, "utf-8")


CAPTION = 'class="caption" role="heading" aria-level="2"'


def setup(app: Any) -> None:
    """Called by Sphinx."""
    app.connect("source-read", links_to_the_source)
    app.connect("build-finished", levels_of_headings)
