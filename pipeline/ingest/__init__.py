"""From a received event to an accepted or a rejected one.

`Ingest` runs the steps (steps.py: one list); `device_key` tells the collector which partition an event goes to;
`Places` looks a request's place up at the door.
"""

from pipeline.ingest.acquisition import VERSION as ACQUISITION_VERSION
from pipeline.ingest.device_key import device_key
from pipeline.ingest.ingest import Ingest
from pipeline.ingest.place import Places

__all__ = ["ACQUISITION_VERSION", "Ingest", "Places", "device_key"]
