# Every target sets up what it needs; `make demo` and `make test` are the two to begin with.
# With the newest Python here that setup.py supports, or with another one: make PYTHON=python3.12 test
PYTHON ?=
BIN := .venv/bin
# Packages are compiled at their first import. A shell that forbids to keep that would have every
# process compile TensorFlow anew: 17 seconds of processor time instead of 6.
unexport PYTHONDONTWRITEBYTECODE
READY := .venv/.ready
CLUSTER_READY := .venv/.ready-for-clusters
# pip takes its index from wherever it was told to; .ci/run takes uv, which is done in half the time.
INSTALL ?= $(BIN)/python -m pip install --no-compile
# Compiled as they are installed, and not by each of the first processes that import them.
COMPILED = keras, apache_beam, sklearn.svm, onnx, onnxruntime, tf2onnx, hypothesis
DEMO ?= build/demo
BENCH_IMAGES ?= 400
BENCH_REPEATS ?= 3
COMPILE = $(BIN)/uv pip compile --quiet --no-annotate --no-header
# The images have the Python of Debian 12.
IMAGE_LOCK = $(COMPILE) --python-version 3.11 --constraint requirements.lock --generate-hashes
IMAGE_LOCKS = common trainer worker-cpu worker-gpu dataflow
FLINK_TESTS = tests/cluster/test_flink.py tests/cluster/test_flink_faults.py tests/cluster/test_flink_elastic.py
# Maven ends before what Java's best compiler makes would pay.
export MAVEN_OPTS ?= -XX:TieredStopAtLevel=1 -XX:+UseSerialGC
GPU_PYTHON ?= $(if $(wildcard $(READY)),$(BIN)/python,python3)

.PHONY: install demo test test-all test-long test-clusters test-flink test-containers test-oldest messages notebook check format \
    chart lock lock-job-server licences audit bench bench-flink bench-scaling bench-gpu clean asked

install: $(READY)

# A Python that is asked for is looked at every time: .venv may be of another one.
$(READY): setup.py requirements.lock $(if $(PYTHON),asked)
	@scripts/make-venv .venv $(PYTHON)
	$(INSTALL) --quiet --constraint requirements.lock --editable '.[dev]'
	@$(BIN)/python -c "import $(COMPILED)" > /dev/null 2>&1 || true
	touch $(READY)

$(CLUSTER_READY): $(READY)
	$(INSTALL) --quiet --constraint requirements.lock --editable '.[dev,cluster]'
	touch $(CLUSTER_READY)

demo: $(READY)
	$(BIN)/python -m examples.digits --folder $(DEMO)

# Three processes on two cores, as tests also wait; CI, which has other work beside it, takes two.
QUICK ?= auto
test: $(READY)
	$(BIN)/python -m pytest -n $(QUICK) --dist loadfile -m "not acceptance and not faults and not cluster"

test-all: test test-long test-clusters

test-clusters: test-flink test-containers

# In the order of tests/conftest.py: by how long a file may take, not by how many tests it has.
# Two processes: three took as long on two cores, which had nothing left to give, and 20 GB.
LONG ?= 2
test-long: $(READY)
	$(BIN)/python -m pytest -n $(LONG) --dist loadfile --no-loadscope-reorder --durations 25 \
	    -m "(acceptance or faults) and not cluster"

# They want Java 17, Maven, Go and buildah, and say so where one is missing.
test-flink: $(CLUSTER_READY)
	$(BIN)/python -m pytest --durations 15 -m "cluster" $(FLINK_TESTS)

# The images, Kubernetes, the stores and Spark.
test-containers: $(CLUSTER_READY)
	$(BIN)/python -m pytest --durations 15 -m "cluster" tests/cluster $(FLINK_TESTS:%=--ignore=%)

# What depends on the Python, on the oldest one here; and tables and models of either with the other.
test-oldest: $(READY)
	.ci/test-oldest

# What the example notebook shows, as it comes out now.
notebook: $(READY)
	$(BIN)/python -m examples.notebook

# The page of all messages that the quick tests meet.
messages: $(READY)
	rm -rf build/messages
	FROZEN_FEATURES_MESSAGES=$(CURDIR)/build/messages $(BIN)/python -m pytest -p tests.messages \
	    -n logical --maxprocesses 4 --dist loadfile -m "not acceptance and not faults and not cluster"
	$(BIN)/python -m tests.messages_page build/messages

