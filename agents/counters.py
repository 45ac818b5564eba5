"""What a worker counts, in Prometheus' text format. A duplicate is neither accepted nor rejected: it is counted."""

from collections import Counter

HELP = {
    "wayfare_worker_accepted_total": "Events written to `events`",
    "wayfare_worker_rejected_total": "Events written to `rejected`, by reason",
    "wayfare_worker_duplicates_total": "Copies of events that were there already",
    "wayfare_worker_redelivered_total": "Events that the log delivered again",
    "wayfare_worker_cold_devices_total": "Devices that were read and stitched whole",
    "wayfare_worker_turns_total": "Turns taken, by agent",
    "wayfare_worker_customers_total": "Customers stitched by the journeys agent",
}


class Counters:
    """Counts since the process started, by metric and label."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[str, str]] = Counter()

    def add(self, metric: str, count: int = 1, label: str = "") -> None:
        """`label`: the value of the metric's only label (reason, agent), "" where it has none."""
        if count:
            self._counts[f"wayfare_worker_{metric}_total", label] += count

    def render(self) -> str:
        lines: list[str] = []
        for metric, text in HELP.items():
            label = {"wayfare_worker_rejected_total": "reason", "wayfare_worker_turns_total": "agent"}.get(metric)
            lines += [f"# HELP {metric} {text}", f"# TYPE {metric} counter"]
            if label is None:
                lines.append(f"{metric} {self._counts[metric, '']}")
            found = sorted((value, count) for (name, value), count in self._counts.items() if name == metric and value)
            lines += [f'{metric}{{{label}="{value}"}} {count}' for value, count in found]
        return "\n".join(lines) + "\n"
