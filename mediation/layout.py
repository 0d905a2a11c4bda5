"""A layout: what one CDR format looks like, as data. Both runners are made from it.

The YAML file `mediation/layouts/NAME.yml`, key by key (`mediation/schema.py` is the same as a JSON Schema):

    layout: voip-public            name, the same as the file's
    title: one line for people
    family: voip                   which Logstash pipeline and Filebeat input it belongs to
    runners: [python, logstash]    who can run it
    separator: ","                 one character; quoting is RFC 4180 with `"`, one record is one physical line
    strip: false                   true: white space around header cells and values is no part of them
    timezone: UTC                  IANA zone of times that carry no offset
    columns:                       in the order in which files have them
      - name: PostDialDelay        header cell, "" where the header has none
        as: PostDialDelay          name under [raw], in rejects and in the identity; the header cell unless given
        field: voip.pdd.ms         where it goes (contracts/fields.py); absent: it only feeds times or the identity
        type: decimal              keyword (default), integer (`17` and `17.0`), decimal
        required: true             an empty value is a reject `missing_value`; else an empty value is an absent field
        divide_by: 100             decimal only: the file has hundredths
        min: 0                     numbers only: outside min..max is a reject `bad_number`
        max: 127
        values: [a, b] or {0: a}   keyword only: the words allowed, or a mapping from the file's words to ours
        otherwise: reject          what becomes of any other word: reject (`bad_value`, default), keep, or a word of ours
        pii: hash                  keep (default), hash (keyed), drop (read for the identity, not stored)
        only: [sms]                stored only in documents of these services
    times:
      - field: event.end
        columns: [Date, Time]      their values joined by one space; every one empty: absent, or `missing_time` where
                                   required; only some empty: `missing_time`; no format fits, or no such time: `bad_time`
        formats: ["yyyy-MM-dd H:mm:ss", ISO8601]   first that fits; pattern letters as in Logstash's date filter
        required: true
        paced_by: Record-Number    instead of columns: no column has a time; it is start + record number / rate when the
                                   user gives them, and a reject `missing_time` when not (always so on Logstash)
        only: [sms]
    target:                        first whose condition holds; the service decides the index
      - when: {mobile.call_type: [MOC, MTC]}
        service: mobile-voice
    constants: {field: value}
    derive:                        in this order; fills a field that is still absent, from fields that are all present
      - {field: "@timestamp", copy: event.end}
      - {field: voip.duration.sec, seconds_between: [voip.answer, event.end]}     absent when it would be negative
      - {field: event.start, time_minus: [event.end, mobile.duration.sec]}        and time_plus; to the nearest millisecond,
                                                                                  outside 1970 to 2099 `bad_time`
      - {field: epc.total.bytes, sum: [epc.uplink.bytes, epc.downlink.bytes]}
      - {field: voip.called.packets.lost, difference: [sent, received]}           0 when it would be negative
      - {field: event.outcome, map: {field: voip.disposition, values: {answered: success}, otherwise: failure}}
    locals: {name: integer}        fields that columns may fill for `derive` and `when`, and that are not stored
    flags:                         contradictions, collected in cdr.flags in this order
      - flag: answered_with_failure_status
        when: {voip.disposition: [answered], voip.release.sip: {from: 300, to: 699}}
    identity: [call_id]            columns (names under [raw]) whose values make a record the same record

A condition is a mapping field → test, all of which must hold: a list of values, `{from: a, to: b}` (both included),
`{absent: true}`, `{present: true}`, `{before: other time field}` or `{below: other number field}`.
A test on an absent field fails, but for `absent`.

Order of evaluation, the same on both runners; the first failure is the line's reason:
line too long → encoding (not UTF-8, U+FFFD, NUL or a carriage return inside the line) → quoting → column count → columns in the
layout's order (missing, then type, then range or word) → target → times in order → constants → derive → flags → identity.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Scalar = str | int | float | bool


@dataclass(frozen=True, slots=True)
class Column:
    """One column. `raw` is the YAML's `as`; `low`/`high` its min/max; `values` None: any text; `otherwise` as in the YAML."""

    name: str
    raw: str
    field: str = ""
    type: Literal["keyword", "integer", "decimal"] = "keyword"
    required: bool = False
    divide_by: int = 1
    low: float | None = None
    high: float | None = None
    values: Mapping[str, str] | None = None
    otherwise: str = "reject"
    pii: Literal["keep", "hash", "drop"] = "keep"
    only: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TimeField:
    """A time composed of columns (names under [raw]), or paced by a record number when `paced_by` is not empty."""

    field: str
    columns: tuple[str, ...] = ()
    formats: tuple[str, ...] = ()
    required: bool = False
    paced_by: str = ""
    only: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Condition:
    """One test on one field. `kind`: in (values), range (low..high included), absent, present, before, below (other)."""

    field: str
    kind: Literal["in", "range", "absent", "present", "before", "below"]
    values: tuple[Scalar, ...] = ()
    low: float = 0.0
    high: float = 0.0
    other: str = ""


@dataclass(frozen=True, slots=True)
class Target:
    """Documents for which every condition holds are of `service`."""

    service: str
    when: tuple[Condition, ...] = ()


@dataclass(frozen=True, slots=True)
class Derived:
    """`kind` with its source fields; `values` and `otherwise` (None: absent) belong to kind map."""

    field: str
    kind: Literal["copy", "seconds_between", "time_plus", "time_minus", "sum", "difference", "map"]
    sources: tuple[str, ...]
    values: Mapping[str, Scalar] | None = None
    otherwise: Scalar | None = None
    only: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Flag:
    name: str
    when: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Layout:
    """A checked layout (`mediation.load.load_layout`)."""

    name: str
    title: str
    family: str
    runners: tuple[str, ...]
    separator: str
    strip: bool
    timezone: str
    columns: tuple[Column, ...]
    times: tuple[TimeField, ...]
    targets: tuple[Target, ...]
    constants: Mapping[str, Scalar]
    derived: tuple[Derived, ...]
    locals: Mapping[str, str]
    flags: tuple[Flag, ...]
    identity: tuple[str, ...]

    @property
    def header(self) -> tuple[str, ...]:
        """Header cells in the layout's own order."""
        return tuple(column.name for column in self.columns)

    @property
    def services(self) -> tuple[str, ...]:
        """Services that its documents can belong to, each once, in order of the targets."""
        return tuple(dict.fromkeys(target.service for target in self.targets))

    @property
    def paced(self) -> TimeField | None:
        """The time that no column carries, where there is one."""
        return next((time for time in self.times if time.paced_by), None)
