"""What Spark sees of a feature table, as JSON; run as a process of its own, which ends with it."""

import json
import os
import sys

from pyspark.sql import DataFrame, SparkSession


def main(table: str, image_id: str, jars: str) -> None:
    os.environ["SPARK_LOCAL_IP"] = "127.0.0.1"
    settings = {
        "spark.jars": jars,
        "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
        "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.host": "127.0.0.1",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.shuffle.partitions": "1",
        "spark.databricks.delta.snapshotPartitions": "1",
    }
    builder = SparkSession.builder.master("local[1]").appName("reading")
    for name, value in settings.items():
        builder = builder.config(name, value)
    spark = builder.getOrCreate()
    try:
        newest = spark.read.format("delta").load(table)
        first = spark.read.format("delta").option("versionAsOf", 1).load(table)
        row = newest.where(newest.image_id == image_id).collect()[0]
        seen = {
            "schema": newest.schema.jsonValue()["fields"],
            "counts": {"newest": counts(newest), "first": counts(first)},
            "features": list(row.features),
            "modified": int(row.modified.timestamp() * 1e6),
            "sha256": row.sha256,
        }
        sys.stdout.write(json.dumps(seen))
    finally:
        spark.stop()


def counts(frame: DataFrame) -> list[list[object]]:
    grouped = frame.groupBy("split", "label").count().orderBy("split", "label")
    return [[row["split"], row["label"], row["count"]] for row in grouped.collect()]


if __name__ == "__main__":
    main(*sys.argv[1:])
