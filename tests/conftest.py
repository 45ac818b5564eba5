"""Fixtures that tests of several folders share."""

from tests.scenarios.fixtures import cluster, embedded, house, running_cluster, running_embedded

__all__ = ["cluster", "embedded", "house", "running_cluster", "running_embedded"]
