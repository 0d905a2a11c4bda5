"""Every stored field, declared once: name, Elasticsearch type, meaning. Mappings, docs and checks are made from this.

Times are UTC. Ratios are 0–1. The unit is the last part of a name (`.ms`, `.sec`, `.bytes`, `.ratio`).
Names of the Elastic Common Schema come first, then our own under `voip`, `mobile`, `sms`, `epc`, `cdr`, `kpi` and so on.
"""

from __future__ import annotations

from typing import NamedTuple


class Field(NamedTuple):
    """`type` is an Elasticsearch field type; `text` means full text with a `.keyword` beside it; `blob` is kept, not indexed."""

    name: str
    type: str
    meaning: str


F = Field

EVENT = (
    F("@timestamp", "date", "time that decides: a call's release, an SMS's submit, a record's end"),
    F("event.ingested", "date", "when it was written here"),
)
SERVICE = (F("service.name", "keyword", "voip, mobile-voice, sms or epc"),)
ENTITY = (
    F("entity.type", "keyword", "service, trunk_group, sbc, plan, apn …"),
    F("entity.id", "keyword", "TG6, Lon-Site, PLAN1 …"),
)
SOURCE_FILE = (
    F("log.file.path", "keyword", "file the line was first seen in"),
    F("log.file.fingerprint", "keyword", "SHA-256 of the file's first 1,024 bytes, as Filebeat has it"),
    F("log.offset", "long", "byte offset of the line in the file, in bytes"),
)
CDR = (
    *EVENT,
    *SERVICE,
    *SOURCE_FILE,
    F("ecs.version", "keyword", "version of the Elastic Common Schema"),
    F("event.kind", "keyword", "always event"),
    F("event.dataset", "keyword", "busyhour.voip, busyhour.sms …"),
    F("event.outcome", "keyword", "success, failure or unknown"),
    F("event.start", "date", "start of the call or data record, submit of the SMS"),
    F("event.end", "date", "release of the call, end of the data record, delivery of the SMS"),
    F("cdr.layout", "keyword", "layout that read the line"),
    F("cdr.record", "keyword", "the sender's own record number"),
    F("cdr.node", "keyword", "name of the node that wrote the record"),
    F("cdr.sequence", "long", "the node's own count of its records"),
    F("cdr.flags", "keyword", "contradictions inside the record"),
    F(
        "cdr.kind",
        "keyword",
        "cdr (also when absent), cmr: quality of a leg, event: a step of a call; call or session: made from several records",
    ),
    F("cdr.event", "keyword", "of cdr.kind event: which step, such as ANSWER, HANGUP, INVITE or BYE"),
    F("cdr.correlated", "date", "when a call or session took the record in: KPIs count that document in its place"),
    F(
        "cdr.surplus",
        "keyword",
        "why it does not count: reconciling, duplicate or late in its session; open (not ended)",
    ),
    F("cdr.moved_from", "date", "of a call or session: the earliest time it stood at before it was made again"),
)
SUBSCRIBER = (
    F("subscriber.msisdn", "keyword", "keyed hash of the subscriber's number"),
    F("subscriber.imsi", "keyword", "keyed hash of the IMSI"),
    F("subscriber.imei", "keyword", "keyed hash of the IMEI"),
    F("subscriber.plan", "keyword", "tariff plan"),
    F("subscriber.plan_name", "keyword", "name of the plan, by the table plans"),
    F("subscriber.segment", "keyword", "customers that the plan is for, by the table plans"),
    F("subscriber.country", "keyword", "country of the subscriber's number (ISO 3166-1 alpha-2)"),
    F("subscriber.cell", "keyword", "cell that the subscriber was in"),
    F("subscriber.site", "keyword", "site of the cell, by the table cells"),
    F("subscriber.region", "keyword", "region of the cell, by the table cells"),
    F("subscriber.technology", "keyword", "radio technology of the cell, by the table cells"),
)


def _number_fields(name: str) -> tuple[Field, ...]:
    """What an E.164 number told before it was hashed."""
    return (
        F(f"{name}.country", "keyword", "country of the number (ISO 3166-1 alpha-2)"),
        F(f"{name}.number_type", "keyword", "fixed, mobile, fixed_or_mobile, toll_free, premium, shared_cost, voip …"),
        F(f"{name}.zone", "keyword", "national, or world-N: the first digit of the calling code"),
    )


