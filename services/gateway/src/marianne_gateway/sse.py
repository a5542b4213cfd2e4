"""Server-sent events on the wire, https://html.spec.whatwg.org/multipage/server-sent-events.html."""

from collections.abc import Mapping
from typing import Any

import orjson

# A comment: clients pass over it, proxies see traffic.
HEARTBEAT = b": \n\n"


def frame(name: str, payload: Mapping[str, Any], sequence: int | None) -> bytes:
    """One event; JSON escapes line breaks, so one data line holds it. Without a sequence it has no id line, and the
    client's last event id stays what it was.
    """
    place = b"" if sequence is None else b"id: %d\n" % sequence
    return b"%sevent: %s\ndata: %s\n\n" % (place, name.encode(), orjson.dumps(payload))
