"""A layout: what one CDR format looks like, as data. Both runners are made from it.

The YAML file `mediation/layouts/NAME.yml`, key by key (`mediation/schema.py` is the same as a JSON Schema):

    layout: voip-public            name, the same as the file's
    title: one line for people
    family: voip                   which Logstash pipeline and Filebeat input it belongs to
    runners: [python, logstash]    who can run it
    format:                        how a file holds its records; see below for the kinds and their keys
      kind: csv
    encoding: utf-8                utf-8 (default); on python alone latin-1, utf-16 (by its byte order mark, else little-endian)
    files: ["Master*.csv"]         names of files that are of this layout, where no header tells; `*`, `?` and `[…]` as in a shell
    timezone: UTC                  IANA zone of times that carry no offset
    columns:                       in the order in which files have them
      - name: PostDialDelay        header cell, "" where the header has none; JSON path; key of a pair; any word where a
                                   csv has no header
        as: PostDialDelay          name under [raw], in rejects and in the identity; the name and the part unless given
        part: MLQK                 the cell is itself pairs `MLQK=4.5;ICR=0.0`, and this is the key of the one meant
        optional: true             csv with a header: files may lack the column; it is empty then
        absent: ["0"]              texts that stand for no value; the cell counts as empty, in the identity too
        field: voip.pdd.ms         where it goes (contracts/fields/); absent: it only feeds times or the identity
        type: decimal              keyword (default), integer (`17` and `17.0`), decimal
        required: true             an empty value is a reject `missing_value`; else an empty value is an absent field
        divide_by: 100             decimal only: the file has hundredths
        min: 0                     numbers only: outside min..max is a reject `bad_number`
        max: 127
        values: [a, b] or {0: a}   keyword only: the words allowed, or a mapping from the file's words to ours
        otherwise: reject          what becomes of any other word: reject (`bad_value`, default), keep, or a word of ours
        pii: hash                  keep (default), hash (keyed), truncate, drop (read for the identity and numbers, not stored)
        keep_characters: 6         pii: truncate only: how many characters of the value are stored
        only: [sms]                stored only in documents of these services
    times:
      - field: event.end
        columns: [Date, Time]      their values joined by one space; every one empty: absent, or `missing_time` where
                                   required; only some empty: `missing_time`; no format fits, or no such time: `bad_time`
        formats: ["yyyy-MM-dd H:mm:ss", ISO8601]   first that fits; pattern letters as in Logstash's date filter; UNIX, UNIX_MS
                                   and UNIX_US: seconds (to 2038, with decimals or without), milliseconds and microseconds
                                   since 1970, from 1973 on
        required: true
        paced_by: Record-Number    instead of columns: no column has a time; it is start + record number / rate when the
                                   user gives them, and a reject `missing_time` when not (always so on Logstash)
        only: [sms]
    target:                        first whose condition holds; the service decides the index
      - when: {mobile.call_type: [MOC, MTC]}
        service: mobile-voice
    constants: {field: value}
    numbers:                       what an E.164 number tells, read from the column before it is hashed (docs/enrichment.md)
      - column: calling_number     name under [raw]
        plain: international       digits without + or 00 are: national (default), international (MSISDNs)
        home: GB                   country of national numbers; the setting numbers.home.country unless given
        country: voip.calling.country    where the ISO 3166 code, the type and the zone go; any of the three
        type: voip.calling.number_type
        zone: voip.calling.zone
    derive:                        in this order; fills a field that is still absent, from fields that are all present
      - {field: "@timestamp", copy: event.end}
      - {field: voip.duration.sec, seconds_between: [voip.answer, event.end]}     absent when it would be negative
      - {field: event.start, time_minus: [event.end, mobile.duration.sec]}        and time_plus; to the nearest millisecond,
                                                                                  outside 1970 to 2099 `bad_time`
      - {field: epc.total.bytes, sum: [epc.uplink.bytes, epc.downlink.bytes]}
      - {field: voip.called.packets.lost, difference: [sent, received]}           0 when it would be negative
      - {field: voip.call_id, join: [cluster, call]}                              texts, with a hyphen between them
      - {field: event.outcome, map: {field: voip.disposition, values: {answered: success}, otherwise: failure}}
      - {field: voip.disposition, value: answered, when: {voip.answer: {present: true}}}    `when` goes with every kind
      - {field: voip.release.name, release_name: {q850: voip.release.q850, sip: voip.release.sip}}
      - {field: voip.release.fault, release_fault: {q850: voip.release.q850, sip: voip.release.sip}}    either may be absent
      - {field: voip.calling.mos, mos_of_r_factor: voip.calling.r_factor}         ITU-T G.107 annex B, to 3 digits
      - {field: voip.calling.packets.loss.ratio, ratio: [lost, expected]}         absent when it is not within 0 to 1
    locals: {name: integer}        fields that columns may fill for `derive` and `when`, and that are not stored
    flags:                         contradictions, collected in cdr.flags in this order
      - flag: answered_with_failure_status
        when: {voip.disposition: [answered], voip.release.sip: {from: 300, to: 699}}
    identity: [call_id]            columns (names under [raw]) whose values make a record the same record

Kinds of format, and their keys beside `kind` (`mediation.formats`):

    csv      quoting is RFC 4180 with `"`; one record is one physical line
      separator: ","               one character
      strip: false                 true: white space around header cells and values is no part of them
      header: names                names: the first line names the columns, in any order; none: there is no header, columns are
                                   by position; names-and-types: as names, and the second line gives a type for each
      others: refuse               what becomes of columns in the header that the layout does not name: refuse (default), ignore
      counts: [16, 18]             header none: how many columns a line may have; those that it lacks are at the end, and empty
    json     one object a physical line; a column's name is the path to its value, `variables.uuid`, `callflow.0.created`
      whole_file: false            true: objects may go over several lines, and be the members of one array
    pairs    one line `key=value;key=value`
      separator: ";"               between two pairs
      equals: "="                  between key and value; the first one counts
      after: "ACC: "               the pairs begin behind this text, where the line has it; a line without it is a reject
    ber      3GPP TS 32.298 records in TS 32.297 files (docs/ber.md); a column's name is a path, or several of which the first
             with a value counts: `p-GWAddress | p-GWAddressUsed`

A condition is a mapping field → test, all of which must hold: a list of values, `{from: a, to: b}` (both included),
`{absent: true}`, `{present: true}`, `{before: other time field}` or `{below: other number field}`.
A test on an absent field fails, but for `absent`.

Order of evaluation, the same on both runners; the first failure is the line's reason:
line too long → encoding (not UTF-8, U+FFFD, NUL or a carriage return inside the line) → the record: quoting and column count, or
pairs, or JSON and then whether the values are single ones that a column can hold (`mediation.formats`) → columns in the
layout's order (missing, then type, then range or word) → target → times in order → constants → numbers → derive → flags
→ identity.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

Scalar = str | int | float | bool
DerivedKind = Literal[
    "copy",
    "seconds_between",
    "time_plus",
    "time_minus",
    "sum",
    "difference",
    "join",
    "map",
    "value",
    "release_name",
    "release_fault",
    "mos_of_r_factor",
    "ratio",
]
DERIVED_KINDS: tuple[str, ...] = get_args(DerivedKind)


@dataclass(frozen=True, slots=True)
class Format:
    """How a file holds its records. Keys of other kinds than `kind` have no meaning."""

    kind: Literal["csv", "json", "pairs", "ber"]
    separator: str = ","
    strip: bool = False
    header: Literal["names", "none", "names-and-types"] = "names"
    others: Literal["refuse", "ignore"] = "refuse"
    counts: tuple[int, ...] = ()
    whole_file: bool = False
    equals: str = "="
    after: str = ""


@dataclass(frozen=True, slots=True)
class Column:
    """One column. `raw` is the YAML's `as`; `low`/`high` its min/max; `values` None: any text; `otherwise` as in the YAML."""

    name: str
    raw: str
    part: str = ""
    optional: bool = False
    absent: tuple[str, ...] = ()
    field: str = ""
    type: Literal["keyword", "integer", "decimal"] = "keyword"
    required: bool = False
    divide_by: int = 1
    low: float | None = None
    high: float | None = None
    values: Mapping[str, str] | None = None
    otherwise: str = "reject"
    pii: Literal["keep", "hash", "truncate", "drop"] = "keep"
    keep_characters: int = 0
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
    """`kind` with its source fields; `values` and `otherwise` (None: absent) belong to kind map; kind value gives `otherwise`.

    Kinds release_name and release_fault have in `values` which source is the `q850` and which the `sip` code.
    Nothing is derived unless every condition of `when` holds.
    """

    field: str
    kind: DerivedKind
    sources: tuple[str, ...]
    values: Mapping[str, Scalar] | None = None
    otherwise: Scalar | None = None
    only: tuple[str, ...] = ()
    when: tuple[Condition, ...] = ()


