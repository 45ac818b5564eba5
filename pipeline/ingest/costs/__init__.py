"""Costs of advertising, read from the files that the networks export."""
