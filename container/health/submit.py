#!/opt/venv/bin/python
"""Health of a submission: Java runs the job server, and the commands and Beam import."""

import importlib
import subprocess
import sys

JAR = "/opt/beam/flink-job-server.jar"
MODULES = ("apache_beam", "pipelines.extract", "pipelines.verify")

# It knows no option that ends well; to one that it does not know it tells its usage.
said = subprocess.run(
    ["java", "-jar", JAR, "--help"], capture_output=True, text=True, timeout=50, check=False
)
if "FlinkJobServerDriver arguments" not in said.stderr + said.stdout:
    sys.exit(f"java does not run {JAR}: {said.stderr.strip()[:200]}")
for module in MODULES:
    try:
        importlib.import_module(module)
    except Exception as error:  # a native library that is broken raises many kinds
        sys.exit(f"{module} cannot be imported: {error}")
