"""The documentation site: built with warnings as errors, every lesson and solution executed."""

import json
import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe

pytest.importorskip("sphinx", reason="Sphinx is not installed")
pytest.importorskip("myst_nb", reason="MyST-NB is not installed")


from benchmarks.chromium import CHROMIUM, launched

ROOT = Path(__file__).parent.parent
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The built site's folder."""
    made = tmp_path_factory.mktemp("site")
    cache = tmp_path_factory.mktemp("cache")
    built = subprocess.run(
        [
            *(sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-b", "html"),
            *("-D", f"nb_execution_cache_path={cache}", "docs", str(made)),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert built.returncode == 0, built.stderr[-4000:]
    return made


def pages(site: Path) -> list[Path]:
    return sorted(page for page in site.rglob("*.html") if "_static" not in page.parts)


def test_all_lessons_are_there(site):
    lessons = [page.name for page in (site / "lessons").glob("[0-9]*.html")]
    assert len(lessons) == 13
    for page in (site / "lessons").glob("[0-9]*.html"):
        text = page.read_text("utf-8")
        assert "The answer" in text
        assert "It is said" in text
        assert 'class="moving"' in text, page.name
        assert "Show the code of the solution" in text, page.name


@pytest.mark.parametrize(
    "words",
    [
        *("backpropagation", "one-hot", "learning rate", "softmax", "batch normalization"),
        *("neuron", "pooling", "convolution", "augmentation", "dropout", "confusion matrix"),
    ],
)
def test_the_search_knows_the_plain_words(site, words):
    """The search's index maps each stemmed word to the pages that have it."""
    index = (site / "searchindex.js").read_text("utf-8")
    found = json.loads(re.fullmatch(r"Search\.setIndex\((.*)\)", index, re.DOTALL)[1])
    lessons = {place for place, name in enumerate(found["docnames"]) if name.startswith("lessons/")}
    from sphinx.search.en import SearchEnglish

    stem = SearchEnglish({}).stem
    for word in re.findall(r"\w+", words):
        where = found["terms"].get(stem(word), found["terms"].get(word, []))
        where = {where} if isinstance(where, int) else set(where)
        assert where & lessons, word


def test_links_and_anchors_lead_somewhere(site):
    anchors = {
        page: set(re.findall(r'\bid="([^"]+)"', page.read_text("utf-8"))) for page in pages(site)
    }
    dead = []
    for page in anchors:
        for link in re.findall(r'<a\b[^>]*\bhref="([^"]+)"', page.read_text("utf-8")):
            parts = urlsplit(link)
            if parts.scheme:
                continue
            target = page if not parts.path else (page.parent / unquote(parts.path)).resolve()
            if not target.exists() or (
                parts.fragment
                and target in anchors
                and unquote(parts.fragment) not in anchors[target]
            ):
                dead.append(f"{page.relative_to(site)}: {link}")
    assert dead == []


@pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")
def test_no_page_asks_another_host_or_has_an_error(site):
    foreign, errors, findings = [], [], []
    looked_at = ("index.html", "01-neuron.html", "05-learning.html", "nn.html", "http.html")
    with launched() as browser:
        tab = browser.new_context(offline=True).new_page()
        tab.on("request", lambda request: foreign.append(request.url))
        tab.on("console", lambda message: errors.append(f"{message.type}: {message.text}"))
        tab.on("pageerror", lambda error: errors.append(f"error: {error}"))
        for page in pages(site):
            tab.goto(page.as_uri())
            if page.name in looked_at:
                found = Axe().run(tab, options={"preload": False}).response["violations"]
                findings += [
                    f"{page.relative_to(site)}: {each['id']} {each['nodes'][0]['html'][:160]}"
                    for each in found
                    if each["impact"] in ("serious", "critical")
                ]
        tab.goto((site / "lessons" / "05-learning.html").as_uri())
        tab.wait_for_selector("math")
    assert [url for url in foreign if not url.startswith(("file:", "data:"))] == []
    assert [error for error in errors if error.startswith("error")] == []
    assert findings == []
