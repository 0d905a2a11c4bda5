"""Calls as Asterisk, FreeSWITCH, CUCM and Kamailio write them: rows of texts in the order of a layout's columns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from itertools import islice
from random import Random

from contracts.clock import iso
from mediation.layout import Layout
from mediation.load import FOLDER, load_layout
from mediation.sampling import Row, call_end, example_number, moments, mos_of

_RESULTS = {16: "ANSWERED", 17: "BUSY", 34: "CONGESTION"}
_CAUSES = {
    1: "UNALLOCATED_NUMBER",
    16: "NORMAL_CLEARING",
    17: "USER_BUSY",
    19: "NO_ANSWER",
    27: "DESTINATION_OUT_OF_ORDER",
    31: "NORMAL_UNSPECIFIED",
    34: "NORMAL_CIRCUIT_CONGESTION",
}


@dataclass(frozen=True, slots=True)
class _Call:
    index: int
    start: datetime
    answer: datetime | None
    end: datetime
    disposition: str
    cause: int
    status: int
    calling: str
    called: str

    @property
    def total(self) -> str:
        return str(int((self.end - self.start).total_seconds()))

    @property
    def talk(self) -> str:
        return str(int((self.end - self.answer).total_seconds())) if self.answer else "0"

    @property
    def uuid(self) -> str:
        return f"00000000-0000-4000-8000-{self.index:012x}"


def _calls(rng: Random, count: int) -> Iterator[_Call]:
    for index, moment in enumerate(moments(rng, count)):
        start = moment.replace(microsecond=moment.microsecond // 1000 * 1000)
        disposition, cause, status = call_end(rng)
        ring = start + timedelta(milliseconds=int(rng.gammavariate(4, 90)), seconds=rng.randrange(2, 20))
        answered = disposition == "answered"
        end = ring + timedelta(milliseconds=int(1000 * (rng.expovariate(1 / 150) + 1)) if answered else 0)
        numbers = example_number(rng), example_number(rng)
        yield _Call(index, start, ring if answered else None, end, disposition, cause, status, *numbers)


@cache
def _layout(name: str) -> Layout:
    return load_layout(FOLDER / f"{name}.yml")


def _row(name: str, cells: Mapping[str, str]) -> Row:
    """Cells by the names under [raw]; columns that are not given are empty."""
    return [cells.get(column.raw, "") for column in _layout(name).columns]


def _stamp(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S}" if moment else ""


def _seconds(moment: datetime | None) -> str:
    return str(int(moment.timestamp())) if moment else "0"


def _micros(moment: datetime | None) -> str:
    return f"{int(moment.timestamp())}{moment.microsecond:06d}" if moment else "0"


def asterisk_cdr(rng: Random, count: int) -> Iterator[Row]:
    for call in _calls(rng, count):
        result = _RESULTS.get(call.cause, "NO ANSWER" if call.disposition == "ringing" else "FAILED")
        if call.answer:
            result = "ANSWERED"
        cells = {
            "src": call.calling,
            "dst": call.called,
            "dcontext": "from-trunk",
            "clid": f'"Caller" <{call.calling}>',
        }
        cells |= {"channel": f"PJSIP/tg1-{call.index:08x}", "dstchannel": f"PJSIP/tg2-{call.index:08x}"}
        cells |= {"lastapp": "Dial", "lastdata": f"PJSIP/{call.called}@tg2,30", "start": _stamp(call.start)}
        cells |= {"answer": _stamp(call.answer), "end": _stamp(call.end), "duration": call.total, "billsec": call.talk}
        cells |= {"disposition": result, "amaflags": "DOCUMENTATION", "sequence": str(call.index)}
        unique = f"{_seconds(call.start)}.{call.index}"
        yield _row("asterisk-cdr", cells | {"uniqueid": unique, "linkedid": unique})


def asterisk_cel(rng: Random, count: int) -> Iterator[Row]:
    return islice(_asterisk_cel(rng, count), count)


def _asterisk_cel(rng: Random, count: int) -> Iterator[Row]:
    for call in _calls(rng, count):
        steps = [("CHAN_START", call.start), ("ANSWER", call.answer), ("HANGUP", call.end), ("CHAN_END", call.end)]
        for event, moment in steps:
            if moment is not None:
                unique = f"{_seconds(call.start)}.{call.index}"
                cells = {"eventtype": event, "eventtime": f"{_seconds(moment)}.{moment.microsecond:06d}"}
                cells |= {"cidnum": call.calling, "exten": call.called, "context": "from-trunk", "uniqueid": unique}
                cells |= {"channame": f"PJSIP/tg1-{call.index:08x}", "amaflags": "DOCUMENTATION", "linkedid": unique}
                yield _row("asterisk-cel", cells)


def freeswitch_csv(rng: Random, count: int) -> Iterator[Row]:
    for call in _calls(rng, count):
        cells = {"caller_id_name": "Caller", "caller_id_number": call.calling, "destination_number": call.called}
        cells |= {"context": "public", "start_stamp": _stamp(call.start), "answer_stamp": _stamp(call.answer)}
        cells |= {"end_stamp": _stamp(call.end), "duration": call.total, "billsec": call.talk, "uuid": call.uuid}
        cells |= {"hangup_cause": _CAUSES[call.cause], "read_codec": "PCMA", "write_codec": "PCMA"}
        yield _row("freeswitch-csv", cells)


def freeswitch_json(rng: Random, count: int) -> Iterator[Row]:
    for call in _calls(rng, count):
        profile = "callflow.0.caller_profile."
        progress = call.start + timedelta(milliseconds=400) if call.disposition != "call-attempt" else None
        cells = {"uuid": call.uuid, "call_uuid": call.uuid, "direction": "inbound", "start_uepoch": _micros(call.start)}
        cells |= {"progress_uepoch": _micros(progress), "answer_uepoch": _micros(call.answer)}
        cells |= {"end_uepoch": _micros(call.end), "progressmsec": "400" if progress else "0", "read_codec": "PCMA"}
        cells |= {"hangup_cause": _CAUSES[call.cause], "hangup_cause_q850": str(call.cause)}
        if call.status or call.answer:
            cells["sip_term_status"] = str(call.status or 200)
        if call.answer:
            cells["rtp_audio_in_mos"] = f"{mos_of(rng.uniform(70, 93.2)):.2f}"
        named = {f"variables.{name}": cell for name, cell in cells.items()}
        numbers = {f"{profile}caller_id_number": call.calling, f"{profile}destination_number": call.called}
        yield _row("freeswitch-json", named | numbers | {"switchname": "fs-1"})


def _cucm_call(call: _Call) -> dict[str, str]:
    cells = {"globalCallID_callManagerId": "1", "globalCallID_callId": str(5_000_000 + call.index)}
    return cells | {"globalCallId_ClusterID": "StandAloneCluster", "pkid": call.uuid}


def cucm_cdr(rng: Random, count: int) -> Iterator[Row]:
    for call in _calls(rng, count):
        cells = _cucm_call(call) | {"cdrRecordType": "1", "origLegCallIdentifier": str(30_000_000 + 2 * call.index)}
        cells |= {"destLegIdentifier": str(30_000_001 + 2 * call.index), "dateTimeOrigination": _seconds(call.start)}
        cells |= {"dateTimeConnect": _seconds(call.answer), "dateTimeDisconnect": _seconds(call.end)}
        cells |= {"callingPartyNumber": call.calling, "finalCalledPartyNumber": call.called, "duration": call.talk}
        cells |= {"originalCalledPartyNumber": call.called, "origCause_value": str(call.cause), "destCause_value": "0"}
        cells |= {"origIpAddr": "-1140850496", "origDeviceName": "SEP001122334455", "destDeviceName": "CUBE-TRUNK"}
        yield _row("cucm-cdr", cells)


def cucm_cmr(rng: Random, count: int) -> Iterator[Row]:
    for call in _calls(rng, count):
        sent, lost = rng.randrange(100, 9000), rng.randrange(5)
        cells = _cucm_call(call) | {"cdrRecordType": "2", "nodeId": "1", "directoryNum": call.calling, "latency": "0"}
        cells |= {"callIdentifier": str(30_000_000 + 2 * call.index), "dateTimeStamp": _seconds(call.end)}
        cells |= {"numberPacketsSent": str(sent), "numberOctetsSent": str(172 * sent), "numberPacketsLost": str(lost)}
        cells |= {"numberPacketsReceived": str(sent - lost), "numberOctetsReceived": str(172 * (sent - lost))}
        cells |= {"jitter": str(rng.randrange(30)), "deviceName": "SEP001122334455", "duration": str(sent // 50)}
        yield _row("cucm-cmr", cells | {"varVQMetrics.MLQK": f"{mos_of(rng.uniform(70, 93.2)):.4f}"})


def _transactions(rng: Random, count: int) -> Iterator[tuple[_Call, str, datetime, int, str]]:
    for call in _calls(rng, count):
        if call.answer:
            yield call, "INVITE", call.answer, 200, "OK"
            yield call, "BYE", call.end, 200, "OK"
        else:
            yield call, "INVITE", call.end, call.status or 487, "Request Terminated"


def kamailio_acc(rng: Random, count: int) -> Iterator[Row]:
    for number, (call, method, moment, code, reason) in enumerate(islice(_transactions(rng, count), count)):
        cells = {
            "id": str(number + 1),
            "method": method,
            "from_tag": f"f{call.index:08x}",
            "to_tag": f"t{call.index:08x}",
        }
        cells |= {"callid": f"{call.index:08x}@192.0.2.1", "sip_code": str(code), "sip_reason": reason}
        yield _row("kamailio-acc", cells | {"time": _stamp(moment), "src_user": call.calling, "dst_user": call.called})


def kamailio_acc_log(rng: Random, count: int) -> Iterator[Row]:
    for call, method, moment, code, reason in islice(_transactions(rng, count), count):
        cells = {"timestamp": _seconds(moment), "method": method, "from_tag": f"f{call.index:08x}"}
        cells |= {"to_tag": f"t{call.index:08x}", "call_id": f"{call.index:08x}@192.0.2.1", "code": str(code)}
        cells |= {"reason": reason, "src_user": call.calling, "src_ip": "192.0.2.7", "dst_user": call.called}
        yield _row("kamailio-acc-log", cells)


def voip_ndjson(rng: Random, count: int) -> Iterator[Row]:
    for call in _calls(rng, count):
        cells = {"voip.call_id": f"{call.index:08x}@lon-sbc", "cdr.record": "1", "event.start": iso(call.start)}
        cells |= {"voip.answer": iso(call.answer) if call.answer else "", "event.end": iso(call.end)}
        cells |= {"voip.calling.number": call.calling, "voip.called.number": call.called, "voip.codec": "PCMA"}
        cells |= {"voip.disposition": call.disposition, "voip.release.q850": str(call.cause)}
        cells |= {"voip.release.sip": str(call.status), "voip.pdd.ms": str(rng.randrange(90, 900))}
        if call.answer:
            sent, lost, factor = rng.randrange(100, 9000), rng.randrange(5), rng.uniform(70, 93.2)
            cells |= {"voip.calling.packets.expected": str(sent), "voip.calling.packets.lost": str(lost)}
            cells |= {
                "voip.calling.jitter.ms": f"{rng.gammavariate(2, 3):.2f}",
                "voip.calling.mos": f"{mos_of(factor):.2f}",
            }
            cells |= {"voip.calling.r_factor": f"{factor:.1f}"}
        yield _row("voip-ndjson", cells | {"voip.ingress.sbc": "lon-sbc", "voip.egress.sbc": "fra-sbc"})


CALL_SAMPLES = {
    "asterisk-cdr": asterisk_cdr,
    "asterisk-cel": asterisk_cel,
    "freeswitch-csv": freeswitch_csv,
    "freeswitch-json": freeswitch_json,
    "cucm-cdr": cucm_cdr,
    "cucm-cmr": cucm_cmr,
    "kamailio-acc": kamailio_acc,
    "kamailio-acc-log": kamailio_acc_log,
    "voip-ndjson": voip_ndjson,
}
