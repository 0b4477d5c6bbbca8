# allears: `make demo` to hear it, `make test` to check it. Both set up what they need in .venv.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet -c constraints.txt

.PHONY: demo test check lint types floors format fuzz bench atlas graphs clean

demo: .venv/.demo          ## call real speech over a bad network; make and open one page
	$(BIN)/allears demo --open

test: .venv/.dev lint types floors   ## run every check and every test
	$(BIN)/python -m pytest -n auto

lint: .venv/.dev
	$(BIN)/ruff check . && $(BIN)/ruff format --check .

types: .venv/.dev
	$(BIN)/mypy

floors: .venv/.dev
	$(BIN)/lint-imports

format: .venv/.dev
	$(BIN)/ruff format . && $(BIN)/ruff check --fix .

fuzz: .venv/.dev           ## coverage-guided fuzzing of every parser; RUNS inputs in all
	$(BIN)/python -m fuzz --runs $(or $(RUNS),10000000)

bench: .venv/.demo         ## write the tables in benchmarks/
	for b in benchmarks/*.py; do $(BIN)/python $$b || exit 1; done

atlas: .venv/.dev            ## make the outlines for maps anew; needs npm
	$(BIN)/python -m atlas

graphs: .venv/.dev         ## make the graphs of the networks anew, after a change to one of them
	$(BIN)/python -m graphs

.venv/bin/python:
	$(PYTHON) -m venv .venv

.venv/.demo: .venv/bin/python pyproject.toml constraints.txt
	$(PIP) -e '.[score]'
	-@$(PIP) 'pesq' 2>/dev/null || echo "PESQ left out: its package needs a C compiler"
	touch $@

.venv/.dev: .venv/.demo
	$(PIP) -e '.[score,train,asr,recipes,dev]'
	touch $@

clean:
	rm -rf .venv runs
