# Everything happens in .venv, which the first target that needs it makes from requirements.lock.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
READY := .venv/.ready
# A file's tests stay together, for what they share is made once a process; and Blender as a module wants a process
# that has not loaded torch, so it has a run of its own.
JOBS ?= 2
PYTEST := $(BIN)/python -m pytest -q -n $(JOBS) --dist loadfile
NO_BLENDER := tests/engine tests/worker tests/shipping tests/lint
BLENDERS ?= $(or $(DEPTHWRIGHT_BLENDER_CHROOTS),build)

.PHONY: demo test test-fast test-long test-ui lint bench zip release clean

# The main job, offline once installed: materials, scenes, depth and pictures under demo/.
demo: $(READY)
	$(BIN)/python docs/demo.py --out demo

# Everything CI runs.
test: lint
	$(PYTEST) -m "not long" $(NO_BLENDER)
	$(PYTEST) -m "not long" tests/blender

# What takes minutes, or needs the network.
test-long: $(READY)
	$(BIN)/python -m pytest -q -m long tests/engine tests/worker tests/shipping tests/blender

# While you work: without what is marked slow.
test-fast: $(READY)
	$(PYTEST) -m "not slow and not long" $(NO_BLENDER)
	$(PYTEST) -m "not slow and not long" tests/blender

# The zip in real Blenders with a window. Needs Linux, root and debootstrap; the first time makes both systems (2.5 GB).
test-ui: $(READY)
	tests/ui/machine/blender-chroot trixie $(BLENDERS)/blender-4.3
	tests/ui/machine/blender-chroot sid $(BLENDERS)/blender-5.2
	DEPTHWRIGHT_BLENDER_CHROOTS=$(abspath $(BLENDERS)) $(BIN)/python -m pytest -q tests/ui

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports --no-logo
	$(BIN)/python tests/lint/circles.py
	$(BIN)/python -m basedpyright
	$(BIN)/python -m check_jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml
	$(BIN)/python -m check_jsonschema --builtin-schema vendor.github-issue-forms .github/ISSUE_TEMPLATE/bug.yml .github/ISSUE_TEMPLATE/idea.yml
	$(BIN)/python -m check_jsonschema --builtin-schema vendor.github-issue-config .github/ISSUE_TEMPLATE/config.yml
	$(BIN)/python -m check_jsonschema --builtin-schema vendor.dependabot .github/dependabot.yml

bench: $(READY)
	$(BIN)/python -m benchmarks

# The extension, built and validated by Blender's own tool.
zip: $(READY)
	$(BIN)/python tests/shipping/pack.py dist

# What a tagged commit ships, under dist/: the zip, the wheel, and the index by which Blender gets the zip from a URL.
release: $(READY)
	$(BIN)/python -m depthwright.tests.shipping.release dist

clean:
	rm -rf .venv build dist demo

$(READY): requirements.lock pyproject.toml setup.py blender_manifest.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' || \
		{ echo "Depthwright's environment needs Python 3.11: make PYTHON=/path/to/python3.11" >&2; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $(READY)
