# Everything happens in .venv/. `make` alone lists the targets.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

BIN := .venv/bin
STAMP := .venv/.installed
PYTEST := $(BIN)/python -m pytest

# Each of these starts installations and trains, so they take the whole machine one after the other.
WHOLE := tests/docs tests/e2e

# The failpoints that no day of an installation passes.
KILLS := tests/contract/test_migrations.py tests/unit/tracking/test_live.py tests/unit/worker/test_environments.py

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-12s %s\n", $$1, $$2}' Makefile

.PHONY: setup
setup: $(STAMP) ## install Pileus and its tools into .venv/ (at once when nothing changed)

# A run that fails half-way leaves no stamp, so the next one starts again.
$(STAMP): pyproject.toml constraints.txt scripts/setup.sh
	@PYTHON='$(PYTHON)' scripts/setup.sh
	@touch $@

.PHONY: quickstart
quickstart: setup ## from real data to a billed prediction, on this machine
	$(BIN)/pileus quickstart

.PHONY: test
test: lint ## everything that gates a change: make check and all tests
	$(PYTEST) -n logical --maxprocesses 8 --dist loadfile $(WHOLE:%=--ignore=%)
	$(PYTEST) $(WHOLE)

.PHONY: check
check: lint ## what is quick: lint, format, types, imports, documentation
	$(PYTEST) -q -m "not slow and not soak" tests/architecture tests/docs

# Four targets rather than one recipe, so that `make -k check` shows all that is wrong.
.PHONY: lint lint-rules lint-format lint-types lint-layers
lint: lint-rules lint-format lint-types lint-layers
lint-rules: setup
	$(BIN)/ruff check .
lint-format: setup
	$(BIN)/ruff format --check .
lint-types: setup
	$(BIN)/mypy
	$(BIN)/mypy tests scripts
lint-layers: setup
	$(BIN)/lint-imports --no-logo

.PHONY: format
format: setup ## put the sources in the one format
	$(BIN)/ruff check --fix-only --quiet .
	$(BIN)/ruff format .

.PHONY: soak
soak: setup ## kills at every failpoint and at random, lost nodes, full disks (an hour; PILEUS_SOAK_MINUTES=1 for less)
	$(PYTEST) -m soak --timeout 1800
	$(PYTEST) $(KILLS)

.PHONY: bench
bench: setup ## benchmarks beside their peers; results carry date and hardware
	$(BIN)/python -m benchmarks

.PHONY: reference
reference: setup ## write docs/reference/ anew from the code
	$(BIN)/python scripts/reference.py

.PHONY: docs
docs: setup ## build the documentation into site/
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict
