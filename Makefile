# make run     the app:   an environment in .venv, its packages, the server. The second time it starts at once.
# make test    the tests: the same, the test tools and a Chromium, then lint, types, imports and pytest.
#
#   PORT=8600      the port (without it the next free one from 8501)
#   HOST=0.0.0.0   the address to listen on (without it 127.0.0.1: this machine only)
#   TORCH=cpu      PyTorch's CPU build: about 0.4 GB to download instead of about 3 GB on Linux
#   JOBS=2         how many tests run at a time
#   PYTHON=...     the Python to make the environment with (3.11 or newer)

SHELL := /bin/sh
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11 python; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$p; break; }; done)
HOST ?= 127.0.0.1
TORCH ?= default
JOBS ?= 2
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
CPU_INDEX := https://download.pytorch.org/whl/cpu

RUN_STAMP := $(VENV)/.run-$(TORCH)
DEV_STAMP := $(VENV)/.dev-$(TORCH)

.PHONY: run test check check-long lint format benchmarks clean
.DEFAULT_GOAL := run

run: $(RUN_STAMP)
	@exec $(BIN)/python -m streamlit run app.py --server.address $(HOST) $(if $(PORT),--server.port $(PORT))

test: $(DEV_STAMP) lint
	$(BIN)/python -m pytest -m "not long" -n $(JOBS) --dist loadfile

check-long: $(DEV_STAMP) lint
	$(BIN)/python -m pytest -n $(JOBS) --dist loadfile

check: test

lint: $(DEV_STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(DEV_STAMP)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

benchmarks: $(DEV_STAMP)
	$(PIP) install --quiet -r benchmarks/requirements.txt -c constraints.txt
	$(BIN)/python -m benchmarks.training
	$(BIN)/python -m benchmarks.live_view

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis

$(VENV)/pyvenv.cfg:
	@test -n "$(PYTHON)" || { echo "ResNet Viz needs Python 3.11 or newer: install one, or name it with PYTHON=..."; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); \
		echo "Python could not make an environment; on Debian and Ubuntu: apt install python3-venv"; exit 1; }

$(RUN_STAMP): $(VENV)/pyvenv.cfg requirements.txt constraints.txt
	@if [ "$(TORCH)" = cpu ] || [ "$$(uname -s)" != Linux ]; then \
		echo "Installing: about 0.4 GB to download, once."; \
	else \
		echo "Installing: about 3 GB to download, once, most of it PyTorch for NVIDIA GPUs. Without a GPU: make TORCH=cpu"; \
	fi
	@if [ "$(TORCH)" = cpu ]; then $(PIP) install --index-url $(CPU_INDEX) -c constraints.txt torch torchvision --extra-index-url https://pypi.org/simple; fi
	@$(PIP) install --progress-bar on -r requirements.txt -c constraints.txt
	@touch $@

$(DEV_STAMP): $(RUN_STAMP) requirements-dev.txt
	@$(PIP) install --quiet -r requirements-dev.txt -c constraints.txt
	@$(BIN)/python tests/browser/chromium.py --install
	@touch $@
