"""Fields of CDRs, and of the calls and sessions put together from them."""

from __future__ import annotations

from contracts.fields.base import EVENT, SERVICE, SOURCE_FILE, F, Field

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
