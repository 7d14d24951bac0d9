from pathlib import Path

import pytest

from numcnn import web


@pytest.fixture
def served(monkeypatch):
    calls = []
    monkeypatch.setattr(web, "serve", lambda *words, **named: calls.append((words, named)))
    return calls


def test_options_reach_the_server(numcnn, served):
    words = ["--host", "::1", "--port", "0", "--workers", "2", "--model", "m", "--collect", "c"]
    assert numcnn("serve", *words, "--open").status == 0
    ((settings, *rest), named) = served[0]
    assert (settings.model, settings.collect) == (Path("m"), Path("c"))
    assert rest == ["::1", 0, 2]
    assert named["is_browser_opened"] is True


def test_without_options_it_is_this_machines_alone(numcnn, served):
    assert numcnn("serve").status == 0
    ((settings, *rest), named) = served[0]
    assert settings == web.Settings()
    assert rest == ["127.0.0.1", 8000, 1]
    assert named["is_browser_opened"] is False


def test_a_model_that_is_not_there_is_told(numcnn):
    assert "none.safetensors" in numcnn("serve", "--model", "none.safetensors").error()


@pytest.mark.parametrize("words", [["--port", "65536"], ["--workers", "0"], ["--port", "x"]])
def test_wrong_options_are_told(numcnn, words):
    assert words[0] in numcnn("serve", *words).usage_error()
