"""What a person fills in to trigger a DAG by hand."""

from airflow.sdk import Param

# Also `airflow dags trigger --conf '{"asof": "2026-02-01"}'`.
ASOF_PARAM = Param(
    None,
    type=["null", "string"],
    format="date",
    title="As-of day",
    description="The UTC day to work on, YYYY-MM-DD. Empty: the partition key, or the last day that is over.",
)
