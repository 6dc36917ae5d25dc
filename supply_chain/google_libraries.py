"""Licences of what the image `dataflow` alone holds: Google's libraries, and what they need.

They are not installed where the page of licences is made, since Beam would import them in every
process there. A test of the image holds this to what the packages say themselves.
"""

_NAMES = {
    "Apache-2.0": (
        "aiosignal cloud-sql-python-connector distro frozenlist google-api-core google-apitools "
        "google-auth google-auth-httplib2 google-cloud-aiplatform google-cloud-bigquery "
        "google-cloud-bigquery-storage google-cloud-bigtable google-cloud-build "
        "google-cloud-core google-cloud-dataflow-client google-cloud-datastore google-cloud-dlp "
        "google-cloud-kms google-cloud-language google-cloud-monitoring google-cloud-pubsub "
        "google-cloud-recommendations-ai google-cloud-resource-manager "
        "google-cloud-secret-manager google-cloud-spanner google-cloud-sql google-cloud-storage "
        "google-cloud-videointelligence google-cloud-vision google-crc32c google-genai "
        "google-resumable-media googleapis-common-protos grpc-google-iam-v1 grpcio-status "
        "importlib-metadata keyrings-google-artifactregistry-auth multidict oauth2client "
        "opentelemetry-api opentelemetry-resourcedetector-gcp opentelemetry-sdk "
        "opentelemetry-semantic-conventions propcache rsa tenacity yarl"
    ),
    "Apache-2.0 AND CNRI-Python": "regex",
    "Apache-2.0 AND MIT": "aiohttp",
    "BSD-2-Clause": "pyasn1 pyasn1-modules",
    "BSD-3-Clause": "httpcore httpx pg8000 secretstorage sqlparse websockets",
    "MIT": (
        "annotated-types anyio asn1crypto attrs backports-tarfile cachetools docstring-parser "
        "grpc-interceptor h11 jaraco-classes jaraco-context jaraco-functools jeepney keyring "
        "mmh3 more-itertools pluggy pydantic pydantic-core pymysql python-tds typing-inspection "
        "zipp"
    ),
    "MIT OR Apache-2.0": "sniffio",
    "MIT-0": "scramp",
    "MPL-2.0 AND (Apache-2.0 OR MIT)": "orjson",
    "PSF-2.0": "aiohappyeyeballs",
}

LICENCES = {name: licence for licence, names in _NAMES.items() for name in names.split()}
"""By package, as an expression of SPDX."""

BROUGHT = {"libcrc32c": "google-crc32c"}
"""Libraries in files of their own, and the package that brings them along."""
