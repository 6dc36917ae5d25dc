# Four images from one file: worker, trainer, submit and dataflow; docs/container.md tells how to build them.
# A release names bases by digest (name:tag@sha256:...): Renovate writes them here, and the release's
# workflow refuses a base without one.
ARG PYTHON_BASE=python:3.11-slim-bookworm
ARG GO_BASE=golang:1.26-bookworm
ARG MAVEN_BASE=maven:3.9-eclipse-temurin-17
ARG JAVA_BASE=eclipse-temurin:17-jre
# What trainer and worker are made from: the stage below, or an image of it.
ARG PACKAGES=packages
# What submit and dataflow are made from: the stage below, or the very worker image that the cluster runs.
ARG WORKER=worker

# Beam's boot program, from its own module; Go holds it to the public checksum database.
FROM ${GO_BASE} AS boot
ARG BEAM_VERSION=2.77.0
# Go's own flags: the tests leave the program as it is written, which is compiled in two thirds of the time.
ARG GOFLAGS=
# A compiler that ends after one package need not collect its garbage.
ENV CGO_ENABLED=0 GOGC=off
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/root/.cache/go-build \
    GOPATH=/go GOBIN=/opt/boot go install -trimpath -ldflags='-s -w' \
    "github.com/apache/beam/sdks/v2/python/container@v${BEAM_VERSION}" \
    && go version -m /opt/boot/container > /opt/boot/modules.txt

