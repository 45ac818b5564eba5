"""What comes with a vendor's key for a vendor that is not known: nothing but rejects, each with its payload."""

from api.webhooks.mapped import payload_of
from api.webhooks.vendor import Mapped, Posted, Unmapped, Vendor
from pipeline.ingest.redaction import shown


def unknown(name: str, *, is_key_in_address: bool) -> Vendor:
    """A vendor of which no note is known, so that nobody's notes are lost by a name that was written wrongly."""
    told = f"no vendor and no webhook of the project has the name {shown(name, 40)}"

    def mapped(posted: Posted) -> Mapped:
        payload = payload_of(posted)
        if isinstance(payload, Unmapped):
            return Mapped(unmapped=(Unmapped(payload.payload, f"{told}; {payload.words}"),))
        return Mapped(unmapped=(Unmapped(payload, told),))

    return Vendor(
        name=name,
        title=name,
        mapped=mapped,
        meanings={},
        once="the payload",
        is_key_in_address=is_key_in_address,
        is_unknown=True,
    )
