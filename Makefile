# The first target that needs it builds .venv: Python 3.11 or newer and make are all that must be there.
# Another Airflow, beside the first:  make test AIRFLOW='apache-airflow==2.11.*' VENV=.venv-2.11

AIRFLOW ?= apache-airflow>=3.3,<3.4
PYTHON  ?= python3
VENV    ?= .venv

BIN     := $(VENV)/bin
# uv is installed into the environment itself: it needs seconds where pip needs minutes, and nothing outside.
INSTALL := $(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python

.PHONY: help test demo bench lint ci clean

help: ## Show this list
	@sed -n 's/^\([a-z]*\):.*## /  make \1\t/p' Makefile

test: $(VENV)/.ready ## Run the tests
	$(BIN)/python -m pytest

demo: $(VENV)/.ready ## Watch a shop's orders arrive at a local Rokt
	$(BIN)/python -W ignore -m dags_examples.demo

bench: $(VENV)/.ready ## Measure speed and memory beside a plain script
	$(BIN)/python -m benchmarks.run

lint: $(VENV)/.lint ## Check style and types
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy --strict

ci: ## Everything the project must pass, as on a new machine
	bash .ci/run

clean: ## Remove what the targets made
	rm -rf .venv .venv-* build dist .demo .hypothesis .mypy_cache .pytest_cache .ruff_cache

$(VENV)/.ready: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("Python 3.11 or newer is needed; name it with PYTHON=python3.12")'
	@echo "Building $(VENV) with $(AIRFLOW), once"
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	$(INSTALL) --editable . --group test "$(AIRFLOW)" apache-airflow-providers-sqlite
	@touch $@

$(VENV)/.lint: $(VENV)/.ready
	$(INSTALL) --group lint
	@touch $@
