"""Every setting in one table: name, default, unit, meaning. Nothing else in the product reads the environment.

A setting `ingest.chunk.lines` is the environment variable `BUSYHOUR_INGEST_CHUNK_LINES`, or the key
`ingest.chunk.lines` of the YAML file that `BUSYHOUR_SETTINGS` names. The environment wins.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from contracts.clock import PERIODS
from contracts.errors import SettingError

Value = str | int | float | bool


@dataclass(frozen=True, slots=True)
class Setting:
    """One row of the table. `choices` or `low`/`high` bound the value where it has bounds."""

    name: str
    default: Value
    unit: str
    meaning: str
    env: str = ""
    choices: tuple[str, ...] = ()
    low: float | None = None
    high: float | None = None
    secret: bool = False

    @property
    def variable(self) -> str:
        return self.env or "BUSYHOUR_" + self.name.upper().replace(".", "_")


TABLE: tuple[Setting, ...] = (
    Setting("home", ".busyhour", "path", "the local node's data, logs and secrets", env="BUSYHOUR_HOME"),
    Setting("es.url", "", "URL", "Elasticsearch 8.19 or later; empty: the local node under home", env="ES_URL"),
    Setting("es.api.key", "", "", "API key for es.url (base64 id:key)", env="ES_API_KEY", secret=True),
    Setting("es.user", "", "", "user for es.url, where there is no API key", env="ES_USER"),
    Setting("es.password", "", "", "password of es.user", env="ES_PASSWORD", secret=True),
    Setting("es.ca", "", "path", "PEM file of the authority that signed es.url's certificate", env="ES_CA"),
    Setting("es.timeout.sec", 60, "s", "longest wait for one answer of Elasticsearch", low=1, high=3600),
    Setting(
        "es.wait.sec",
        900,
        "s",
        "how long a job waits for an Elasticsearch that is away before it gives up",
        low=0,
        high=86400,
    ),
    Setting("node.heap.mib", 1024, "MiB", "Java heap of the local node", low=256, high=31744),
    Setting("node.port", 0, "port", "HTTP port of the local node; 0: a free one", low=0, high=65535),
    Setting("node.start.sec", 90, "s", "how long the local node may take to become ready", low=5, high=3600),
    Setting("node.java", "", "path", "java program for the local node; empty: JAVA_HOME, then PATH"),
    Setting(
        "partition.period",
        "month",
        "",
        "length of a partition of growing indices; fixed while data exists",
        choices=PERIODS,
    ),
    Setting("network.timezone", "UTC", "IANA zone", "zone of days and hours of week of entities that name none"),
    Setting(
        "network.country",
        "",
        "ISO 3166",
        "country whose public holidays are judged as Sundays, such as DE or DE-BY; empty: none",
    ),
    Setting("network.calendars", "", "path", ".ics file, or a folder of them: maintenance, events, more holidays"),
    Setting("ingest.chunk.lines", 1000, "lines", "lines mediated and sent as one bulk request", low=1, high=50000),
    Setting(
        "ingest.line.bytes", 1048576, "bytes", "longest line taken; a longer one is a reject", low=1024, high=1073741824
    ),
    Setting(
        "ingest.ahead.hours",
        48,
        "h",
        "a record whose time is further ahead of the clock than this is a reject",
        low=0,
        high=1_000_000,
    ),
    Setting(
        "ingest.unpacked.bytes",
        68719476736,
        "bytes",
        "most that one packed file, or one member of a zip, may unpack to",
        low=1024,
        high=2**50,
    ),
    Setting("ingest.senders", 3, "threads", "bulk requests under way at once", low=1, high=32),
    Setting("follow.poll.ms", 1000, "ms", "pause between two looks at a followed folder", low=20, high=3_600_000),
    Setting(
        "follow.close.sec",
        60,
        "s",
        "a followed file unchanged for this long is finished; on NFS longer than the mount caches attributes",
        low=1,
        high=86400,
    ),
    Setting(
        "follow.lease.sec", 60, "s", "a worker not heard of for this long has its files taken over", low=2, high=3600
    ),
    Setting("follow.open.files", 500, "files", "followed files that one worker holds open", low=1, high=100000),
    Setting(
        "follow.done.suffix",
        ".done",
        "",
        "a file renamed to NAME and this, or an empty file of that name beside NAME, says that NAME is finished; empty: off",
    ),
    Setting("follow.skip", "", "patterns", "file names that are not followed, such as *.gz,*.old; separated by commas"),
    Setting(
        "books.quiet.sec",
        900,
        "s",
        "the audit leaves the row of a file that changed within this time open: its lines may be on their way",
        low=0,
        high=604_800,
    ),
    Setting(
        "source.table", "", "path", "YAML table of sources; empty: the shipped one (mediation/sources/sources.yml)"
    ),
    Setting(
        "source.window.days",
        7,
        "days",
        "files looked back at for the rhythm of a source and gaps in it",
        low=1,
        high=400,
    ),
    Setting(
        "source.grace.sec",
        300,
        "s",
        "a sequence number is missing when it is overtaken for this long",
        low=0,
        high=604_800,
    ),
    Setting(
        "source.late.intervals",
        3,
        "intervals",
        "a source is late when it is silent for so many of its intervals",
        low=1,
        high=1000,
    ),
    Setting(
        "source.retire.intervals",
        0,
        "intervals",
        "a source that is silent for so many of its intervals is retired by itself; 0: by the operator only",
        low=0,
        high=1_000_000,
    ),
    Setting(
        "pii.key",
        "",
        "",
        "key of the keyed hash of subscriber identities; empty: one kept under home",
        env="BUSYHOUR_PII_KEY",
        secret=True,
    ),
    Setting(
        "correlate.window.start.hours",
        24,
        "h",
        "records of one call id or charging id further apart than this are of two calls or sessions: the id was used again",
        low=1,
        high=8784,
    ),
    Setting(
        "correlate.window.late.hours",
        168,
        "h",
        "a record that comes this long after the others of its call or session is shown, and left out of its figures",
        low=1,
        high=876_000,
    ),
    Setting(
        "pii.reject.raw",
        "keep",
        "",
        "a reject's raw line: keep it, store its keyed hash, or drop it; rejects retry needs it kept",
        choices=("keep", "hash", "drop"),
    ),
    Setting(
        "numbers.home.country",
        "",
        "ISO 3166",
        "country whose national numbers occur in records, such as GB; empty: they get no country",
    ),
    Setting("layouts.folder", "", "path", "folder of layouts of your own, beside the shipped ones; empty: none"),
    Setting("reference.folder", "", "path", "folder of the reference tables (docs/enrichment.md); empty: none"),
    Setting(
        "kpi.allowance.sec",
        60,
        "s",
        "clock allowance: the roll-up looks this far behind its checkpoint",
        low=0,
        high=86400,
    ),
    Setting(
        "kpi.sms.within.sec", 300, "s", "an SMS counts as delivered when it arrives within this time", low=1, high=86400
    ),
    Setting(
        "kpi.density",
        8,
        "records",
        "a series is kept by 5 minutes, or by the hour, while its busiest hour of a week has this many records a bucket",
        low=0,
        high=1000,
    ),
    Setting(
        "kpi.ner.user.numbers",
        True,
        "",
        "causes 1 and 28 (number dialled wrongly) count as the user's, not the network's",
    ),
    Setting(
        "kpi.collect.hosts",
        "",
        "host[:port], …",
        "hosts that KPIs may be collected from over HTTP; empty: none",
    ),
    Setting("kpi.collect.folder", "", "path", "folder that KPIs of kind file are read from; empty: none"),
    Setting(
        "kpi.keep.5m.days",
        92,
        "d",
        "`kpi retain` drops partitions of kpi-5m older than this; 0: none",
        low=0,
        high=36600,
    ),
    Setting(
        "kpi.keep.1h.days",
        1100,
        "d",
        "`kpi retain` drops partitions of kpi-1h older than this; 0: none",
        low=0,
        high=36600,
    ),
    Setting("kpi.keep.1d.days", 0, "d", "the same of kpi-1d", low=0, high=36600),
    Setting(
        "kpi.report.mail",
        "",
        "target:period, …",
        "who `run` mails the KPI report to, by day, week or month; empty: nobody",
    ),
    Setting("kpi.metrics.series", 10000, "series", "most series that /metrics shows", low=100, high=1000000),
    Setting(
        "rollup.rows",
        10000,
        "rows",
        "rows asked of one ES|QL query; above Elasticsearch's own cap it has no effect",
        low=1000,
        high=1000000,
    ),
    Setting("kibana.url", "", "URL", "Kibana that `dashboards push` installs into", env="KIBANA_URL"),
    Setting("kibana.api.key", "", "", "API key for kibana.url (base64 id:key)", env="KIBANA_API_KEY", secret=True),
    Setting("kibana.user", "", "", "user for kibana.url, where there is no API key", env="KIBANA_USER"),
    Setting("kibana.password", "", "", "password of kibana.user", env="KIBANA_PASSWORD", secret=True),
    Setting("kibana.ca", "", "path", "PEM file of the authority that signed kibana.url's certificate", env="KIBANA_CA"),
    Setting("kibana.space", "busyhour", "", "Kibana space that gets the dashboards; default: Kibana's own"),
    Setting("kibana.timeout.sec", 120, "s", "longest wait for one answer of Kibana", low=1, high=3600),
    Setting(
        "usage.url",
        "",
        "URL",
        "database of the usage store, such as mysql+pymysql://USER@HOST/DATABASE; empty: SQLite under home",
        secret=True,
    ),
    Setting("usage.password", "", "", "password for usage.url", secret=True),
    Setting(
        "usage.password.file", "", "path", "file that holds the password for usage.url, in place of usage.password"
    ),
    Setting("usage.wait.sec", 60, "s", "how long a write waits for a usage database that is away", low=0, high=86400),
    Setting("usage.tariffs", "", "path", "YAML table of tariffs; empty: the shipped one (usage/tariffs.yml)"),
    Setting("console.queries", 4, "queries", "panel queries under way at once, of all viewers", low=1, high=64),
    Setting("console.query.sec", 10, "s", "longest wait of a page for one answer of Elasticsearch", low=1, high=600),
    Setting("console.cache.mib", 64, "MiB", "answers to panels kept for the next viewer", low=1, high=16384),
    Setting("console.session.hours", 12, "h", "after this long a person signs in anew", low=1, high=168),
    Setting("console.viewers", 500, "viewers", "dashboards kept live at once; more are refused", low=1, high=100000),
    Setting("channel.url", "", "URL", "address under which customers reach `busyhour channel serve`; in survey links"),
    Setting("channel.key", "", "", "key that signs chats and survey links; empty: one kept under home", secret=True),
    Setting("channel.mail.address", "", "", "address that customers write to, such as support@example.net"),
    Setting("channel.mail.imap.url", "", "URL", "mailbox that is polled, such as imaps://USER@HOST/INBOX"),
    Setting("channel.mail.imap.password", "", "", "password for channel.mail.imap.url", secret=True),
    Setting("channel.mail.smtp.url", "", "URL", "server that takes our mail, such as smtps://USER@HOST or smtp://HOST"),
    Setting("channel.mail.smtp.password", "", "", "password for channel.mail.smtp.url", secret=True),
    Setting("channel.mail.bytes", 20971520, "bytes", "longest mail taken", low=65536, high=104857600),
    Setting("channel.mail.hourly", 20, "mails", "taken of one sender an hour; more are bounced", low=1, high=100000),
    Setting("channel.mail.acknowledge", True, "", "a mail that opens a ticket is answered with the ticket's number"),
    Setting("channel.chat.origins", "", "origins", "pages that may open a chat, such as https://example.net"),
    Setting("channel.chat.viewers", 500, "connections", "chats open at once; more are refused", low=1, high=100000),
    Setting("channel.webhook.window.sec", 300, "s", "a signed request older than this is refused", low=10, high=86400),
    Setting("channel.voice.secret", "", "", "key that signs the telephone system's events", secret=True),
    Setting("channel.messaging.secret", "", "", "key that signs messages of a generic messaging service", secret=True),
    Setting("channel.whatsapp.secret", "", "", "app secret of the Meta app, which signs its webhooks", secret=True),
    Setting("channel.messaging.url", "", "URL", "where answers to a generic messaging service are posted; empty: none"),
    Setting(
        "channel.whatsapp.url", "", "URL", "such as https://graph.facebook.com/v23.0/PHONE-NUMBER-ID; empty: no answers"
    ),
    Setting("channel.whatsapp.token", "", "", "access token for channel.whatsapp.url", secret=True),
    Setting("channel.whatsapp.verify", "", "", "verify token that Meta was given for the webhook", secret=True),
    Setting("crm.url", "", "URL", "legacy CRM or billing database that customers are synchronised from", secret=True),
    Setting(
        "desk.folder",
        "",
        "path",
        "folder of states.yml, sla.yml or macros.yml of your own, in place of the shipped ones",
    ),
    Setting(
        "desk.assign",
        True,
        "",
        "new tickets are given to agents by skill, language, load and shift, where there are agents",
    ),
    Setting("desk.attachment.mib", 10, "MiB", "largest file that a ticket takes", low=1, high=25),
    Setting("alert.webhook.timeout.sec", 5, "s", "longest wait for a webhook", low=1, high=120),
    Setting("alert.watches.folder", "", "path", "folder of watches of your own, beside the shipped ones; empty: none"),
    Setting(
        "alert.notify.file",
        "",
        "path",
        "YAML of who is notified, and how (docs/alerting.md): it holds secrets, so keep it to its owner; empty: nobody",
    ),
    Setting("alert.notify.tries", 8, "tries", "of a notification before it is a dead letter", low=1, high=100),
    Setting(
        "alert.notify.pause.sec",
        30,
        "s",
        "before the second try, doubled after each, at most an hour",
        low=1,
        high=3600,
    ),
    Setting(
        "alert.notify.lease.sec",
        120,
        "s",
        "a notification whose sender died is sent again after this; longer than any notifier takes",
        low=2,
        high=3600,
    ),
    Setting(
        "alert.notify.round.sec", 30, "s", "longest that a round of alerting sends; the rest waits", low=1, high=600
    ),
    Setting("alert.console.url", "", "URL", "of the console, for links in notifications; empty: no links"),
    Setting("alert.threads", 4, "threads", "watches evaluated at once", low=1, high=64),
)
_BY_NAME = {row.name: row for row in TABLE}
_BY_VARIABLE = {row.variable: row for row in TABLE}
# Variables that steer something else under our prefix.
_FOREIGN = {"BUSYHOUR_SETTINGS", "BUSYHOUR_TEST_HEAVY", "BUSYHOUR_TEST_HOME"}


class Settings(Mapping[str, Any]):
    """Checked values by name; every row of the table is present."""

    def __init__(self, values: Mapping[str, Value]) -> None:
        self._values = {row.name: values.get(row.name, row.default) for row in TABLE}

    def __getitem__(self, name: str) -> Any:
        return self._values[name]

    def __iter__(self) -> Any:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def text(self, name: str) -> str:
        return str(self._values[name])

    def number(self, name: str) -> int:
        return int(self._values[name])

    def with_values(self, **values: Value) -> Settings:
        """A copy with some values replaced; keys with `_` for `.`: `with_values(es_url="…")`."""
        changed = {name.replace("_", "."): value for name, value in values.items()}
        for name in changed:
            if name not in _BY_NAME:
                raise SettingError(f"unknown setting {name!r}{_nearest(name, list(_BY_NAME))}")
        return Settings({**self._values, **changed})


def read(environment: Mapping[str, str], file_values: Mapping[str, Any] | None = None, file_name: str = "") -> Settings:
    """Settings from the environment over a settings file's values. Raises SettingError naming key, value and remedy."""
    values: dict[str, Value] = {}
    for name, raw in (file_values or {}).items():
        row = _BY_NAME.get(str(name))
        if row is None:
            raise SettingError(f"unknown setting {name!r}{_nearest(str(name), list(_BY_NAME))}", where=file_name)
        values[row.name] = _checked(row, raw, f"{file_name}: {name}")
    for variable, raw in environment.items():
        row = _BY_VARIABLE.get(variable)
        if row is not None:
            if raw != "":
                values[row.name] = _checked(row, raw, variable)
        elif variable.startswith("BUSYHOUR_") and variable not in _FOREIGN:
            raise SettingError(
                f"unknown setting {variable}{_nearest(variable, list(_BY_VARIABLE))}",
                where="environment",
                remedy="unset it, or see `busyhour settings` for the names",
            )
    return Settings(values)


