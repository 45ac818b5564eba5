"""Faults under load: whatever dies or is away, each acknowledged event is counted once, and the facts are right."""
