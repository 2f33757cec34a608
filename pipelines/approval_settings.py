"""What waits for a person before it happens, and for how long: ``[approval]``."""

from pydantic import Field

from pipelines.lake_settings import Section


class ApprovalSettings(Section):
    """A question that nobody answers in time is answered no. Off, the gate and the ticket policy decide alone,
    as they always do first.
    """

    promotion: bool = Field(
        default=False, description="A model that passes the gate becomes champion only when a person says so."
    )
    promotion_wait_hours: float = Field(
        default=72.0,
        gt=0,
        le=144,
        description="Unanswered this long in the Airflow UI, the model is rejected.",
    )
    tickets: bool = Field(
        default=False,
        description="New tickets beyond list.k_per_day on one day, where the policy's budget allows more, wait for a "
        "person.",
    )
    tickets_wait_hours: float = Field(
        default=8.0, gt=0, le=20, description="Unanswered this long in the Airflow UI, the batch is rejected."
    )
