# Everything starts here, and needs nothing but Python ≥ 3.11 (with venv) and make.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
WORKERS ?= 3

.PHONY: run test check bench soak demo lock browser clean help

help:
	@echo "make run     set everything up and serve on http://127.0.0.1:8080"
	@echo "make test    set everything up, check the code, run all tests"
	@echo "make check   format, lint, types, import contract, requirements"
	@echo "make bench   measure against peers in the same run (SPEC 13)"
	@echo "make demo    fill the database with thirty days of invented traffic"
	@echo "make soak    the long proof: killed again and again under load"
	@echo "make lock    compile requirements from pyproject.toml"

run: $(VENV)/.run
	$(BIN)/python main.py serve

demo: $(VENV)/.run
	$(BIN)/python main.py demo

test: check browser
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --max-worker-restart 2 --cov=core --cov-report=term --cov-fail-under=90 tests

check: $(VENV)/.dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/pyright --warnings
	$(BIN)/lint-imports
	$(BIN)/python -m tests.requirements

browser: $(VENV)/.dev
	$(BIN)/python -m tests.browser.chromium

bench: browser
	$(BIN)/python -m tests.bench

soak: $(VENV)/.dev
	$(BIN)/python -m pytest -m soak -o addopts="" tests

lock: $(VENV)/.dev
	$(BIN)/python -m tests.requirements --compile

clean:
	rm -rf $(VENV) .pytest_cache .ruff_cache .import_linter_cache .hypothesis

$(VENV)/.made:
	$(PYTHON) -c "import sys; sys.exit(0 if sys.version_info >= (3, 11) else 'Purser needs Python 3.11 or newer; this is ' + sys.version.split()[0] + '. Say PYTHON=… to make.')"
	$(PYTHON) -m venv $(VENV)
	touch $@

$(VENV)/.run: requirements.txt $(VENV)/.made
	$(PIP) -r requirements.txt
	touch $@

$(VENV)/.dev: requirements.txt requirements-dev.txt $(VENV)/.made
	$(PIP) -r requirements-dev.txt
	touch $@ $(VENV)/.run
