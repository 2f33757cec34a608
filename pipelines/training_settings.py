"""What a user may set about training: the section ``[training]`` of the settings."""

from pydantic import Field

from pipelines.lake_settings import Section


class TrainingSettings(Section):
    """How models are trained."""

    negatives_per_positive: int = Field(
        default=50, ge=1, description="Sampled healthy component-days per failing one."
    )
    n_threads: int = Field(default=2, ge=1, description="Threads for training, features and scoring.")
    seed: int = Field(default=7, description="Seed of everything random.")
    memory_limit_mb: int = Field(default=2000, ge=100, description="Budget for one feature cube in memory.")
    dask_scheduler: str | None = Field(
        default=None,
        pattern=r"^(tcp|tls)://[^/@\s]+:\d+$",
        description="Dask cluster that fits the trees (tcp://host:port); this machine if unset.",
    )
