"""Values as people write and read them: durations, volumes, numbers, times. Pure; each refuses with a reason."""

from usage.text.durations import clock, minutes, parse_duration
from usage.text.moments import parse_moment
from usage.text.numbers import grouped, national, parse_msisdn
from usage.text.volumes import binary, decimal, parse_volume

__all__ = [
    "binary",
    "clock",
    "decimal",
    "grouped",
    "minutes",
    "national",
    "parse_duration",
    "parse_moment",
    "parse_msisdn",
    "parse_volume",
]
