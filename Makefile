# Two commands matter: `make demo` (the whole way once) and `make test` (every check). Both work on a fresh clone.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PEERS := .venv-peers
TEST_WORKERS ?= 2# each has an Elasticsearch of its own (some 1.5 GiB); 0 runs all tests in one process
PACKAGES := contracts infrastructure dashboards mediation datagen kpis detectors alerting servicedesk usage reports console cli
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := help
.PHONY: help demo test lint types unit bench bench-generate bench-peers peers screenshots up down clean install lock

help: ## list the targets
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: install ## CDR files become KPIs, baselines, anomalies, alerts and tickets on a local Elasticsearch
	@$(BIN)/busyhour demo

test: install lint ## lint, types, import rules, unit, golden, property and end-to-end tests on a real node
	@$(BIN)/pytest --numprocesses $(TEST_WORKERS) --dist loadfile --no-loadscope-reorder

lint: install ## ruff, mypy --strict and the import rules
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

bench: install ## records per second, end to end and raw, in one run
	@$(BIN)/busyhour bench ingest

bench-generate: bench-peers ## the generator beside SDV and the fastest CSV writers; the figures go to docs/fidelity.md
	@$(BIN)/busyhour bench generate --peers $(PEERS)/bin/python --docs docs/fidelity.md

bench-peers: install ## SDV (BSL 1.1) and SDMetrics in an environment of their own, to measure against; no part of the product
	@test -x $(PEERS)/bin/python || $(PYTHON) -m venv $(PEERS)
	@$(PEERS)/bin/pip install --quiet 'sdv>=2.0,<3' 'sdmetrics>=0.32,<1'

screenshots: install ## pictures of the console for docs/screenshots; needs Chromium
	@$(BIN)/python -m tests.console.screenshots docs/screenshots

peers: install ## the public detectors that `busyhour bench series` and `bench detect` measure beside ours; no part of the product
	@$(BIN)/pip install --quiet --constraint requirements.lock --editable '.[peers]'

up: install ## start the local Elasticsearch and set it up
	@$(BIN)/busyhour node start
	@$(BIN)/busyhour setup

down: ## stop the local Elasticsearch and a console in the background
	@if [ -x $(BIN)/busyhour ]; then $(BIN)/busyhour node stop; else echo "nothing is installed, so nothing runs"; fi

clean: down ## stop the node and remove everything the targets above made (asks nothing: your .busyhour data goes too)
	rm -rf $(VENV) $(PEERS) .busyhour .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache infrastructure/node/target *.egg-info

install: $(VENV)/.installed

$(VENV)/.installed: requirements.lock pyproject.toml infrastructure/prerequisites.sh
	@bash infrastructure/prerequisites.sh "$(PYTHON)"
	@echo "installing pinned Python packages into $(VENV) (once)"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/pip install --quiet --requirement requirements.lock
	@$(BIN)/pip install --quiet --quiet --no-deps --editable .
	@touch $@

lock: ## refresh requirements.lock from pyproject.toml
	$(BIN)/pip install --quiet pip-tools
	$(BIN)/pip-compile --quiet --upgrade --extra dev --extra dask --strip-extras --no-emit-index-url --no-emit-trusted-host --no-emit-find-links --output-file requirements.lock pyproject.toml
