"""What the DAGs hand to each other: one asset a dataset, one partition a day."""

from airflow.sdk import Asset

# Not named after one dataset: the days of every component kind that could be built.
# The address is a name, not a place: where the lake lies is a setting, and the same DAGs serve any.
COMPONENT_DAYS = Asset(
    name="component_days",
    uri="prefail://component_days",
    group="prefail",
)
OUT_AT_RISK_HOSTS = Asset(
    name="out_at_risk_hosts",
    uri="prefail://out_at_risk_hosts",
    group="prefail",
)
DAY_KEY_FORMAT = "%Y-%m-%d"