def _trunk_group(side: str) -> tuple[Field, ...]:
    """What the table trunk_groups knows."""
    name = f"voip.{side}"
    return (
        F(f"{name}.carrier", "keyword", f"carrier behind the {side} trunk group, by the table trunk_groups"),
        F(f"{name}.site", "keyword", f"site of the {side} trunk group, by the table trunk_groups"),
        F(f"{name}.region", "keyword", f"region of the {side} trunk group, by the table trunk_groups"),
        F(f"{name}.channels", "integer", f"channels of the {side} trunk group, by the table trunk_groups"),
    )


def _leg(side: str) -> tuple[Field, ...]:
    name = f"voip.{side}"
    return (
        F(f"{name}.number", "keyword", f"keyed hash of the {side} number"),
        *_number_fields(name),
        F(
            f"{name}.id",
            "keyword",
            f"identity of the {side} leg, which a quality report (cdr.kind cmr) has as voip.leg.id",
        ),
        F(f"{name}.packets.lost", "long", "RTP packets lost, count"),
        F(f"{name}.packets.expected", "long", "RTP packets that the sender sent, count"),
        F(f"{name}.packets.loss.ratio", "double", "RTP packets lost of those sent"),
        F(f"{name}.jitter.ms", "double", "mean interarrival jitter (RFC 3550)"),
        F(f"{name}.r_factor", "double", "transmission rating R, 0–100 (G.107)"),
        F(f"{name}.mos", "double", "mean opinion score, 1–5"),
    )


