# The commands of this project. Each sets up .venv first, once.
PYTHON ?= python3
BIN := .venv/bin
ARGS ?=

.PHONY: test lint fix golden bench demo clean

test: .venv/ready
	$(BIN)/python -m pytest -n auto $(ARGS)

lint: .venv/ready
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

fix: .venv/ready
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

golden: .venv/ready
	$(BIN)/python -m pytest --update-golden $(ARGS)
	git status --short -- tests/golden

bench: .venv/ready
	$(BIN)/python -m benchmarks.run $(ARGS)

demo: .venv/ready
	$(BIN)/stepping demo $(ARGS)

clean:
	rm -rf .venv build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis

.venv/ready: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "stepping needs Python 3.11 or newer; name one: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; \
	  exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { \
	  echo "$(PYTHON) has no venv module; on Debian and Ubuntu: apt install python3-venv" >&2; \
	  exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]'
	touch $@
