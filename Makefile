# The tasks of everyday work; `make` lists them. Each line is a command that can be typed as well.
.DEFAULT_GOAL := help
python := .venv/bin/python

.PHONY: help
help:  ## list the tasks
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*##/\t/' | expand -t 12

.venv:
	python3 -m venv .venv
	.venv/bin/pip install --quiet -e '.[dev]'

.PHONY: quick
quick: .venv  ## the quick tests, within half a minute
	$(python) -m pytest -q -m "not slow"

.PHONY: test
test: .venv  ## all tests
	$(python) -m pytest -q

.PHONY: check
check: .venv  ## the linter, the formatter and the type checker
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy

.PHONY: format
format: .venv  ## let the formatter and the linter mend what they can
	.venv/bin/ruff format .
	.venv/bin/ruff check --fix .

.PHONY: docs
docs: .venv  ## write what is generated: the command line's reference and the tables of results
	$(python) docs/generate_cli.py
	$(python) -m docs.generate_results

.PHONY: serve
serve: .venv  ## the drawing board, on http://127.0.0.1:8000
	.venv/bin/numcnn serve --open

.PHONY: gate
gate:  ## what must pass before a change lands, from a clean clone
	.ci/run

.PHONY: full
full:  ## every Python at hand, the oldest versions, the fuzzing; more than an hour
	.ci/full
