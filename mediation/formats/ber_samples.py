"""Believable files of TS 32.297 with records of TS 32.298, for `sample_data/`, tests and the bench: one seed, the same octets.

Numbers, networks and addresses are those kept for examples, as in `mediation.samples`. `python -m mediation.formats.ber_samples
FILE [RECORDS]` writes a file of P-GW, S-GW and SMS records.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from ipaddress import IPv4Address
from pathlib import Path
from random import Random
from typing import Any

from mediation.formats import asn1

FIRST = datetime(2026, 10, 5, tzinfo=UTC)  # a Monday
ZONE = timezone(timedelta(hours=1))  # of the nodes' clocks
RELEASE = 15
_PS, _CS, _SMS = 7, 6, 15  # TS numbers: 32.251, 32.250, 32.274
_PARTIAL = (16, 17, 19, 22)  # volume limit, time limit, maximum of changes, change of RAT
_TS = {"moSMSRecord": _CS, "mtSMSRecord": _CS, "sCSMORecord": _SMS, "sCSMTRecord": _SMS}

Sample = tuple[str, dict[str, Any]]  # name of the record in the module, and its members


# Octets


def tbcd(digits: str) -> bytes:
    """TBCD, low nibble first, filled up with F."""
    digits += "f" * (len(digits) % 2)
    return bytes.fromhex("".join(high + low for low, high in zip(digits[::2], digits[1::2], strict=True)))


def number(digits: str, kind: int = 0x91) -> bytes:
    """An AddressString: 91 is an international E.164 number, 81 one of unknown type."""
    return bytes((kind,)) + tbcd(digits)


def timestamp(moment: datetime) -> bytes:
    """A TimeStamp of 9 octets, local time of the nodes with its offset."""
    local = moment.astimezone(ZONE)
    offset = f"{local:%z}"
    return bytes.fromhex(f"{local:%y%m%d%H%M%S}") + offset[:1].encode() + bytes.fromhex(offset[1:])


def ip(address: str) -> Any:
    """An IPAddress with an IPv4 address."""
    return "iPBinaryAddress", ("iPBinV4Address", IPv4Address(address).packed)


# Files


def ber(sample: Sample) -> bytes:
    """A record in BER."""
    return bytes(asn1.codec().encode(asn1.ROOT, sample))


def cdr(sample: Sample) -> bytes:
    """A record behind its CDR header."""
    return framed(ber(sample), ts=_TS.get(sample[0], _PS))


def framed(record: bytes, *, ts: int = _PS, form: int = 1, release: int = RELEASE) -> bytes:
    """Octets behind a CDR header; `form` 1 is BER."""
    extended = release >= 10
    head = len(record).to_bytes(2, "big") + bytes(((7 if extended else release - 3) << 5 | 2, form << 5 | ts))
    return head + (bytes((release - 10,)) if extended else b"") + record


def file(
    cdrs: Iterable[bytes],
    *,
    sequence: int,
    opened: datetime = FIRST,
    appended: datetime = FIRST,
    node: str = "192.0.2.10",
    lost: int = 0,
    closure: int = 2,
    claims: int | None = None,
    private: bytes = b"",
) -> bytes:
    """A file of framed records. `lost`: the octet itself. `claims`: a number of CDRs that is not the true one."""
    records = list(cdrs)
    body = b"".join(records)
    head = bytes((7 << 5 | 2, 7 << 5 | 2)) + header_time(opened) + header_time(appended)
    head += (len(records) if claims is None else claims).to_bytes(4, "big") + sequence.to_bytes(4, "big")
    head += bytes((closure,)) + b"\xff" * 4 + b"\0" * 10 + b"\xff\xff" + IPv4Address(node).packed + bytes((lost,))
    head += b"\0\0" + len(private).to_bytes(2, "big") + private + bytes((RELEASE - 10,)) * 2
    return (8 + len(head) + len(body)).to_bytes(4, "big") + (8 + len(head)).to_bytes(4, "big") + head + body


def header_time(moment: datetime, zone: timezone = ZONE) -> bytes:
    """A time of the file header, of four octets: month, day, hour, minute and offset in bits."""
    local = moment.astimezone(zone)
    minutes = int((local.utcoffset() or timedelta()).total_seconds()) // 60
    clock = local.month << 28 | local.day << 23 | local.hour << 18 | local.minute << 12
    return (clock | (minutes >= 0) << 11 | abs(minutes) // 60 << 6 | abs(minutes) % 60).to_bytes(4, "big")


# Packet data


@dataclass(frozen=True, slots=True)
class Session:
    """One data session: what all of its records share. `lengths`: seconds of each partial record."""

    subscriber: int
    charging_id: int
    start: datetime
    lengths: tuple[int, ...]
    last_cause: int
    apn: str
    pgw: str
    sgw: str
    rat: int


def sessions(rng: Random, count: int) -> Iterator[Session]:
    """Sessions in order of their start, one to four records long."""
    for index in range(count):
        yield Session(
            subscriber=rng.randrange(40),
            charging_id=200_000 + index,
            start=FIRST + timedelta(seconds=round(86_400 * (index + rng.random()) / count)),
            lengths=tuple(
                round(rng.gammavariate(2, 500)) + 1 for _ in range(rng.choices((1, 2, 3, 4), (6, 2, 1, 1))[0])
            ),
            last_cause=rng.choices((0, 4), (97, 3))[0],
            apn=rng.choice(("internet", "ims", "iot")),
            pgw=f"192.0.2.{rng.randrange(1, 3)}",
            sgw=f"198.51.100.{rng.randrange(1, 4)}",
            rat=rng.choice((6, 6, 6, 10)),
        )


def session_records(rng: Random, session: Session) -> Iterator[tuple[Sample, Sample]]:
    """P-GW and S-GW record of each partial interval; the S-GW has counted a little more, what the P-GW dropped."""
    opened, last = session.start, len(session.lengths)
    for sequence, seconds in enumerate(session.lengths, 1):
        cause = session.last_cause if sequence == last else rng.choice(_PARTIAL)
        closed = opened + timedelta(seconds=seconds)
        up, down = rng.randrange(1_000, 400 * seconds + 2_000), rng.randrange(5_000, 4_000 * seconds + 9_000)
        common = _interval(session, opened, seconds, cause, sequence if last > 1 else 0, sequence == last)
        volumes = _shares(rng, up), _shares(rng, down)
        yield (
            ("pGWRecord", {**common, **_of_pgw(session, rng, closed, *volumes)}),
            ("sGWRecord", {**common, **_of_sgw(session, closed, up + 40, down + 1_500)}),
        )
        opened = closed


def _interval(
    session: Session, opened: datetime, seconds: int, cause: int, sequence: int, final: bool
) -> dict[str, Any]:
    members = {
        "servedIMSI": tbcd(f"00101{session.subscriber:010d}"),
        "servedMSISDN": number(f"447700900{session.subscriber:03d}"),
        "servedIMEI": tbcd(f"35190514{session.subscriber:06d}0"),
        "chargingID": session.charging_id,
        "accessPointNameNI": session.apn,
        "pdpPDNType": b"\xf1\x21",
        "servedPDPPDNAddress": ("iPAddress", ip(f"203.0.113.{session.subscriber}")),
        "dynamicAddressFlag": True,
        "recordOpeningTime": timestamp(opened),
        "duration": seconds,
        "causeForRecClosing": cause,
        "chargingCharacteristics": b"\x08\x00",
        "servingNodePLMNIdentifier": b"\x00\xf1\x10",
        "rATType": session.rat,
        "mSTimeZone": b"\x40\x00",
        "userLocationInformation": bytes.fromhex("1800f110000100f11000000101"),
        "startTime": timestamp(session.start),
    }
    if sequence:
        members["recordSequenceNumber"] = sequence
    if final:
        members |= {"stopTime": timestamp(opened + timedelta(seconds=seconds)), "diagnostics": ("gsm0408Cause", 36)}
    return members


def _of_pgw(
    session: Session, rng: Random, closed: datetime, ups: Sequence[int], downs: Sequence[int]
) -> dict[str, Any]:
    containers = [
        {
            "ratingGroup": group,
            "timeUsage": rng.randrange(1, 300),
            "serviceConditionChange": (b"\x00\x00\x00\x80", 25),
            "qoSInformationNeg": {"qCI": 9, "aRP": 9},
            "datavolumeFBCUplink": up,
            "datavolumeFBCDownlink": down,
            "timeOfReport": timestamp(closed),
        }
        for group, (up, down) in enumerate(zip(ups, downs, strict=True), 10)
    ]
    return {
        "recordType": 85,
        "p-GWAddress": ip(session.pgw),
        "servingNodeAddress": [ip(session.sgw)],
        "servingNodeType": [2],
        "nodeID": f"pgw{session.pgw[-1]}",
        "localSequenceNumber": rng.randrange(1 << 31),
        "listOfServiceData": containers,
    }


def _of_sgw(session: Session, closed: datetime, up: int, down: int) -> dict[str, Any]:
    half = {"changeCondition": 2, "changeTime": timestamp(closed), "ePCQoSInformation": {"qCI": 9, "aRP": 9}}
    return {
        "recordType": 84,
        "s-GWAddress": ip(session.sgw),
        "p-GWAddressUsed": ip(session.pgw),
        "servingNodeAddress": [ip("198.51.100.200")],
        "servingNodeType": [5],
        "nodeID": f"sgw{session.sgw[-1]}",
        "listOfTrafficVolumes": [
            {"dataVolumeGPRSUplink": up // 2, "dataVolumeGPRSDownlink": down // 2, **half, "changeCondition": 1},
            {"dataVolumeGPRSUplink": up - up // 2, "dataVolumeGPRSDownlink": down - down // 2, **half},
        ],
    }


def _shares(rng: Random, amount: int) -> tuple[int, int]:
    part = rng.randrange(amount + 1)
    return part, amount - part


def views(seed: int, count: int) -> tuple[list[Sample], list[Sample]]:
    """Records of `count` sessions as their P-GWs wrote them, and as their S-GWs did, each in order of time of opening."""
    rng = Random(f"sessions {seed}")
    pairs = [pair for session in sessions(rng, count) for pair in session_records(rng, session)]
    pairs.sort(key=lambda pair: pair[0][1]["recordOpeningTime"])
    return [pgw for pgw, _ in pairs], [sgw for _, sgw in pairs]


# Short messages


def messages(seed: int, count: int) -> Iterator[Sample]:
    """Messages of an MSC, an MME (by an SGSN's records) and an SMS node; one of twenty fails."""
    rng = Random(f"messages {seed}")
    for index in range(count):
        moment = FIRST + timedelta(seconds=round(86_400 * (index + rng.random()) / count))
        yield rng.choice((_mo_sms, _mt_sms, _sgsn_mo_sms, _sgsn_mt_sms, _sc_mo_sms, _sc_mt_sms))(rng, moment, index)


def _served(rng: Random) -> dict[str, Any]:
    subscriber = rng.randrange(40)
    return {
        "servedIMSI": tbcd(f"00101{subscriber:010d}"),
        "servedIMEI": tbcd(f"35190514{subscriber:06d}0"),
        "servedMSISDN": number(f"447700900{subscriber:03d}"),
        "serviceCentre": number("447700900990"),
        "recordingEntity": number("447700900980"),
    }


def _result(rng: Random, name: str) -> dict[str, Any]:
    return {name: ("gsm0902MapErrorValue", rng.choice((6, 31, 32)))} if rng.random() < 0.05 else {}


def _peer(rng: Random) -> bytes:
    return number(f"447700900{rng.randrange(100, 980)}")


def _mo_sms(rng: Random, moment: datetime, index: int) -> Sample:
    what = {
        "messageReference": bytes((index % 256,)),
        "originationTime": timestamp(moment),
        "destinationNumber": _peer(rng),
    }
    return "moSMSRecord", {"recordType": 6, **_served(rng), **what, **_result(rng, "smsResult")}


def _mt_sms(rng: Random, moment: datetime, index: int) -> Sample:
    return "mtSMSRecord", {
        "recordType": 7,
        **_served(rng),
        "deliveryTime": timestamp(moment),
        **_result(rng, "smsResult"),
    }


def _sgsn_mo_sms(rng: Random, moment: datetime, index: int) -> Sample:
    what = {
        "messageReference": bytes((index % 256,)),
        "eventTimeStamp": timestamp(moment),
        "destinationNumber": _peer(rng),
    }
    node = {"nodeID": "mme1", "localSequenceNumber": index, "rATType": 6, "chargingCharacteristics": b"\x08\x00"}
    return "sgsnSMORecord", {"recordType": 21, **_served(rng), **what, **node, **_result(rng, "smsResult")}


def _sgsn_mt_sms(rng: Random, moment: datetime, index: int) -> Sample:
    what = {"eventTimeStamp": timestamp(moment), "originatingAddress": _peer(rng)}
    node = {"nodeID": "mme1", "localSequenceNumber": index, "rATType": 6, "chargingCharacteristics": b"\x08\x00"}
    return "sgsnSMTRecord", {"recordType": 22, **_served(rng), **what, **node, **_result(rng, "smsResult")}


def _sc_mo_sms(rng: Random, moment: datetime, index: int) -> Sample:
    subscriber = rng.randrange(40)
    sender = {
        "originatorIMSI": tbcd(f"00101{subscriber:010d}"),
        "originatorMSISDN": number(f"447700900{subscriber:03d}"),
    }
    what = {
        "originatorInfo": sender,
        "recipientInfo": [{"recipientMSISDN": _peer(rng)}],
        "eventtimestamp": timestamp(moment),
    }
    node = {
        "sMSNodeAddress": number("447700900990"),
        "messageReference": bytes((index % 256,)),
        "localSequenceNumber": index,
    }
    return "sCSMORecord", {"recordType": 93, **what, **node, **_result(rng, "sMSResult")}


def _sc_mt_sms(rng: Random, moment: datetime, index: int) -> Sample:
    subscriber = rng.randrange(40)
    receiver = {
        "recipientIMSI": tbcd(f"00101{subscriber:010d}"),
        "recipientMSISDN": number(f"447700900{subscriber:03d}"),
    }
    discharged = timestamp(moment + timedelta(seconds=round(rng.expovariate(0.2))))
    what = {
        "recipientInfo": receiver,
        "originatorInfo": {"originatorMSISDN": _peer(rng)},
        "sMDischargeTime": discharged,
    }
    times = {"submissionTime": timestamp(moment), "eventtimestamp": discharged}
    node = {"sMSNodeAddress": number("447700900990"), "localSequenceNumber": index}
    return "sCSMTRecord", {"recordType": 94, **what, **times, **node, **_result(rng, "sMSResult")}


def sample_file(count: int, seed: int = 1) -> bytes:
    """A file of `count` records of every kind in turn; the last session may be cut off, as a file's end does."""
    pgw, sgw = views(seed, count // 2 + 1)
    mixed = [record for group in zip(pgw, sgw, messages(seed, len(pgw)), strict=True) for record in group]
    return file(map(cdr, mixed[:count]), sequence=42, appended=FIRST + timedelta(days=1))


def main(path: Path, count: int = 300) -> None:
    """Writes a sample file."""
    path.write_bytes(sample_file(count))


if __name__ == "__main__":
    main(Path(sys.argv[1]), *map(int, sys.argv[2:]))