check: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/hadolint Dockerfile

format: $(READY)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# About 20 minutes on two cores; more images and repeats give steadier figures.
bench: $(READY)
	$(BIN)/python -m benchmarks.extraction --images $(BENCH_IMAGES) --repeats $(BENCH_REPEATS) \
	    --json build/bench-extraction.json
	$(BIN)/python -m benchmarks.steady_state --images $(BENCH_IMAGES) --repeats $(BENCH_REPEATS) \
	    --json build/bench-steady-state.json
	$(BIN)/python -m benchmarks.sources --images $(BENCH_IMAGES) --repeats $(BENCH_REPEATS) \
	    --json build/bench-sources.json
	$(BIN)/python -m benchmarks.forecast --images $(BENCH_IMAGES) --repeats $(BENCH_REPEATS) \
	    --json build/bench-forecast.json
	$(BIN)/python -m benchmarks.storage --json build/bench-storage.json
	$(BIN)/python -m benchmarks.training --repeats $(BENCH_REPEATS) \
	    --json build/bench-training.json
	$(BIN)/python -m benchmarks.finetune_epochs --repeats $(BENCH_REPEATS) \
	    --json build/bench-finetune-epochs.json

# The driver's costs by numbers of images, files and commits: docs/scaling.md.
bench-scaling: $(READY)
	$(BIN)/python -m benchmarks.scaling --json build/bench-scaling.json

# About five minutes, with a Flink cluster on loopback.
bench-flink: $(CLUSTER_READY)
	$(BIN)/python -m benchmarks.flink --repeats $(BENCH_REPEATS) --json build/bench-flink.json

# A GPU machine may have neither .venv nor TensorFlow: KERAS_BACKEND=torch make bench-gpu.
bench-gpu:
	$(GPU_PYTHON) -m benchmarks.gpu --json build/bench-gpu.json

# The templates of the Helm chart, from the manifests for kustomize.
chart: $(CLUSTER_READY)
	$(BIN)/python -m tests.cluster.chart

# One lock for every Python and processor, which must all find wheels: docs/pythons.md.
lock: $(READY)
	$(COMPILE) --universal --python-version 3.11 --extra dev --extra cluster \
	    --output-file requirements.lock setup.py
	$(IMAGE_LOCK) --extra keras --extra openvino --extra ncnn --extra metrics --output-file container/common.lock setup.py
	$(IMAGE_LOCK) --extra extract --extra metrics --output-file container/worker-cpu.lock setup.py
	$(IMAGE_LOCK) --extra extract --extra cuda --extra metrics --python-platform x86_64-manylinux_2_28 \
	    --output-file container/worker-gpu.lock setup.py
	$(IMAGE_LOCK) --extra train --extra openvino --extra ncnn --extra metrics \
	    --output-file container/trainer.lock setup.py
# Beam's extra for Google wants an older cachetools than all else is tested with.
	sed '/^cachetools==/d' requirements.lock | $(subst requirements.lock,/dev/stdin,$(IMAGE_LOCK)) \
	    --constraint container/worker-cpu.lock --override container/dataflow-overrides.txt --only-binary :all: \
	    --extra extract --extra dataflow --extra metrics --output-file container/dataflow.lock setup.py
	.ci/resolves

# What Maven may fetch for the job servers, with its checksums; needs Maven 3.9.2 or newer.
MVN ?= mvn
JOB_SERVERS = job_server job_server/spark
lock-job-server:
	for server in $(JOB_SERVERS); do \
	    rm -rf build/maven $$server/.mvn/checksums && \
	    $(MVN) --batch-mode --quiet --strict-checksums --file $$server/pom.xml -Dmaven.repo.local=$(CURDIR)/build/maven \
	        -Daether.artifactResolver.postProcessor.trustedChecksums.record=true package || exit 1; \
	    rm -rf $$server/target build/maven; \
	done

# docs/licences.md, from the locks and what is installed.
licences: $(READY)
	$(BIN)/python -m supply_chain.licence_page

# Known vulnerabilities of what the images hold; asks the service of the package index.
audit: $(READY)
	$(BIN)/pip-audit --strict --disable-pip --require-hashes $(IMAGE_LOCKS:%=--requirement container/%.lock)

clean:
	rm -rf build .venv
