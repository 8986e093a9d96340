"""Every measured application starts as `make bench` starts it, whatever the product asks for."""

import os
from pathlib import Path

import pytest

from benchmarks.servers import APPLICATIONS, compose_environment, running


@pytest.mark.parametrize("name", APPLICATIONS)
def test_an_application_starts(name: str, tmp_path: Path) -> None:
    environment = compose_environment(
        database_url=os.environ["DATABASE_URL"], redis_url=os.environ["REDIS_URL"], state=tmp_path
    )

    with running(APPLICATIONS[name], environment=environment, logs=tmp_path) as server:
        assert server.name == name
