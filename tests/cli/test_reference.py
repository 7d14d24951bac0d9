from docs.generate_cli import PAGE, WIDTH, reference


def test_the_page_is_what_the_commands_say():
    assert PAGE.read_text(encoding="utf-8") == reference(), (
        "docs/cli.md is out of date; run: python docs/generate_cli.py"
    )


def test_the_page_does_not_depend_on_the_terminal(monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")
    assert PAGE.read_text(encoding="utf-8") == reference()
    assert max(map(len, reference().splitlines())) <= WIDTH


def test_every_command_has_its_section():
    headings = [line for line in reference().splitlines() if line.startswith("## ")]
    assert headings == [
        "## numcnn",
        "## numcnn compare",
        "## numcnn data",
        "## numcnn data fetch",
        "## numcnn data list",
        "## numcnn diagram",
        "## numcnn evaluate",
        "## numcnn explain",
        "## numcnn export",
        "## numcnn features",
        "## numcnn import",
        "## numcnn models",
        "## numcnn plan",
        "## numcnn predict",
        "## numcnn read",
        "## numcnn serve",
        "## numcnn train",
        "## numcnn train-lines",
        "## numcnn verify",
    ]
