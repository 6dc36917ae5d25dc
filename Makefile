# Every target sets up what it needs; `make demo` and `make test` are the two to begin with.
PYTHON ?= python3.11
BIN := .venv/bin
READY := .venv/.ready
DEMO ?= build/demo

.PHONY: install demo test test-all check format lock bench clean

install: $(READY)

$(READY): setup.py requirements.lock
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --constraint requirements.lock --editable '.[dev]'
	touch $(READY)

demo: $(READY)
	$(BIN)/python -m examples.digits --folder $(DEMO)

test: $(READY)
	$(BIN)/python -m pytest -m "not acceptance and not faults and not cluster"

test-all: $(READY)
	$(BIN)/python -m pytest -m "acceptance or faults or cluster"

check: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(READY)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(READY)
	$(BIN)/python -m benchmarks.extraction --json build/bench-extraction.json

lock:
	$(PYTHON) -m venv build/lock
	build/lock/bin/python -m pip install --quiet uv==0.13.9
	build/lock/bin/uv pip compile --quiet --python-version 3.11 --no-annotate --no-header \
	    --extra dev --output-file requirements.lock setup.py

clean:
	rm -rf build .venv