def _checked(row: Setting, raw: Any, where: str) -> Value:
    value = _typed(row, raw, where)
    if row.choices and value not in row.choices:
        raise SettingError(f"{value!r} is not one of {', '.join(row.choices)}", where=where)
    if (
        isinstance(value, int | float)
        and row.low is not None
        and row.high is not None
        and not row.low <= value <= row.high
    ):
        raise SettingError(f"{value} is outside {row.low:g} to {row.high:g} {row.unit}".rstrip(), where=where)
    if row.name == "network.timezone":
        _check_zone(str(value), where)
    return value


def _typed(row: Setting, raw: Any, where: str) -> Value:
    text = str(raw).strip()
    if isinstance(row.default, bool):
        if text.lower() in ("true", "yes", "1", "on"):
            return True
        if text.lower() in ("false", "no", "0", "off"):
            return False
        raise SettingError(f"{text!r} is neither true nor false", where=where)
    if isinstance(row.default, int):
        try:
            return int(text)
        except ValueError:
            raise SettingError(f"{text!r} is not a whole number ({row.unit})", where=where) from None
    return text


def _check_zone(name: str, where: str) -> None:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise SettingError(
            f"unknown time zone {name!r}", where=where, remedy="use an IANA name such as Europe/Berlin"
        ) from None


def _nearest(name: str, names: list[str]) -> str:
    close = difflib.get_close_matches(name, names, n=1)
    return f"; did you mean {close[0]}?" if close else ""
