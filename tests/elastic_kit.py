"""The run's Elasticsearch for tests that inspect it with a client of their own."""

from collections.abc import Iterator

import pytest
from elasticsearch import Elasticsearch

from tests.servers import elastic


@pytest.fixture
def server(elasticsearch_url: str) -> elastic.Connection:
    """How to reach the run's Elasticsearch. Skips the test without it."""
    return elastic.connection(elasticsearch_url)


@pytest.fixture
def bare(server: elastic.Connection) -> Iterator[Elasticsearch]:
    """The library's client, to inspect the results of ours."""
    with elastic.client(server) as client:
        yield client
