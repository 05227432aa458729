# make run    sets everything up and runs the daily flow once, on the demo site or on SITE=https://...
# make test   sets everything up and runs the tests that are not slow, in some minutes

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SITE ?= demo
PYTEST := $(BIN)/pytest --dist loadscope --no-loadscope-reorder
# What the tests read our files with, outside the locked environment: an older and the next DuckDB, tools of analysts.
COMPAT := .compat

.DEFAULT_GOAL := help
.PHONY: help setup run quick test test-slow test-all check lint types layers counts test-duckdb2 compat bench pictures lock clean

help:
	@echo "make setup          virtual environment in .venv with the locked versions"
	@echo "make run            one daily run under Prefect on the demo site (SITE=https://... for another)"
	@echo "make quick ROOM=parse  lint, types and the tests of one room that are not slow: half a minute on two cores, models one or two"
	@echo "make test           the tests that are not marked slow: some five minutes on two cores"
	@echo "make test-slow      the others; make test-all runs both"
	@echo "make check          format, lint, types, layers and the counts of files, lines and names"
	@echo "make test-duckdb2   the tests that touch DuckDB, on DuckDB 2.0.0, without some slow ones"
	@echo "make bench          the benchmarks that the README's figures come from"
	@echo "make pictures       the pictures of README and docs, from demo-data, which it plays where it is missing"
	@echo "make lock           the lock files anew from pyproject.toml"

setup: $(VENV)/.locked

# What running needs, by uv in seconds.
$(VENV)/.run-locked: requirements.lock pyproject.toml scripts/install.py
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(0 if v >= (3, 11) else f"ca_etl needs Python 3.11 or newer, and $(PYTHON) is {v[0]}.{v[1]}: make setup PYTHON=python3.12")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python scripts/install.py requirements.lock
	@touch $@

# And the tools of development.
$(VENV)/.locked: requirements-dev.lock $(VENV)/.run-locked
	$(BIN)/python scripts/install.py requirements.lock requirements-dev.lock
	@touch $@

run: $(VENV)/.run-locked
	$(BIN)/python -m flows.daily --site $(SITE)

# The rooms are the folders of tests/; this is the loop of a change.
quick: setup
	$(if $(ROOM),,$(error name a folder of tests/, such as: make quick ROOM=parse))
	$(BIN)/ruff check --quiet . && $(BIN)/mypy --no-error-summary
	$(BIN)/pytest -q -n 2 --dist worksteal -m "not slow" tests/$(ROOM)

test: setup compat
	$(PYTEST) -n 3 -m "not slow"

test-slow: setup compat
	$(PYTEST) -n 3 -m slow

test-all: setup compat
	$(PYTEST) -n 3

check: lint types layers counts

lint: setup
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: setup
	$(BIN)/mypy

layers: setup
	$(BIN)/lint-imports

counts: setup
	$(BIN)/python scripts/counts.py

compat: $(COMPAT)/duckdb-1.2.2/.locked $(COMPAT)/duckdb-2.0.0/.locked $(COMPAT)/analyst/.locked

# An environment of its own: one wheel, so that nothing of ours can help it.
$(COMPAT)/duckdb-1.2.2/.locked: tests/compat/duckdb-1.2.2.lock
	$(PYTHON) -m venv $(COMPAT)/duckdb-1.2.2
	$(COMPAT)/duckdb-1.2.2/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r $<
	@touch $@

# A folder to put before site-packages: the same environment, with the next major version of DuckDB.
$(COMPAT)/duckdb-2.0.0/.locked: tests/compat/duckdb-2.0.0.lock | setup
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes --upgrade --target $(COMPAT)/duckdb-2.0.0 -r $<
	@touch $@

# pandas, matplotlib and frictionless: the recipes of docs/rates.md and the exports, without anything of ours.
$(COMPAT)/analyst/.locked: tests/compat/analyst.lock scripts/install.py
	$(PYTHON) -m venv $(COMPAT)/analyst
	$(COMPAT)/analyst/bin/python scripts/install.py --locks-only $<
	@touch $@

# Of commands, pages and steps the slow tests run on one DuckDB alone: all of them on both took 25 minutes.
test-duckdb2: DUCKDB2 := PYTHONPATH=$(COMPAT)/duckdb-2.0.0
test-duckdb2: setup compat
	$(DUCKDB2) $(BIN)/python -c 'import duckdb; assert duckdb.__version__ == "2.0.0", duckdb.__version__'
	$(DUCKDB2) $(PYTEST) -n 2 -q tests/warehouse tests/models tests/scenarios
	$(DUCKDB2) $(PYTEST) -n 2 -q -m "not slow" tests/pipeline tests/report tests/cli tests/test_documents.py

bench: setup
	$(BIN)/python -m benchmarks

pictures: setup demo-data/current
	$(BIN)/python scripts/pictures.py demo-data docs/pictures

demo-data/current: | setup
	CA_ETL_DATA_DIR=demo-data $(BIN)/ca-etl demo --days 30 --outage 2025-12-10

COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --upgrade \
	--no-header --no-annotate --no-emit-index-url --no-emit-find-links

lock: setup
	$(COMPILE) pyproject.toml --extra flows --group build -c constraints.txt -o requirements.lock
	$(COMPILE) pyproject.toml --extra cluster --extra ducklake --group dev -c requirements.lock -o requirements-dev.lock \
	    $$(sed -n 's/^\([a-z0-9-]*\)==.*/--no-emit-package \1/p' requirements.lock)
	$(COMPILE) --group analyst -c requirements.lock -o tests/compat/analyst.lock
	$(COMPILE) benchmarks/requirements.in -o benchmarks/requirements.lock

clean:
	rm -rf $(VENV) $(COMPAT)
