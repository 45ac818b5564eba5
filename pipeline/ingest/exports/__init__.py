"""Exports of other trackers, and what their records become: one pure module each, listed in `exports.py`."""