VOIP = (
    *CDR,
    F("voip.call_id", "keyword", "call identity that both legs share"),
    F("voip.disposition", "keyword", "answered, ringing or call-attempt"),
    F("voip.answer", "date", "time of answer"),
    F("voip.duration.sec", "double", "answer to release"),
    F("voip.pdd.ms", "double", "post-dial delay"),
    F("voip.release.q850", "integer", "release cause (ITU-T Q.850), 0: none given"),
    F("voip.release.sip", "integer", "final SIP status, 0: none given"),
    F("voip.release.name", "keyword", "name of the code that decides (Q.850 before SIP; mediation/enrich/causes.yml)"),
    F("voip.release.fault", "keyword", "whose fault the release was: none, user, far_end, network or unknown"),
    F("voip.codec", "keyword", "audio codec"),
    *_leg("calling"),
    *_leg("called"),
    *_leg("leg"),
    F("voip.ingress.sbc", "keyword", "session border controller the call came in by"),
    F("voip.egress.sbc", "keyword", "session border controller the call left by"),
    F("voip.trunk_group.originating", "keyword", "trunk group the call came in on"),
    F("voip.trunk_group.terminating", "keyword", "trunk group the call left on"),
    F("voip.ingress.site", "keyword", "site of the ingress SBC, by the table sbcs"),
    F("voip.ingress.region", "keyword", "region of the ingress SBC, by the table sbcs"),
    F("voip.egress.site", "keyword", "site of the egress SBC, by the table sbcs"),
    F("voip.egress.region", "keyword", "region of the egress SBC, by the table sbcs"),
    *_trunk_group("originating"),
    *_trunk_group("terminating"),
)
PEER = (
    F("mobile.call_type", "keyword", "MOC, MTC, SMS-MO or SMS-MT"),
    F("peer.number", "keyword", "keyed hash of the other party's number"),
    F("peer.type", "keyword", "customer class of the other party"),
    *_number_fields("peer"),
)
MOBILE_VOICE = (*CDR, *SUBSCRIBER, *PEER, F("mobile.duration.sec", "double", "duration of the call"))
SMS = (
    *CDR,
    *SUBSCRIBER,
    *PEER,
    F("sms.message_id", "keyword", "message identity"),
    F("sms.smsc", "keyword", "SMS centre"),
    F("sms.result", "keyword", "delivered, failed, expired or pending"),
    F("sms.error_code", "integer", "error of the last attempt (3GPP TS 29.002 user error), 0: none"),
    F("sms.delay.sec", "double", "submit to delivery"),
)
EPC = (
    *CDR,
    *SUBSCRIBER,
    F("epc.apn", "keyword", "access point name"),
    F("epc.rat", "keyword", "radio access technology: EUTRAN, NR, UTRAN, GERAN, WLAN, NB-IOT"),
    F("epc.qci", "integer", "QoS class identifier or 5QI"),
    F("epc.uplink.bytes", "long", "bytes from the subscriber"),
    F("epc.downlink.bytes", "long", "bytes to the subscriber"),
    F("epc.total.bytes", "long", "uplink and downlink"),
    F("epc.duration.sec", "double", "length of the record's interval"),
    F(
        "epc.cause_for_closing",
        "keyword",
        "normal_release, abnormal_release, volume_limit … (3GPP TS 32.298 causeForRecClosing)",
    ),
    F("epc.final", "boolean", "the cause for closing ends the session"),
    F("epc.pgw.address", "keyword", "address of the P-GW"),
    F("epc.charging_id", "long", "charging identity, unique on its P-GW"),
    F("epc.record_sequence", "long", "number of this partial record in its session"),
    F("epc.record_type", "keyword", "pgw-cdr (also when absent) or sgw-cdr"),
    F("epc.sgw.address", "keyword", "address of the S-GW"),
    F("epc.containers", "long", "containers whose volumes the record sums: traffic volumes, or service data"),
    F("epc.session.start", "date", "start of the whole session, where the record says it"),
    F("epc.session.stop", "date", "end of the whole session, where the record says it"),
)
CORRELATED = (
    F("correlation.records", "integer", "records it was made from"),
    F("correlation.late", "integer", "records of it that came after correlate.window.late.hours: not in its figures"),
)
CALL = (
    *VOIP,
    *CORRELATED,
    F("call.legs", "integer", "legs it was made from"),
    F("call.reports", "integer", "quality reports (CMR) that were joined to it"),
    F("call.steps", "integer", "steps (SIP transactions, channel events) that were joined to it"),
)
SESSION = (
    *EPC,
    *CORRELATED,
    F("session.state", "keyword", "ended (a final cause for closing came) or open"),
    F("session.partials", "integer", "records whose volumes are summed"),
    F("session.duplicates", "integer", "record sequence numbers that were delivered again, and counted once"),
    F("session.missing", "long", "record sequence numbers that are missing (the first 100)"),
    F("session.missing_count", "long", "record sequence numbers that are missing, count"),
    F("session.late.bytes", "long", "volume of its records that came too late"),
    F("session.sgw.records", "integer", "S-GW records that reconcile it"),
    F("session.sgw.uplink.bytes", "long", "bytes from the subscriber by the S-GW"),
    F("session.sgw.downlink.bytes", "long", "bytes to the subscriber by the S-GW"),
    F("session.sgw.total.bytes", "long", "uplink and downlink by the S-GW"),
    F("session.sgw.difference.bytes", "long", "total by the P-GW less total by the S-GW"),
)
REJECT = (
    F("event.ingested", "date", "when it was first suspended"),
    *SERVICE,
    *SOURCE_FILE,
    F("log.line", "long", "physical line number, from 1"),
    F("cdr.layout", "keyword", "layout that refused the line"),
    F("reject.reason", "keyword", "reason code"),
    F("reject.column", "keyword", "column at fault, empty when it is the whole line"),
    F("reject.detail", "blob", "what was wrong, for people"),
    F("reject.state", "keyword", "suspended, recycled or discarded"),
    F(
        "reject.raw",
        "blob",
        "the raw line (its first 8,192 characters), its keyed hash, or absent: setting pii.reject.raw",
    ),
    F("reject.moved", "date", "when it was recycled or discarded"),
    F("reject.by", "keyword", "who moved it"),
    F("reject.why", "blob", "why it was discarded, in words"),
    F("reject.became", "keyword", "of a recycled line: indexed, or duplicate of a record from elsewhere"),
)
FILE = (
    F("event.ingested", "date", "when these books were last written"),
    *SERVICE,
    *SOURCE_FILE[:2],
    F("file.source", "keyword", "feed: the folder that delivers the file"),
    F("file.size.bytes", "long", "bytes read"),
    F("file.layout", "keyword", "layout that read it"),
    F("file.state", "keyword", "open or closed"),
    F("file.lines", "long", "data lines"),
    F("file.indexed", "long", "lines whose document or first sighting is here"),
    F("file.duplicate", "long", "lines first seen elsewhere"),
    F("file.rejected", "long", "lines suspended with a reason, first seen here"),
    F("file.first", "date", "earliest record time in it"),
    F("file.last", "date", "latest record time in it"),
    F("file.reasons", "flattened", "rejected lines per reason"),
    F("file.missing", "long", "lines of which the store has neither record nor reject, found by the audit"),
    F("file.recycled", "long", "of the rejected lines: mediated after all"),
    F("file.discarded", "long", "of the rejected lines: given up by somebody"),
    F("file.mtime", "date", "when the file was delivered: its last modification, or the first sighting of its lines"),
    F("file.header", "blob", "its header line, in the order of its own columns"),
    F("file.sequence", "long", "file sequence number in its own header (3GPP TS 32.297)"),
    F("file.node", "keyword", "node that wrote it, by its own header"),
    F("file.lost", "long", "CDRs that the node lost before it could write them, at least, by its own header"),
)
KPI = (
    *EVENT,
    *SERVICE,
    *ENTITY,
    F("kpi.id", "keyword", "definition, such as voip.asr"),
    F("kpi.version", "integer", "version of the definition"),
    F("kpi.unit", "keyword", "ratio, ms, calls, E, bytes …"),
    F("kpi.value", "double", "value in that unit; absent unless state is ok or insufficient_data"),
    F("kpi.numerator", "double", "numerator of a ratio, sum of a mean"),
    F("kpi.denominator", "double", "denominator of a ratio, count of a mean"),
    F("kpi.samples", "long", "records behind the value"),
    F("kpi.bins", "blob", "counts per delay bin, `index:count …`"),
    F("kpi.state", "keyword", "ok, no_data, insufficient_data or not_measurable"),
    F("kpi.resolution.sec", "integer", "length of the bucket"),
    F("kpi.origin", "keyword", "cdr, manual or a connector"),
)
BASELINE = (
    *SERVICE,
    *ENTITY,
    F("kpi.id", "keyword", "definition"),
    F("kpi.version", "integer", "version of the definition"),
    F("baseline.hour_of_week", "integer", "0–167, Monday 00:00 = 0, in baseline.timezone"),
    F("baseline.timezone", "keyword", "IANA zone of the entity"),
    F("baseline.resolution.sec", "integer", "length of the buckets it was learned from"),
    F("baseline.kind", "keyword", "count, ratio or continuous"),
    F("baseline.expected", "double", "robust centre"),
    F("baseline.spread", "double", "robust spread around it, same unit"),
    F("baseline.dispersion", "double", "over-dispersion of counts and ratios, 1: none"),
    F("baseline.lower", "double", "lower end of the normal band at usual samples"),
    F("baseline.upper", "double", "upper end of the normal band at usual samples"),
    F("baseline.within", "double", "variance that one sample brings, 1: Poisson or binomial"),
    F("baseline.between", "double", "variance that more samples do not remove, on the model's scale"),
    F("baseline.tail", "double", "degrees of freedom of the tail of a continuous value"),
    F("baseline.floor", "double", "what stands for zero where a value is judged on its logarithm"),
    F("baseline.set", "keyword", "a or b: training writes one while the other is in use"),
    F("baseline.samples", "double", "usual samples a bucket"),
    F("baseline.weeks", "double", "weeks behind it"),
    F("baseline.model_version", "keyword", "version of the learning method"),
    F("baseline.trained", "date", "when it was learned"),
)
FINDING = (
    F("@timestamp", "date", "start"),
    F("event.start", "date", "start; may be revised"),
    F("event.end", "date", "end; absent while open"),
    F("event.ingested", "date", "when it was last written"),
    F("event.severity", "integer", "1 critical, 2 major, 3 minor, 4 warning (X.733)"),
)
ANOMALY = (
    *FINDING,
    *SERVICE,
    *ENTITY,
    F("kpi.id", "keyword", "definition"),
    F("anomaly.id", "keyword", "its own id"),
    F("anomaly.status", "keyword", "open, closed or withdrawn"),
    F("anomaly.detector", "keyword", "baseline, threshold or feed"),
    F("anomaly.score", "double", "0–100, high is anomalous"),
    F("anomaly.direction", "keyword", "high or low"),
    F("anomaly.actual", "double", "value at the peak, in the KPI's unit"),
    F("anomaly.expected", "double", "expected value at the peak"),
    F("anomaly.lower", "double", "lower end of the normal band at the peak"),
    F("anomaly.upper", "double", "upper end of the normal band at the peak"),
    F("anomaly.samples", "double", "samples at the peak"),
    F("anomaly.reason", "text", "in words"),
    F("anomaly.detected", "date", "end of the bucket that decided it"),
    F("anomaly.last", "date", "end of its last anomalous bucket so far"),
    F("incident.id", "keyword", "incident it belongs to"),
)
FEEDBACK = (
    *EVENT,
    *SERVICE,
    *ENTITY,
    F("kpi.id", "keyword", "definition"),
    F("anomaly.id", "keyword", "what it was said of"),
    F("anomaly.direction", "keyword", "high or low"),
    F("feedback.verdict", "keyword", "true, false or expected"),
    F("feedback.by", "keyword", "who said it"),
    F("feedback.why", "text", "why"),
    F("feedback.scope", "keyword", "what a false one keeps quiet: series, kpi or entity"),
    F("feedback.deviation", "double", "how far it was from what was expected, in the KPI's unit"),
    F("feedback.from", "date", "others like it are quiet from here"),
    F("feedback.until", "date", "until here"),
)
INCIDENT = (
    *FINDING,
    F("incident.id", "keyword", "its own id"),
    F("incident.status", "keyword", "open, closed or withdrawn"),
    F("incident.title", "text", "one line"),
    F("incident.reason", "text", "in words"),
    F("incident.score", "double", "0–100, the highest of its anomalies"),
    F("incident.services", "keyword", "services touched"),
    F("incident.entities", "keyword", "`type:id`, the likeliest place of the cause first"),
    F("incident.kpis", "keyword", "KPIs touched"),
    F("incident.anomalies", "integer", "count of its anomalies"),
    F("incident.detected", "date", "when it was first known"),
    F("incident.last", "date", "end of its last anomalous bucket so far"),
)
STATE = (
    *EVENT,
    *SERVICE,
    F("state.value", "double", "0–100, 100: nothing deviates"),
    F("state.word", "keyword", "good, degraded, bad or unknown"),
    F("state.contributions", "flattened", "penalty points per KPI"),
)
ALERT = (
    *EVENT,
    F("alert.fingerprint", "keyword", "digest of its labels"),
    F("alert.name", "keyword", "the watch"),
    F("alert.status", "keyword", "firing or resolved"),
    F("alert.severity", "keyword", "critical, major, minor or warning"),
    F("alert.starts_at", "date", "first firing"),
    F("alert.ends_at", "date", "when it resolved"),
    F("alert.last_fired", "date", "last time the condition held"),
    F("alert.last_notified", "date", "last time its actions ran"),
    F("alert.labels", "flattened", "what it is about"),
    F("alert.about", "flattened", "what it touches beside its labels: service, entity, folder …"),
    F("alert.summary", "text", "one line"),
    F("alert.reason", "text", "in words"),
    F("alert.acknowledged", "boolean", "somebody has it"),
    F("alert.silenced", "boolean", "a silence matches"),
    F("alert.inhibited", "boolean", "another alert explains it"),
    F("alert.unsettled", "boolean", "a change of state whose notifications are not all finished"),
    F("alert.payload", "blob", "the row it fired on, as JSON"),
    F("alert.history", "blob", "what happened to it: at, event, by, why"),
    F("incident.id", "keyword", "incident it tells of"),
    F("ticket.id", "keyword", "ticket it opened"),
)
SILENCE = (
    *EVENT,
    F("silence.matchers", "keyword", 'all of them must match an alert, such as service="voip"'),
    F("silence.starts_at", "date", "when it begins"),
    F("silence.ends_at", "date", "when it ends"),
    F("silence.created_by", "keyword", "who silenced"),
    F("silence.expired_by", "keyword", "who ended it early"),
    F("silence.comment", "text", "why"),
)
NOTIFICATION = (
    *EVENT,
    F("alert.fingerprint", "keyword", "alert it tells of"),
    F("alert.name", "keyword", "the watch"),
    F("alert.status", "keyword", "firing or resolved: what it tells"),
    F("notification.action", "keyword", "name of the action in the watch"),
    F("notification.kind", "keyword", "logging, index, webhook or ticket"),
    F("notification.status", "keyword", "pending, sent or failed"),
    F("notification.attempts", "integer", "tries so far"),
    F("notification.detail", "blob", "answer or error"),
    F("notification.body", "blob", "what was said"),
)
TICKET = (
    F("@timestamp", "date", "opened"),
    F("event.ingested", "date", "when it was last written"),
    *SERVICE,
    F("ticket.id", "keyword", "T-20261121-3f2a91"),
    F("ticket.title", "text", "one line"),
    F("ticket.body", "text", "what happened"),
    F("ticket.state", "keyword", "new, open, pending, resolved or closed"),
    F("ticket.priority", "keyword", "critical, high, medium or low"),
    F("ticket.category", "keyword", "network, customer …"),
    F("ticket.assignee", "keyword", "user"),
    F("ticket.updated", "date", "last change"),
    F("ticket.resolved", "date", "when it was resolved"),
    F("ticket.impacted_customers", "integer", "customers who feel it"),
    F("ticket.history", "blob", "every change: at, by, what, from, to, comment"),
    F("alert.fingerprint", "keyword", "alert that opened it"),
    F("incident.id", "keyword", "incident it is about"),
    F("customer.id", "keyword", "customers named in it (the first 100 impacted)"),
)
CUSTOMER = (
    F("event.ingested", "date", "when it was last written"),
    F("customer.id", "keyword", "C0000001"),
    F("customer.name", "text", "name"),
    F("customer.kind", "keyword", "consumer or business"),
    F("customer.language", "keyword", "ISO 639-1"),
    F("customer.plan", "keyword", "tariff plan"),
    F("customer.since", "date", "customer since"),
    F("customer.subscriber_keys", "keyword", "keyed hashes of their MSISDNs"),
    F("customer.trunk_groups", "keyword", "trunk groups that serve them"),
    F("customer.services", "keyword", "services subscribed to"),
)
SUBSCRIBER_INDEX = (
    F("event.ingested", "date", "when it was last written"),
    F("subscriber.key", "keyword", "keyed hash"),
    F("subscriber.number", "keyword", "the number behind it"),
    F("customer.id", "keyword", "whose it is"),
)
JOB = (
    F("event.ingested", "date", "when it was last written"),
    F("job.name", "keyword", "rollup, train, detect, alert …"),
    F("job.checkpoint", "date", "done up to here"),
    F("job.detail", "blob", "what the job keeps for its next run"),
    *SOURCE_FILE[:2],
    F("follow.owner", "keyword", "worker that holds the followed file; absent: nobody"),
    F("follow.state", "keyword", "open or closed, as the file's row in cdr-file"),
    F("follow.inode", "keyword", "number of the file on its disk: a hint, since numbers are used again"),
    F("follow.head.bytes", "integer", "bytes that the fingerprint is of; fewer than 1,024 for a short file"),
    F("follow.offset", "long", "bytes read and acknowledged by Elasticsearch"),
)
FEED = (
    F("event.ingested", "date", "when it was last written"),
    *SERVICE,
    F("feed.name", "keyword", "lon-sbc-1: by the table of sources, else the folder"),
    F("feed.folder", "keyword", "folder that its files come to"),
    F("feed.layout", "keyword", "layout of its newest file"),
    F("feed.state", "keyword", "learning, on_time, late or retired"),
    F("feed.files", "long", "files in the window"),
    F("feed.last", "date", "delivery of its newest file"),
    F("feed.interval.sec", "double", "how often it delivers: given, or the robust median of what it did"),
    F("feed.patience.sec", "double", "silent for longer than this, it is late"),
    F("feed.learned", "boolean", "the interval was learned"),
    F("feed.sequence", "long", "sequence number of its newest file"),
    F("feed.retired", "date", "files delivered up to then wake nobody"),
    F("feed.by", "keyword", "who retired it; the setting that did"),
    F("feed.why", "blob", "why, in words"),
)
GAP = (
    *FINDING,
    *SERVICE,
    F("feed.name", "keyword", "source that it is about"),
    F("feed.folder", "keyword", "folder of the source"),
    F("gap.kind", "keyword", "silence, missing (sequence numbers) or repeated (a number for two contents)"),
    F("gap.status", "keyword", "open, closed (the files came) or expired (nobody waits any more)"),
    F("gap.detected", "date", "when it was first known"),
    F("gap.first", "long", "first sequence number"),
    F("gap.last", "long", "last sequence number"),
    F("gap.count", "long", "files that are missing, or that share a number"),
    F("gap.reason", "text", "in words"),
    F("gap.files", "keyword", "the files at its borders, or those that share the number"),
)
PROFILE = (
    F("event.ingested", "date", "when it was last written"),
    F("user.name", "keyword", "the Elasticsearch user"),
    F("user.full_name", "keyword", "name shown to others"),
    F("profile.language", "keyword", "ISO 639-1"),
    F("profile.timezone", "keyword", "IANA zone; absent: the browser's"),
    F("profile.theme", "keyword", "light, dark, or absent: as the system has it"),
    F("profile.notify", "keyword", "severities of alerts that the console shows a notice of"),
)
AUDIT = (
    F("@timestamp", "date", "when"),
    F("audit.who", "keyword", "user or job"),
    F("audit.what", "keyword", "action"),
    F("audit.object", "keyword", "on what"),
    F("audit.detail", "blob", "more"),
)
