# Everything happens in .venv, which the first target that needs it makes from requirements.lock.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
READY := .venv/.ready
PYTEST := $(BIN)/python -m pytest

.PHONY: demo test lint bench zip clean

# The main job, offline once installed: materials, scenes, depth and pictures under demo/.
demo: $(READY)
	$(BIN)/python docs/demo.py --out demo

# Everything CI runs. Blender as a module wants a process of its own.
test: $(READY) lint
	$(PYTEST) tests/engine tests/worker
	$(PYTEST) tests/blender
	$(PYTEST) tests/ui

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports --no-logo
	$(BIN)/python tests/lint/circles.py
	$(BIN)/python -m basedpyright

bench: $(READY)
	$(BIN)/python -m benchmarks

# The extension, built and validated by Blender's own tool.
zip: $(READY)
	$(BIN)/python tests/ui/pack.py dist

clean:
	rm -rf .venv build dist demo

$(READY): requirements.lock pyproject.toml blender_manifest.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' || \
		{ echo "Depthwright's environment needs Python 3.11: make PYTHON=/path/to/python3.11" >&2; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $(READY)