@dataclass(frozen=True, slots=True)
class NumberField:
    """What an E.164 number in `column` (name under [raw]) tells; empty fields are not filled. `home`: ISO 3166 code."""

    column: str
    plain: Literal["national", "international"] = "national"
    home: str = ""
    country: str = ""
    type: str = ""
    zone: str = ""

    @property
    def fields(self) -> dict[str, str]:
        """What it tells → where it goes."""
        given = {"country": self.country, "type": self.type, "zone": self.zone}
        return {name: field for name, field in given.items() if field}


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
    format: Format
    encoding: Literal["utf-8", "latin-1", "utf-16"]
    files: tuple[str, ...]
    timezone: str
    columns: tuple[Column, ...]
    times: tuple[TimeField, ...]
    targets: tuple[Target, ...]
    constants: Mapping[str, Scalar]
    derived: tuple[Derived, ...]
    locals: Mapping[str, str]
    flags: tuple[Flag, ...]
    identity: tuple[str, ...]
    numbers: tuple[NumberField, ...] = ()

    @property
    def header(self) -> tuple[str, ...]:
        """Header cells in the layout's own order, each once."""
        return tuple(dict.fromkeys(column.name for column in self.columns))

    @property
    def headed(self) -> bool:
        """Whether its files begin with a line that names the columns."""
        return self.format.kind == "csv" and self.format.header != "none"

    @property
    def binary(self) -> bool:
        """Whether a record is bytes, no line of text."""
        return self.format.kind == "ber"

    @property
    def inlined(self) -> bool:
        """A csv whose cells are the columns one for one: `mediation.compile` splits those itself, without `mediation.formats`."""
        return (
            self.format.kind == "csv"
            and self.format.header == "names"
            and self.format.others == "refuse"
            and not any(column.part or column.optional or column.absent for column in self.columns)
        )

    @property
    def separator(self) -> str:
        """Between two cells or pairs."""
        return self.format.separator

    @property
    def strip(self) -> bool:
        """Whether white space around cells is no part of them."""
        return self.format.strip

    @property
    def services(self) -> tuple[str, ...]:
        """Services that its documents can belong to, each once, in order of the targets."""
        return tuple(dict.fromkeys(target.service for target in self.targets))

    @property
    def paced(self) -> TimeField | None:
        """The time that no column carries, where there is one."""
        return next((time for time in self.times if time.paced_by), None)
