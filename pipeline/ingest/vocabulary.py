"""Names of contacts by phone, in a store and at an event, so that each contact is told once and as what it was.

    Call Started ... Call Waited ... Call Answered ... Call Ended ...... Call Resolved
                                                       the contact       days later, perhaps

One contact is one touchpoint. So of a call its end is the touchpoint, and the other events tell more of it.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple


class Known(NamedTuple):
    channel: str  # where it took place, unless the sender says another
    contact: str  # kind of touchpoint; "" = none of its own
    note: str


VOCABULARY: Final[Mapping[str, Known]] = {
    "Call Started": Known("phone", "", "not yet a contact: its end is"),
    "Call Waited": Known("phone", "", "`waited_s`: how long nobody answered"),
    "Call Answered": Known("phone", "", "`agent`, `waited_s`"),
    "Call Transferred": Known("phone", "", "`agent`, `reason`"),
    "Call Abandoned": Known("phone", "", "hung up before anybody answered: `waited_s`"),
    "Call Ended": Known("phone", "service", "`duration_s`, `waited_s`, `direction`, `topic`, `resolved`, `cost`"),
    "Call Resolved": Known("phone", "", "what it was about is settled: `call_id`, `first_contact`"),
    "Store Visited": Known("store", "engagement", "`store`, `duration_s`"),
    "Code Scanned": Known("print", "engagement", "`code`; channel `store` or `event` where it hangs there"),
    "Event Registered": Known("event", "engagement", "`name`"),
    "Event Attended": Known("event", "engagement", "`name`, `duration_s`"),
    "Ticket Scanned": Known("event", "engagement", "at the door of an event: no ticket of a support desk"),
    "Booth Visited": Known("event", "engagement", "`name`, `staff`"),
}
