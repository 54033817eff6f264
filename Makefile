# `make` sets up and runs the main job, `make test` sets up and runs the tests; both may be repeated. `make help` lists.
SHELL := /bin/bash
.SHELLFLAGS := -o pipefail -c
PYTHON ?= python3
export PATH := $(CURDIR)/.venv/bin:$(PATH)
LOCAL_MNIST := $(shell cd ../shared/mnist 2> /dev/null && pwd)
ifneq ($(LOCAL_MNIST),)
export MNIST_MIRROR ?= $(LOCAL_MNIST)
endif
DVC := python -m dvc

.PHONY: run setup studies results dag deps test test-all coverage lint lock help checkout
run: .venv/ready  ## the main job: fetch MNIST, train the grid, evaluate, plot; about ten minutes on two cores
	@python -m stages.commands.repair && $(DVC) repro && python -m stages.commands.show

setup: .venv/ready  ## the environment alone, as a worker of a cluster needs it

studies: .venv/ready  ## every question of studies/params.yaml; what the store has is not trained again
	@python -m stages.commands.repair && { $(DVC) repro --keep-going studies/dvc.yaml; status=$$?; \
	  $(DVC) repro report && exit $$status; }

results: .venv/ready  ## write the tables and findings into README.md, RESULTS.md and COSTS.md
	python -m stages.commands.results README.md RESULTS.md COSTS.md

dag: .venv/ready  ## both pipelines, a line for each stage with what it follows
	@python -m stages.commands.dag

deps: .venv/ready  ## after a change of imports: write the source files that each stage depends on into dvc.yaml
	python -m stages.commands.deps

TESTS := python -m pytest -n auto --maxprocesses 4
test: .venv/ready-dev  ## set up and run the tests; at most eight minutes on two cores
	$(TESTS)

test-all: .venv/ready-dev  ## the same with 100 kills, 300 draws of parameters, 46 reruns, and a sample of every study
	KILLS=100 EXAMPLES=300 RERUNS=46 $(TESTS) -m ''

coverage: .venv/ready-dev  ## which lines and branches of stages/ the tests run, in every process that they start
	rm -f .coverage .coverage.*
	export COVERAGE_PROCESS_START="$(CURDIR)/pyproject.toml" COVERAGE_FILE="$(CURDIR)/.coverage"; \
	  $(TESTS) && python -m coverage combine --quiet && python -m coverage report

lint: .venv/ready-dev  ## style and types
	python -m ruff check .
	python -m ruff format --check .
	python -m mypy

LOCK := uv pip compile --quiet --universal --no-strip-extras --python-version 3.11 --generate-hashes --no-header
lock: .venv/ready-dev  ## after a change of requirements*.txt: versions and hashes of all that gets installed
	$(LOCK) requirements.txt -o requirements.lock
	$(LOCK) -c requirements.lock requirements-dev.txt -o requirements-dev.lock

help:  ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' Makefile

# DVC keeps its record beside git's
checkout:
	@git rev-parse --git-dir > /dev/null 2>&1 \
	  || { echo 'error: this folder is no git checkout, and DVC needs one: git init, or git clone the repository'; exit 1; }

.venv/bin/python: | checkout
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo 'error: $(PYTHON) is older than 3.11; name a newer one: make PYTHON=python3.12'; exit 1; }
	$(PYTHON) -m venv .venv

.venv/ready: requirements.lock | .venv/bin/python
	@echo 'installing what requirements.lock names, about 6 GB, in a few minutes'
	python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	python -m stages.commands.pages
	@touch $@

.venv/ready-dev: requirements-dev.lock .venv/ready
	python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@touch $@
