# The one list of commands. Each makes the set-up it needs; nothing is asked.

SHELL := /bin/sh
.DEFAULT_GOAL := help
PY := .venv/bin/python

# A cluster's or another project's Spark and Python must not lead ours astray.
unexport SPARK_HOME SPARK_CONF_DIR HADOOP_CONF_DIR PYTHONPATH PYTHONHOME PYTHONDONTWRITEBYTECODE VIRTUAL_ENV
unexport PYSPARK_DRIVER_PYTHON PYSPARK_SUBMIT_ARGS
export PYSPARK_PYTHON := $(CURDIR)/.venv/bin/python

.PHONY: help setup ready demo test unit lint format types check bench crash soak package lock clean

help: ## This list
	@awk 'BEGIN { FS = ":.*## " } /^[a-z]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' Makefile

setup: ## Python environment, locked packages, jars, native decoder; a second call takes no time
	@scripts/setup --again

ready:
	@scripts/setup

demo: ready ## The main job on real sample data, with everything on this machine
	@$(PY) scripts/demo.py

test: ready ## All tests, in two processes side by side
	@$(PY) -m pytest -n 2 --dist loadfile

unit: ready ## The tests that need no Spark, in seconds
	@$(PY) -m pytest tests/unit

crash: ready ## Every state of the crash matrix, at every pass of every step; K="republish or retain": a part of it
	@$(PY) -m pytest -m crash --deep -v $(if $(K),-k "$(K)")

soak: ready ## The state machines of ingest for long: SOAK times as many stories, 30 unless said; SEED=… as before
	@SOAK=$${SOAK:-30} $(PY) -m pytest -n 2 --dist loadfile -o faulthandler_timeout=0 tests/unit/pipeline/test_state_machine.py tests/unit/pipeline/test_state_machine_by_word.py

lint: ready ## Style, by ruff
	@$(PY) -m ruff check . && $(PY) -m ruff format --check .

format: ready ## Lays the code out and mends what ruff can mend
	@$(PY) -m ruff check --fix . && $(PY) -m ruff format .

types: ready ## Types, by mypy in strict mode
	@$(PY) -m mypy && $(PY) -m mypy jobs scripts

check: lint types test ## All of it: what CI runs

bench: ready ## Speed, against the tools one would use otherwise
	@$(PY) scripts/bench.py

package: ready ## The wheel, into dist/, with the native decoder where it is built; checked from an empty folder
	@$(PY) scripts/package.py

lock: ready ## Locks again what pyproject asks for (all at their newest: scripts/lock.py --upgrade)
	@$(PY) scripts/lock.py

clean: ## Takes out what set-up and builds made; data in .lakemart stays
	@rm -rf .venv .cache build dist lib/*.egg-info lib/native/target lib/lakemart/decode/*.so .mypy_cache .pytest_cache .ruff_cache .hypothesis
