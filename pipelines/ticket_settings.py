"""What a user may set about tickets: the section ``[tickets]`` of the settings."""

from typing import Annotated

from pydantic import Field

from pipelines.lake_settings import Section

Share = Annotated[float, Field(ge=0.0, le=1.0)]


class TicketSettings(Section):
    """How tickets follow the list."""

    tracker: str = Field(default="desk", description="A module of pipelines/tickets/trackers.")
    desk_path: str = Field(
        default="tickets.sqlite", description="SQLite file of the local desk; relative to the config file."
    )
    max_age_days: int = Field(
        default=3, ge=0, description="A list older than this is a replay and touches no ticket."
    )
    close_after_days: int = Field(default=14, ge=1, description="Close when off the list this long.")
    reopen_within_days: int = Field(
        default=30, ge=0, description="A key resolved this recently re-opens its ticket."
    )
    update_risk_step: Share = Field(
        default=0.10, description="Comment on a ticket when risk moved this much."
    )
    is_simulated_clock: bool = Field(default=False, description="Treat each list's day as today (the demo).")
    policy: str | None = Field(
        default=None,
        description="YAML file of your own ticket policy, relative to the config file; the shipped one if unset.",
    )
    report_url: str | None = Field(
        default=None,
        pattern=r"^https?://[A-Za-z0-9][A-Za-z0-9./:_~=-]*$",
        description="Address at which people see published/at_risk_hosts; tickets link to report and plan there.",
    )
    options: dict[str, object] = Field(
        default_factory=dict,
        description="What the tracker's own module takes, e.g. url and queue; never a secret.",
    )
    airflow_connection: str | None = Field(
        default=None, description="Airflow connection whose login and password the DAGs give to the tracker."
    )
