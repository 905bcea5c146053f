# make demo   set everything up and do the main job on the bundled films
# make test   set everything up and pass the tests
# make check  all that CI holds: format, lint, types, direction of imports, tests

PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
export HF_HUB_OFFLINE := 1

.PHONY: demo test check format serve tables clean

demo: $(VENV)/installed
	@$(BIN)/python -m scripts.demo

test: check

check: $(VENV)/installed
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest $(if $(CLEW_TEST_NEO4J_URI),-n 0,-n 2 --dist loadfile)

format: $(VENV)/installed
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

tables: $(VENV)/installed
	$(BIN)/python -m benchmarks.tables

$(VENV)/installed: pyproject.toml constraints.txt
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing Clew and what it needs into $(VENV) (a few minutes the first time)…"
	@$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev]'
	@touch $@

clean:
	rm -rf $(VENV) .clew
