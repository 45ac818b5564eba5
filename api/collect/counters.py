"""What the collector counts, for /metrics. Plain integers: one event loop counts, whoever renders only reads."""

from collections import Counter
from collections.abc import Iterator, Mapping

Sample = tuple[str, dict[str, str], int]

HELP = {
    "wayfare_collector_accepted_total": "Events that the log has and that ingest will judge",
    "wayfare_collector_rejected_total": "Events that the log has as rejects, by the reason found at the door",
    "wayfare_collector_body_bytes_total": "Bytes of request bodies as read",
    "wayfare_collector_answers_total": "Answers by HTTP status",
    "wayfare_collector_refusals_total": "Answers of 4xx and 5xx by error code",
    "wayfare_collector_unrecorded_total": "Opens and clicks of mails that were answered and not logged, by reason",
    "wayfare_collector_cut_total": "Requests whose sender left before the body was whole",
    "wayfare_collector_clock_failures_total": "Clock records that the log did not take, by topic",
    "wayfare_collector_in_flight": "Requests being answered now",
}


class Counters:
    """Counts since the process started; `in_flight` alone goes down again."""

    def __init__(self) -> None:
        self.accepted: Counter[tuple[str, str]] = Counter()  # by project, source
        self.rejected: Counter[tuple[str, str, str]] = Counter()  # by project, source, reason
        self.answers: Counter[int] = Counter()  # by status
        self.refusals: Counter[tuple[int, str]] = Counter()  # by status, code
        self.unrecorded: Counter[tuple[str, str, str]] = Counter()  # by project, source, reason
        self.clock_failures: Counter[str] = Counter()  # by topic
        self.body_bytes = 0
        self.cut = 0
        self.in_flight = 0

    def took(self, project: str, source: str, accepted: int, rejected: Mapping[str, int]) -> int:
        """Counts what the log has taken of one source, rejects by reason; how many rejects."""
        if accepted:
            self.accepted[project, source] += accepted
        for reason, count in rejected.items():
            self.rejected[project, source, reason] += count
        return sum(rejected.values())

    def samples(self) -> Iterator[Sample]:
        """(metric, labels, value) of everything counted."""
        for (project, source), count in self.accepted.items():
            yield "wayfare_collector_accepted_total", {"project": project, "source": source}, count
        for (project, source, reason), count in self.rejected.items():
            labels = {"project": project, "source": source, "reason": reason}
            yield "wayfare_collector_rejected_total", labels, count
        yield "wayfare_collector_body_bytes_total", {}, self.body_bytes
        for status, count in self.answers.items():
            yield "wayfare_collector_answers_total", {"status": str(status)}, count
        for (status, code), count in self.refusals.items():
            yield "wayfare_collector_refusals_total", {"status": str(status), "code": code}, count
        for (project, source, reason), count in self.unrecorded.items():
            labels = {"project": project, "source": source, "reason": reason}
            yield "wayfare_collector_unrecorded_total", labels, count
        yield "wayfare_collector_cut_total", {}, self.cut
        for topic, count in self.clock_failures.items():
            yield "wayfare_collector_clock_failures_total", {"topic": topic}, count
        yield "wayfare_collector_in_flight", {}, self.in_flight

    def render(self) -> str:
        """The samples in Prometheus' text format."""
        lines: list[str] = []
        told = ""
        for metric, labels, value in self.samples():
            if metric != told:
                kind = "counter" if metric.endswith("_total") else "gauge"
                lines += [f"# HELP {metric} {HELP[metric]}", f"# TYPE {metric} {kind}"]
                told = metric
            inner = ",".join(f'{name}="{_escaped(text)}"' for name, text in labels.items())
            lines.append(f"{metric}{{{inner}}} {value}" if inner else f"{metric} {value}")
        return "\n".join(lines) + "\n"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
