# Every target does its own set-up. `make demo` and `make test` are where to begin.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Most tests wait for processes that they have started: some more at a time than there are cores take half the time.
PYTEST_PROCESSES ?= 4
PIP := $(BIN)/pip --quiet --disable-pip-version-check

.PHONY: help demo test lint locust-versions bench compare up down pin clean

help:
	@echo "make demo     a server and simulated users for 30 s, then the fan-out table; no Docker"
	@echo "make test     all tests, with everything that they need"
	@echo "make lint     ruff, mypy, the import contract"
	@echo "make locust-versions   what the load test relies on in Locust, against the lowest, the pinned and the latest one"
	@echo "make up       server and simulated users in containers, Locust's page on http://127.0.0.1:8089"
	@echo "make bench    the side-by-side measurements of docs/measurements.md, in about 25 minutes; writes report/bench.svg"
	@echo "make compare  broadcast against this server, ngIRCd, InspIRCd and Ergo: one table; COMPARE_ARGS=\"--users 500\""
	@echo "make pin      write requirements/*.txt anew from requirements/*.in"

demo: $(VENV)/.load
	@$(BIN)/python -m loadtest.demo

test: $(VENV)/.dev
	@tests/system-packages.sh $(BIN)/python
	@tests/run-with-display.sh $(BIN)/python -m pytest --numprocesses $(PYTEST_PROCESSES) --dist loadfile --no-loadscope-reorder $(PYTEST_ARGS)

lint: $(VENV)/.dev
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache

locust-versions:
	@tests/loadtest/locust-versions.sh $(PYTHON) $(VENV)-locust

bench: $(VENV)/.bench
	@mkdir -p report
	@$(BIN)/python -m bench --json report/bench.json --plot report/bench.svg $(BENCH_ARGS)

# Without an engine it needs what the demo needs.
compare:
	@docker/compose.sh version >/dev/null 2>&1 || $(MAKE) --no-print-directory $(VENV)/.load
	@PYTHON=$(BIN)/python docker/compare.sh $(COMPARE_ARGS)

up:
	@docker/compose.sh up --build

down:
	@docker/compose.sh down

pin: $(VENV)/.dev
	@$(PIP) install uv
	@for set in build load client bench cluster metrics web dev; do \
	    $(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes \
	        --no-annotate --no-emit-index-url --no-emit-find-links --custom-compile-command "make pin" \
	        --output-file requirements/$$set.txt requirements/$$set.in || exit; \
	done

clean:
	rm -rf $(VENV) $(VENV)-locust report .mypy_cache .ruff_cache .pytest_cache .hypothesis *.egg-info

# A stamp file says which packages the virtual environment holds; a changed pin or project file makes them anew.
$(VENV)/.made:
	@tests/make-venv.sh $(PYTHON) $(VENV)
	@touch $@

$(VENV)/.load: $(VENV)/.made requirements/load.txt requirements/build.txt pyproject.toml
	@echo "installing the load test's packages ..."
	@$(PIP) install --require-hashes -r requirements/build.txt -r requirements/load.txt
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.bench: $(VENV)/.load requirements/bench.txt
	@echo "installing the benchmark's packages ..."
	@$(PIP) install --require-hashes -r requirements/bench.txt
	@touch $@

$(VENV)/.dev: $(VENV)/.load requirements/dev.txt
	@echo "installing the tests' packages ..."
	@$(PIP) install --require-hashes -r requirements/dev.txt
	@touch $@
