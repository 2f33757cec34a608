"""What the DAGs hand to each other: one asset a dataset, one partition a day."""

from airflow.sdk import Asset

# The address is a name, not a place: where the lake lies is a setting, and the same DAGs serve any.
CORE_DRIVE_DAYS = Asset(
    name="core_drive_days",
    uri="prefail://core_drive_days",
    group="prefail",
)
OUT_AT_RISK_HOSTS = Asset(
    name="out_at_risk_hosts",
    uri="prefail://out_at_risk_hosts",
    group="prefail",
)
DAY_KEY_FORMAT = "%Y-%m-%d"
