# The first target that needs it builds .venv: Python 3.11 or newer and make are all that must be there.
# Another Airflow, beside the first:  make test AIRFLOW='apache-airflow==2.11.*' VENV=.venv-2.11
# The newest of everything, not the pinned set:  make test PINS= VENV=.venv-newest

# Every version in the pinned set is that of an environment with this Airflow; for another, nothing is pinned.
AIRFLOW ?= apache-airflow>=3.3,<3.4
PINS    ?= $(if $(filter file,$(origin AIRFLOW)),constraints.txt)
PYTHON  ?= python3
VENV    ?= .venv

BIN     := $(VENV)/bin
# uv is installed into the environment itself: it needs seconds where pip needs minutes, and nothing outside.
INSTALL := $(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python $(addprefix --constraint ,$(PINS))

# Where the wheel goes, and what writes its bill of materials.
DIST    ?= dist
BILL    := cyclonedx-bom==7.5.0

# What `make test-all` leaves out, if anything:  make test-all BUT=--ignore=tests/simulation
BUT     ?=

# Of the mutants of the core rooms so many, drawn by SEED; ONLY=id tries one alone.
MUTANTS ?= 400
SEED    ?= 1
SEEDS   ?= 20000
KILLS   ?= 200

.PHONY: help test test-all coverage mutants simulate pacing kills databases demo bench lint audit dist pins ci clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' Makefile

test: $(VENV)/.ready ## Run the tests but the slow ones, in about five minutes
	@echo "Running every test but the slow ones, in about five minutes. The slow ones too: make test-all"
	$(BIN)/python -m pytest -m "not slow"

test-all: $(VENV)/.ready ## Run every test, in about fifteen minutes
	@echo "Running every test, the slow ones too, in about fifteen minutes"
	$(BIN)/python -m pytest $(BUT)

coverage: $(VENV)/.ready ## Run every test and show how much of each room the quick ones ran
	$(BIN)/python -m coverage run -m pytest -m "not slow"
	$(BIN)/python .ci/coverage_by_room.py
	$(BIN)/python -m pytest -m slow

mutants: $(VENV)/.ready ## Break the core in 400 places and name what no test notices, in half an hour or more
	PYTHONHASHSEED=0 $(BIN)/python -W ignore .ci/mutants --mutants $(MUTANTS) --seed $(SEED) $(if $(ONLY),--only $(ONLY))

simulate: $(VENV)/.ready ## Run SEEDS simulated deliveries on all cores; REPLAY=seed tells one
	$(BIN)/python -m tests.simulation $(if $(REPLAY),--replay $(REPLAY) -v,$(SEEDS))

pacing: $(VENV)/.ready ## Show what 1 to 64 workers reach of a shared cap, simulated
	$(BIN)/python -m tests.pacing

kills: $(VENV)/.ready ## Kill KILLS real tasks at random moments and resume them; REPLAY=seed plays one
	$(BIN)/python -W ignore -m tests.kills $(if $(REPLAY),--replay $(REPLAY),$(KILLS))

databases: $(VENV)/.databases ## Install the drivers that the tests of PostgreSQL and MariaDB want

demo: $(VENV)/.ready ## Watch a shop's orders arrive at a local Rokt
	$(BIN)/python -W ignore -m dags_examples.demo

bench: $(VENV)/.ready ## Measure speed and memory beside a plain script
	$(BIN)/python -m benchmarks.run

lint: $(VENV)/.lint ## Check style and types
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy --strict
	$(BIN)/python -m pytest -q tests/typing

audit: $(BIN)/uv ## Ask whether a pinned version of what we require is known to be vulnerable
	$(BIN)/python .ci/audit.py

# The bill says what the wheel is tested with: its own requirements name ranges, and it holds nothing of others.
dist: $(BIN)/uv ## Build the wheel, and beside it its bill of materials
	rm -rf $(DIST)/airflow_provider_rokt-* build/bill
	$(BIN)/uv build --quiet --out-dir $(DIST)
	$(BIN)/uv venv --quiet --python $(BIN)/python build/bill
	$(BIN)/uv pip install --quiet --python build/bill/bin/python $(addprefix --constraint ,$(PINS)) \
	  $(DIST)/airflow_provider_rokt-*.whl "$(AIRFLOW)"
	for wheel in $(DIST)/airflow_provider_rokt-*-py3-none-any.whl; do \
	  $(BIN)/uv tool run --quiet --from "$(BILL)" cyclonedx-py environment --pyproject pyproject.toml --mc-type library \
	    --output-reproducible --output-file "$${wheel%-py3-none-any.whl}.cdx.json" build/bill/bin/python; \
	done

pins: $(BIN)/uv ## Pin today's newest of what development needs, in constraints.txt
	printf '%s\n' '-e .' '$(AIRFLOW)' apache-airflow-providers-sqlite | $(BIN)/uv pip compile --quiet --upgrade \
	  --universal --python-version 3.11 --group test --group databases --group lint \
	  --no-header --no-annotate --no-emit-package airflow-provider-rokt --output-file constraints.txt -

ci: ## Everything the project must pass, as on a new machine
	bash .ci/run

clean: ## Remove what the targets made
	rm -rf .venv .venv-* build dist .coverage .demo .hypothesis .mypy_cache .pytest_cache .ruff_cache

$(BIN)/uv:
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("Python 3.11 or newer is needed; name it with PYTHON=python3.12")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv

$(VENV)/.ready: pyproject.toml $(PINS) | $(BIN)/uv
	@echo "Installing $(AIRFLOW) and what the tests need into $(VENV), once"
	$(INSTALL) --editable . --group test "$(AIRFLOW)" apache-airflow-providers-sqlite
	@touch $@

$(VENV)/.databases: $(VENV)/.ready
	$(INSTALL) --group databases "$(AIRFLOW)"
	@touch $@

$(VENV)/.lint: $(VENV)/.ready
	$(INSTALL) --group lint "$(AIRFLOW)"
	@touch $@
