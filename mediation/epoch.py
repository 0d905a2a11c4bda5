"""Times as a count since 1970-01-01T00:00:00Z: `UNIX` seconds, `UNIX_MS` milliseconds, `UNIX_US` microseconds.

The first two are words of Logstash's date filter; for the third, both runners cut the last three digits off. Times begin with
3 March 1973, from when on each has so many digits that none is mistaken for another, nor 0 for a time. Resolution is a
millisecond, the rest is cut off.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

# What a text must look like, the same in Python and Ruby.
EPOCH_PATTERNS = {
    "UNIX": r"[1-9][0-9]{8,9}(?:\.[0-9]{1,9})?",
    "UNIX_MS": r"[1-9][0-9]{11,12}",
    "UNIX_US": r"[1-9][0-9]{14,15}",
}
MOST_SECONDS = 2**31 - 1  # the date filter takes no more for UNIX (19 January 2038)
_START = datetime(1970, 1, 1, tzinfo=UTC)


def moment_of(form: str, text: str) -> datetime | None:
    """The time of a text that matches the form's pattern; None beyond what the form can say."""
    if form == "UNIX":
        seconds, _, decimals = text.partition(".")
        if int(seconds) > MOST_SECONDS:
            return None
        return _START + timedelta(seconds=int(seconds), milliseconds=int(f"{decimals[:3]:0<3}"))
    return _START + timedelta(milliseconds=int(text if form == "UNIX_MS" else text[:-3]))
