# One command for a newcomer (demo), one for each kind of check; `make check` is what CI runs.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help setup demo test chaos check lint types layers bench schema lock test-browser kafka test-kafka clean

help: ## show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

# pip of the interpreter installs into the environment, so the machine needs neither ensurepip nor the venv package's wheels.
$(READY): requirements.lock pyproject.toml
	$(PYTHON) -m venv --without-pip $(VENV)
	$(PYTHON) -m pip --python $(BIN)/python install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(PYTHON) -m pip --python $(BIN)/python install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

setup: $(READY) ## set up .venv from the lock file

demo: $(READY) ## a simulated firm, live, on the embedded host (ARGS="--events 20000 --no-serve" for a bounded run)
	$(BIN)/headrace demo $(ARGS)

test: $(READY) ## the test suite, but for the tests that take a minute each
	$(BIN)/python -m pytest -m "not slow" $(ARGS)

chaos: $(READY) ## the tests that take a minute each: kills under load (needs what test-kafka needs)
	$(BIN)/python -m pytest -m "slow or (slow and kafka)" $(ARGS)

lint: $(READY)
	$(BIN)/ruff check . && $(BIN)/ruff format --check .

types: $(READY)
	$(BIN)/mypy

layers: $(READY)
	$(BIN)/lint-imports --no-cache

check: lint types layers test chaos ## lint, types, layers, all tests: what CI runs

bench: $(READY) ## ratios and profiles; see bench/README.md
	$(BIN)/python -m bench $(ARGS)

schema: $(READY) ## write the JSON Schemas and the AsyncAPI document from the models
	$(BIN)/headrace schema --write

test-browser: $(READY) ## drive the page in Debian's Chromium
	$(BIN)/python -m pytest -m browser tests/browser $(ARGS)

kafka: $(READY) ## Apache Kafka in the foreground on loopback (ARGS="--port 9092 --data DIR"); needs Java 17, at first Maven
	$(BIN)/python -m tests.kafka.broker $(ARGS)

test-kafka: $(READY) ## the worker on a real Kafka; fails where none can be had
	$(BIN)/python -m pytest -m "kafka and not slow" tests/kafka $(ARGS)

COMPILE := $(VENV)-lock/bin/pip-compile --quiet --generate-hashes --strip-extras --allow-unsafe --no-emit-index-url --no-emit-trusted-host --no-emit-find-links

lock: ## pin what pyproject.toml asks for in requirements.lock (ARGS=--upgrade for newer versions), for the image the part it needs
	$(PYTHON) -m venv --without-pip $(VENV)-lock
	$(PYTHON) -m pip --python $(VENV)-lock/bin/python install --quiet pip-tools
	$(COMPILE) --extra dev --output-file requirements.lock $(ARGS) pyproject.toml
	$(COMPILE) --constraint requirements.lock --output-file docker/requirements.lock pyproject.toml
	rm -rf $(VENV)-lock

clean:
	rm -rf $(VENV) $(VENV)-lock build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
