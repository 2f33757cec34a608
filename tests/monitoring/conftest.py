"""Settings of a lake of drives alone."""

import pytest

from pipelines.settings import Settings


@pytest.fixture
def settings() -> Settings:
    return Settings(environment="test", targets=("drive_fails_30d",))
