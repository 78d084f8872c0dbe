# Every target sets up .venv first where it is missing or out of date (see bootstrap.sh).
SHELL := /bin/sh
BIN := .venv/bin
PARTS := schema ads experiments datasets model components pipeline serving gateway cli
PYTEST_ARGS ?=
# Without compiled modules every process compiles TensorFlow's thousands anew, which triples its start.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help setup demo test cluster-test kubeflow-test lint lock schemas wheel image clean

help: ## what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' Makefile

setup: ## make .venv from the lock of the stack that fits this machine, hashes checked
	@sh bootstrap.sh

demo: setup ## simulate a shop, run the pipeline, serve it and ask it
	@$(BIN)/aisle demo

test: setup ## all tests (PYTEST_ARGS="-m 'not e2e'" leaves the long ones out)
	@$(BIN)/python -m pytest tests --numprocesses 2 --dist loadgroup --no-loadscope-reorder $(PYTEST_ARGS)

cluster-test: setup ## the run whose Beam works in other processes, Flink's and Spark's among them (AISLE_JOB_SERVER=HOST:PORT of another job server)
	@AISLE_CLUSTER=1 $(BIN)/python -m pytest tests/cluster

kubeflow-test: setup ## run every step of a compiled specification, out of the lock and the wheel alone
	@sh tests/kubeflow/install.sh
	@AISLE_KUBEFLOW=build/kubeflow/venv $(BIN)/python -m pytest tests/kubeflow $(PYTEST_ARGS)

lint: setup ## style, format, types and the direction of imports
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@mkdir -p build/lint/aisle
	@for part in $(PARTS); do ln -sfn ../../../$$part build/lint/aisle/$$part; done
	@$(BIN)/mypy -p aisle -p benchmarks
	@PYTHONPATH=build/lint $(BIN)/lint-imports

LOCK := .venv/bin/uv pip compile pyproject.toml --extra dev --group weights --quiet \
	--generate-hashes --no-annotate --no-header
lock: setup ## bring both locks up to pyproject.toml (versions stay where they can)
	@$(LOCK) --universal --python-version 3.12 --output-file requirements-modern.lock
	@$(LOCK) --python-version 3.10 --python-platform x86_64-unknown-linux-gnu --output-file requirements-old.lock

schemas: setup ## write the reports' JSON Schemas, docs/schemas, from the code
	@$(BIN)/python -m aisle.components.reports.schemas docs/schemas

wheel: setup ## build dist/aisle-VERSION-py3-none-any.whl
	@rm -rf build/lib build/bdist.*
	@$(BIN)/python -m build --wheel --no-isolation --outdir dist .

image: ## build the pipeline's container image aisle:dev, with docker or podman (IMAGE_ARGS="--build-arg BASE=…")
	@sh image.sh $(IMAGE_ARGS)

clean: ## remove .venv and everything built
	rm -rf .venv build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
