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

BACKTEST_PARAMS = {
    "target": Param(
        "drive_fails_30d",
        type="string",
        pattern="^[a-z][a-z0-9_]*$",
        title="Target",
        description="What the model predicts: a file of features/targets.",
    ),
    "from_day": Param(
        type="string", format="date", title="From", description="The first day that is scored, YYYY-MM-DD."
    ),
    "to_day": Param(
        type="string",
        format="date",
        title="To",
        description="The last day that is scored, included. Its horizon, 30 days as a rule, has to be over.",
    ),
    "folds": Param(
        1,
        type="integer",
        minimum=0,
        maximum=24,
        title="Folds",
        description="Into how many parts the span is cut; a model is trained for each. 0: judge the champion.",
    ),
    "every": Param(
        1, type="integer", minimum=1, maximum=30, title="Every Nth day", description="1 scores every day."
    ),
}