# Beam's job server for Flink: built by Maven, or a file of the build context if one is named. Maven
# takes no file whose checksum is not in job_server/.mvn.
FROM ${MAVEN_BASE} AS job-server
ARG JOB_SERVER_JAR=container/none
WORKDIR /build/target
COPY job_server /build/
COPY ${JOB_SERVER_JAR} /given/
RUN --mount=type=cache,target=/root/.m2/repository \
    if ls /given/*.jar 2> /dev/null; then \
        mv /given/*.jar flink-job-server.jar; \
    else \
        mvn --quiet --batch-mode --file /build/pom.xml package; \
    fi

# Java for the job server. Adoptium's images keep it in this folder, to be copied.
FROM ${JAVA_BASE} AS java

# Weights to bake in: a file or folder of the build context if one is named, else none.
FROM ${PYTHON_BASE} AS weights
ARG WEIGHTS=container/none
COPY ${WEIGHTS} /weights/
RUN rm -f /weights/.gitkeep && chmod -R a+rX,go-w /weights

# What the three have in common: the packages of both locks, one layer that a node pulls once. The root
# filesystem may be read-only: what is written goes to /tmp and /cache.
FROM ${PYTHON_BASE} AS packages
ARG PYTHON_BASE
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="frozen-features/packages" \
      org.opencontainers.image.description="A batch feature store for images" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.base.name="${PYTHON_BASE}"
RUN groupadd --gid 10001 frozen-features \
    && useradd --uid 10001 --gid 10001 --home-dir /tmp --no-create-home \
       --shell /usr/sbin/nologin frozen-features \
    && install --directory --owner=10001 --group=10001 /cache
ENV PATH=/opt/venv/bin:${PATH} \
    HOME=/tmp \
    FROZEN_FEATURES_CACHE=/cache \
    PYTHONSAFEPATH=1 \
    PYTHONUNBUFFERED=1
WORKDIR /tmp
# Every package is a wheel whose hash is known beforehand: nothing is compiled, and nothing run.
RUN --mount=type=bind,source=container,target=/mnt --mount=type=cache,target=/root/.cache/pip \
    python3.11 -m venv /opt/venv \
    && echo /opt/frozen-features > /opt/venv/lib/python3.11/site-packages/frozen-features.pth \
    && pip --cache-dir /root/.cache/pip install --require-hashes --no-deps --only-binary=:all: \
       --requirement /mnt/common.lock

FROM ${PACKAGES} AS sources
WORKDIR /build
COPY setup.py pyproject.toml README.md ./
COPY pipelines pipelines
COPY classifiers classifiers
COPY frozen_features frozen_features
RUN pip install --no-cache-dir --no-deps --no-build-isolation --target /opt/frozen-features .

FROM ${PACKAGES} AS trainer
LABEL org.opencontainers.image.title="frozen-features/trainer"
RUN --mount=type=bind,source=container,target=/mnt --mount=type=cache,target=/root/.cache/pip \
    pip --cache-dir /root/.cache/pip install --require-hashes --no-deps --only-binary=:all: \
    --requirement /mnt/trainer.lock
COPY --from=weights /weights /weights
COPY --from=sources /opt/frozen-features /opt/frozen-features
COPY --chmod=755 container/health/trainer.py /usr/local/bin/health
# The image is complete: what it lacks is said, not fetched.
ENV FROZEN_FEATURES_OFFLINE=1 \
    PIP_NO_INDEX=1
USER 10001:10001
HEALTHCHECK --interval=5m --timeout=60s CMD ["health"]
CMD ["python", "-m", "classifiers.train", "--help"]

# Beam's contract of an SDK container: boot is the entrypoint, and the worker pool its default.
FROM ${PACKAGES} AS worker
ARG ACCELERATOR=cpu
LABEL org.opencontainers.image.title="frozen-features/worker"
ENV RUN_PYTHON_SDK_IN_DEFAULT_ENVIRONMENT=1
RUN --mount=type=bind,source=container,target=/mnt --mount=type=cache,target=/root/.cache/pip \
    pip --cache-dir /root/.cache/pip install --require-hashes --no-deps --only-binary=:all: \
    --requirement "/mnt/worker-${ACCELERATOR}.lock"
COPY --from=boot /opt/boot/container /opt/apache/beam/boot
COPY --from=boot /opt/boot/modules.txt /opt/apache/beam/boot-modules.txt
COPY --from=weights /weights /weights
COPY --from=sources /opt/frozen-features /opt/frozen-features
COPY --chmod=755 container/health/worker.py /usr/local/bin/health
ENV FROZEN_FEATURES_OFFLINE=1 \
    PIP_NO_INDEX=1
USER 10001:10001
EXPOSE 50000
HEALTHCHECK --interval=30s --timeout=10s --start-period=30s CMD ["health"]
ENTRYPOINT ["/opt/apache/beam/boot"]
CMD ["--worker_pool"]

FROM ${WORKER} AS submit
LABEL org.opencontainers.image.title="frozen-features/submit"
USER 0:0
# A folder of a base image and not Debian's packages: its digest pins every byte.
COPY --from=java /opt/java/openjdk /opt/java/openjdk
ENV JAVA_HOME=/opt/java/openjdk \
    PATH=${PATH}:/opt/java/openjdk/bin
COPY --from=job-server /build/target/flink-job-server.jar /opt/beam/flink-job-server.jar
COPY --chmod=755 container/health/submit.py /usr/local/bin/health
USER 10001:10001
HEALTHCHECK --interval=5m --timeout=60s CMD ["health"]
ENTRYPOINT []
CMD ["python", "-m", "pipelines.extract", "--help"]

# On Dataflow: its workers, and what submits to it, in one environment. Beam wants all of its extra there.
FROM ${WORKER} AS dataflow
LABEL org.opencontainers.image.title="frozen-features/dataflow"
USER 0:0
# The worker has pip ask no index.
RUN --mount=type=bind,source=container,target=/mnt --mount=type=cache,target=/root/.cache/pip \
    env --unset=PIP_NO_INDEX pip --cache-dir /root/.cache/pip install --require-hashes --no-deps \
    --only-binary=:all: --requirement /mnt/dataflow.lock
COPY --chmod=755 container/health/dataflow.py /usr/local/bin/health
USER 10001:10001
HEALTHCHECK --interval=5m --timeout=60s CMD ["health"]
