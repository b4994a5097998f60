# From a fresh clone: `make demo`. Everything lands in .venv, runs in checkpoints/; nothing else on the machine changes.
# pip takes its packages from where you have told it to (pip.conf, PIP_* variables).

PYTHON =# which Python to build on; otherwise the newest that is found
VENV = .venv
MINUTES = 1# that each part of the demo trains

bin = $(VENV)/bin
ready = $(VENV)/.ready# stamps: redone when what is installed changes
ready_dev = $(VENV)/.ready-dev
native = $(wildcard gen/engine/native/*)# compiled when gen is installed

.PHONY: help demo test test-slow lint bench clean

help:
	@echo "make demo       train for $(MINUTES) minute on text and for $(MINUTES) on music, then read and hear what was learned"
	@echo "make test       lint, types, layers and the quick tests"
	@echo "make test-slow  the tests that take longer"
	@echo "make lint       only the checks that run no test"
	@echo "make bench      the benchmarks"
	@echo "make clean      remove what make made; runs in checkpoints/ stay"

demo: $(ready)
	$(bin)/gen train @python --minutes $(MINUTES)
	$(bin)/gen sample -n 600 --ignore-end
	$(bin)/gen train @composer --minutes $(MINUTES)
	$(bin)/gen sample --seconds 30 -o demo.mid -o demo.wav -o demo.svg
	@echo
	@echo "The models are in checkpoints/, the music is in demo.mid, demo.wav and demo.svg. To go on:"
	@echo "    $(bin)/gen sample python --prompt 'The ' --temp 0.6"
	@echo "    $(bin)/gen train your-text.txt"
	@echo "    $(bin)/gen train your-midi-folder"

test: lint
	$(bin)/python -m pytest -m "not slow" --durations=10

test-slow: $(ready_dev)
	$(bin)/python -m pytest -m slow --durations=10

lint: $(ready_dev)
	$(bin)/ruff check
	$(bin)/ruff format --check
	$(bin)/mypy
	$(bin)/lint-imports --no-logo

bench: $(ready_dev)
	@for script in benchmarks/*.py; do echo "$$script"; $(bin)/python "$$script" || exit; done

clean:
	rm -rf $(VENV) build dist demo.mid demo.wav demo.svg *.egg-info gen/engine/_native.*.so .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(ready): pyproject.toml constraints.txt $(native)
	$(environment)
	$(bin)/python -m pip install --constraint constraints.txt --editable .
	@touch $@

$(ready_dev): pyproject.toml constraints.txt $(native)
	$(environment)
	$(bin)/python -m pip install --constraint constraints.txt --editable '.[dev]'
	@touch $(ready) $@

# Without a working pip the environment is missing, was interrupted, or has lost its Python: it is made anew.
define environment
@$(bin)/python -m pip --version >/dev/null 2>&1 || { \
	for python in $(or $(PYTHON),python3.14 python3.13 python3.12 python3.11 python3 python); do \
		if "$$python" -c 'import ensurepip, sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
			echo "making $(VENV) with $$("$$python" --version)"; \
			exec "$$python" -m venv --clear $(VENV); \
		fi; \
	done; \
	echo "$(if $(PYTHON),$(PYTHON) is no,Found no) Python 3.11 or newer with its venv module: install one" >&2; \
	echo "(Debian, Ubuntu: apt install python3-venv; macOS: brew install python)" >&2; \
	echo "or say where it is: make demo PYTHON=/path/to/python3" >&2; \
	exit 1; \
}
endef
