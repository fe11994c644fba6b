# Each target is a line that a person could type.

PYTHON = python3
PIP = .venv/bin/pip install --quiet --constraint constraints.txt

.PHONY: run test siege siege-short lint format type bench docs clean constraints web-forms

run: .venv/for-run
	.venv/bin/caseledger demo

test: .venv/for-dev
	.venv/bin/pytest -n 2 --dist worksteal

# Attacks servers of its own for half an hour, or for three minutes as the tests do.
siege: .venv/for-dev
	.venv/bin/python -m tests.siege --minutes 30 --db both

siege-short: .venv/for-dev
	.venv/bin/pytest tests/siege

lint: .venv/for-dev
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	.venv/bin/lint-imports --no-logo

format: .venv/for-dev
	.venv/bin/ruff check --fix-only . ; .venv/bin/ruff format .

type: .venv/for-dev
	.venv/bin/mypy

bench: .venv/for-dev
	.venv/bin/python -m bench

docs: .venv/for-dev
	.venv/bin/python -m tests.kit.generated
	.venv/bin/pytest tests/test_docs.py tests/test_docs_examples.py

clean:
	rm -rf .venv build *.egg-info .coverage* .*_cache .hypothesis

# Run it to move to the newest versions; nothing else changes constraints.txt.
constraints:
	$(PYTHON) -m venv --clear build/newest
	build/newest/bin/pip install --quiet '.[postgres,speed,dev]'
	build/newest/bin/pip list --format freeze --exclude caseledger --exclude pip --exclude setuptools > constraints.txt

.venv/for-run: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(PIP) --editable '.[speed]'
	touch $@

.venv/for-dev: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(PIP) --editable '.[postgres,speed,dev]'
	touch .venv/for-run $@

# What a browser with ODK Web Forms sends, for tests/e2e/test_web_forms_engine.py.
web-forms:
	mkdir -p .cache/web_forms
	cp tests/kit/web_forms/package.json .cache/web_forms/
	npm install --no-package-lock --no-audit --no-fund --prefix .cache/web_forms
