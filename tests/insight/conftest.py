"""Pipelines and journals for the read models: those of the tests of streams and of the command line."""

from tests.cli.conftest import ask, ask_grouped  # noqa: F401 - fixtures
from tests.streams.conftest import stage, trading  # noqa: F401 - fixtures
