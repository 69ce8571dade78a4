"""What test_characters, test_update and test_voice_samples show with SQLite, once more with PostgreSQL."""

import pytest
from server import MODELS, Server
from test_characters import *  # noqa: F403
from test_update import *  # noqa: F403
from test_voice_samples import *  # noqa: F403

del TestLoading  # noqa: F821: of models, which takes its time


@pytest.fixture(scope="module")
def bare(tmp_path_factory, postgres):
    with Server(tmp_path_factory.mktemp("bare"), MAX_UPLOAD_MB=1, **postgres.make_database("bare")) as server:
        yield server


@pytest.fixture(scope="module")
def full(tmp_path_factory, postgres):
    with Server(tmp_path_factory.mktemp("full"), models=MODELS, **postgres.make_database("full")) as server:
        yield server


@pytest.fixture(scope="module")
def database(postgres):
    return postgres.make_database("voices")
