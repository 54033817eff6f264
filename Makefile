# `make` sets up and runs the main job, `make test` sets up and runs the tests; both may be repeated. `make help` lists.
SHELL := /bin/bash
.SHELLFLAGS := -o pipefail -c
PYTHON ?= python3
export PATH := $(CURDIR)/.venv/bin:$(PATH)
LOCAL_MNIST := $(abspath $(wildcard ../shared/mnist))
ifneq ($(LOCAL_MNIST),)
export MNIST_MIRROR ?= $(LOCAL_MNIST)
endif

.PHONY: run digits experiments compare prune results test coverage lint lock help
run: .venv/ready  ## the main job: fetch MNIST, train the grid, evaluate, plot; about ten minutes on two cores
	@python -m stages.commands.repair && python -m stages.check --out data/params.ok
	@if dvc repro download 2>&1 | tee .dvc/tmp/download.log; then python -m stages.sweep; \
	elif grep -q 'no mirror gave' .dvc/tmp/download.log; then $(MAKE) --no-print-directory digits INSTEAD=1; else exit 1; fi

# as an experiment in a folder of its own: params.yaml, dvc.lock, metrics/ and plots/ here stay as they are
digits: .venv/ready  ## the same on scikit-learn's digits, which need no network, as an experiment
ifdef INSTEAD
	@printf '\n%s\n%s\n\n' '*** THE DATA SET COULD NOT BE FETCHED (see above). Running the same pipeline on scikit-learn digits INSTEAD. ***' \
	  '*** What follows says nothing about MNIST. To try again: make, or MNIST_MIRROR=folder-or-URL make ***'
endif
	python -m stages.sweep digits
	@printf '%s\n' 'Its tables and figures are in experiments/digits/; those in metrics/ and plots/ are not its own.'

experiments: .venv/ready  ## every named experiment, and their comparison; about an hour on two cores
	for name in $(basename $(notdir $(wildcard experiments/*.yaml))); do python -m stages.sweep $$name || exit 1; done
	$(MAKE) --no-print-directory compare

compare: .venv/ready  ## the figures that show several experiments
	python -m stages.commands.compare metrics experiments/l1-subgradient experiments/l1-proximal --out plots/penalties.png
	python -m stages.commands.compare metrics experiments/small-step --out plots/step_size.png
	python -m stages.commands.compare experiments/label-noise experiments/label-noise-l1 --out plots/label_noise.png
	python -m stages.commands.compare experiments/width-clean experiments/width-noise --over width --out plots/widths.png

prune: .venv/ready  ## test error over sparsity by pruning; about a quarter of an hour on two cores
	@python -m stages.commands.repair && python -m stages.check --out data/params.ok && dvc repro download && python -m stages.sweep --study prune

results: .venv/ready  ## write the tables and findings into README.md and RESULTS.md
	python -m stages.commands.results README.md RESULTS.md

TESTS := python -m pytest -n auto --maxprocesses 4 --dist loadfile
test: .venv/ready-dev  ## set up and run the tests
	$(TESTS)

coverage: .venv/ready-dev  ## which lines and branches of stages/ the tests run, in every process that they start
	rm -f .coverage .coverage.*
	export COVERAGE_PROCESS_START=$(CURDIR)/pyproject.toml COVERAGE_FILE=$(CURDIR)/.coverage; \
	  $(TESTS) && python -m coverage combine --quiet && python -m coverage report

lint: .venv/ready-dev  ## style and types
	ruff check .
	ruff format --check .
	mypy

LOCK := uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header
lock: .venv/ready-dev  ## after a change of requirements*.txt: versions and hashes of all that gets installed
	$(LOCK) requirements.txt -o requirements.lock
	$(LOCK) -c requirements.lock requirements-dev.txt -o requirements-dev.lock

help:  ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' Makefile

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo 'error: $(PYTHON) is older than 3.11; name a newer one: make PYTHON=python3.12'; exit 1; }
	$(PYTHON) -m venv .venv

.venv/ready: requirements.lock | .venv/bin/python
	python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	python -m stages.commands.page
	@touch $@

.venv/ready-dev: requirements-dev.lock .venv/ready
	python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@touch $@
