"""What is asked of the owners of facts where `verify` found a difference. Nothing is written here: only they write.

sessions, touchpoints, owners, pairs, events     every row of the device is written again
refusals, identities                             the identifier is decided anew
journeys, conversions, entries                   the customer is stitched anew
copies of a table                                every device, and every identifier that stands in a difference
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping

import msgspec

from pipeline.log.topics import pairs_partition
from pipeline.store.verify import COPIES, Difference
from schemas.log import CHANGES, EVENTS, PAIRS, Line, Mark, PairNote

Requests = dict[tuple[str, int], list[bytes]]  # (topic, partition) -> lines


def needs_every_device(differences: Iterable[Difference]) -> bool:
    """Whether a difference does not tell which devices it is about: of a copy of a table only counts are known."""
    return any(one.table in {*COPIES, "events"} for one in differences)


def requests(
    project: str, differences: Iterable[Difference], every_device: Iterable[int], partitions: Mapping[str, int]
) -> Requests:
    """The lines to send; `every_device` are those of the project where they are needed, `partitions` of each topic."""
    devices, customers, identifiers = set(every_device), set[int](), set[int]()
    for one in differences:
        key = one.key
        if "device" in key:
            devices.add(key["device"])
        elif "customer" in key:
            customers.add(key["customer"])
        identifiers |= {key[name] for name in ("identifier", "other") if name in key}
    found: Requests = defaultdict(list)
    for device in sorted(devices):
        line = msgspec.json.encode(Line(p=project, d=device, r=0, c="restitch", w="all"))
        found[EVENTS, device % partitions[EVENTS]].append(line)
    for customer in sorted(customers):
        mark = msgspec.json.encode(Mark(p=project, c=customer, i=customer))
        found[CHANGES, customer % partitions[CHANGES]].append(mark)
    for identifier in sorted(identifiers):
        note = msgspec.json.encode(PairNote(p=project, a=identifier, b=identifier))
        found[PAIRS, pairs_partition(project, partitions[PAIRS])].append(note)
    return dict(found)
