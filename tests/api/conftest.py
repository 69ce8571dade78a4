import json
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "fakes"))
from postgres import PostgresServer, Unavailable  # noqa: E402
from server import EXAMPLES, MODELS, Server, have_models  # noqa: E402


def pytest_configure(config):
    config.addinivalue_line("markers", "long: takes minutes; only with --all")
    config.addinivalue_line("markers", "models: needs the default models")


def pytest_collection_modifyitems(items):
    if have_models():
        return
    for item in items:
        if "models" in item.keywords:
            item.add_marker(pytest.mark.skip(reason="the default models are not there: titans models fetch"))


@pytest.fixture(scope="session")
def bare(tmp_path_factory):
    """A server without models: all but answering works there. Takes uploads of up to 1 MB."""
    with Server(tmp_path_factory.mktemp("bare"), MAX_UPLOAD_MB=1) as server:
        yield server


@pytest.fixture(scope="session")
def full(tmp_path_factory):
    """A server with the default models."""
    with Server(tmp_path_factory.mktemp("full"), models=MODELS) as server:
        yield server


@pytest.fixture(scope="session")
def ida(full):
    """The id of the example character, at temperature 0."""
    return full.create_example()


@pytest.fixture(scope="session")
def questions():
    return json.loads((EXAMPLES / "questions.json").read_text())


@pytest.fixture(scope="session")
def postgres():
    """A PostgreSQL server. Who stops it starts it again."""
    try:
        server = PostgresServer()
    except Unavailable as reason:
        pytest.skip(str(reason))
    with server:
        yield server
