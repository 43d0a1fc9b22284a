# The two commands of the README: `make repro` and `make test`. Everything else serves them.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
export PATH := $(CURDIR)/$(BIN):$(PATH)
# DVC and MLflow must not call home, and a run must not depend on who makes it.
export DVC_NO_ANALYTICS := 1
export MLFLOW_DISABLE_TELEMETRY := true

.PHONY: help environment repro experiments test test-slow lint docs bench clean

help:
	@echo "make environment   only install, into $(VENV)"
	@echo "make repro   create the environment, run the pipeline on the synthetic set, name its tables"
	@echo "make experiments   run all experiments on the profile that is for CI, or PROFILE=quick"
	@echo "make test    run the tests"
	@echo "make test-slow   run the few that take most of a minute each, such as a lost Ray worker"
	@echo "make lint    ruff and mypy"
	@echo "make docs    build the documentation as a site, build/site"
	@echo "make bench   measure speed and memory beside their targets (more than half an hour, quiet machine)"
	@echo "make clean   remove the environment"

environment: $(VENV)/ready

# uv takes a fifth of pip's time, but does not read pip's configuration: pip fetches torch, which many
# machines have an index of their own for, and everything where uv finds none. Modules are compiled
# when they are first used; most never are.
define install
$(BIN)/uv pip install --system-certs --quiet --python $(BIN)/python --constraint constraints.txt $(1) || \
	$(BIN)/pip install --quiet --no-compile --constraint constraints.txt $(1)
endef

# What `make repro` needs, and pytest, for the test of a method of one's own. torch first and pinned: a
# looser request may bring gigabytes of CUDA packages.
$(VENV)/ready: pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed, this is " + sys.version.split()[0] if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --no-compile --constraint constraints.txt torch
	-$(BIN)/pip install --quiet --no-compile --constraint constraints.txt uv
	$(call install,--editable . pytest)
	touch $@

# What tests, linters and benchmarks need besides.
$(VENV)/ready-dev: $(VENV)/ready
	$(call install,--editable '.[dev]')
	touch $@

# A downloaded archive has no git: DVC then works without it.
repro: environment
	@git rev-parse --is-inside-work-tree >/dev/null 2>&1 || $(BIN)/dvc config --local core.no_scm true
	$(BIN)/python -m pipelines.side_by_side
	@$(BIN)/harness tables --list

# `dvc exp run` changes the profile for this run; it needs git.
experiments: PROFILE ?= tiny
experiments: environment
	$(BIN)/dvc exp run --set-param profile=$(PROFILE) experiments/dvc.yaml
	@$(BIN)/harness tables --profile $(PROFILE) --list

# By name, for xdist would begin with the files of most tests, not with those that take longest.
test: $(VENV)/ready-dev
	$(BIN)/python -m pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder

test-slow: $(VENV)/ready-dev
	$(BIN)/python -m pytest -m slow

lint: $(VENV)/ready-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# A link or anchor that leads nowhere fails. The site loads nothing from elsewhere.
docs: $(VENV)/ready-dev
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict
	@echo "build/site; look at it with: $(BIN)/mkdocs serve"

bench: $(VENV)/ready-dev
	$(BIN)/python -m benchmarks --page docs/performance.md

clean:
	rm -rf $(VENV)
