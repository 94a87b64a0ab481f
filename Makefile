# Everything a user or CI types. `make setup` makes .venv with all packages, kernels and commands.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
export PATH := $(CURDIR)/$(BIN):$(PATH)
PLUGINS := $(wildcard plugins/*)

.PHONY: setup kernels test lint
setup: $(VENV)/ready

$(VENV)/ready: pyproject.toml $(wildcard plugins/*/pyproject.toml) cython_kernels/pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install -q --upgrade pip
	$(BIN)/pip install -q meson-python meson ninja "Cython>=3" numpy hatchling
	$(BIN)/pip install -q --no-build-isolation ./cython_kernels
	$(BIN)/pip install -q -r requirements-dev.txt -e . $(addprefix -e ,$(PLUGINS))
	touch $@

kernels:
	$(BIN)/pip install -q --no-build-isolation --no-deps --force-reinstall ./cython_kernels

test: setup
	$(BIN)/pytest -q -x -m "not vendor and not zoo"

lint: setup
	$(BIN)/ruff check .
	$(BIN)/pyright
