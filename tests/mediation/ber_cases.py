"""The golden file of TS 32.297: ordinary, odd and broken records, each made by hand from a good one."""

from __future__ import annotations

from datetime import timedelta
from random import Random
from typing import Any

from mediation.formats import ber_samples as samples
from mediation.formats.ber_samples import FIRST, Sample, ber, cdr, framed, ip, number, tbcd, timestamp

P_GW_TAG = bytes.fromhex("bf4f")


def pgw(**changed: Any) -> Sample:
    """A P-GW record of one hour."""
    members: dict[str, Any] = {
        "recordType": 85,
        "servedIMSI": tbcd("001010000000001"),
        "p-GWAddress": ip("192.0.2.1"),
        "chargingID": 4_000_000_000,
        "recordOpeningTime": timestamp(FIRST),
        "duration": 3600,
        "causeForRecClosing": 0,
        **changed,
    }
    return "pGWRecord", members


def outer(record: bytes) -> bytes:
    """Contents of a P-GW record anew behind its tag and a definite length."""
    return P_GW_TAG + b"\x82" + len(record).to_bytes(2, "big") + record


def inner(sample: Sample) -> bytes:
    """Contents of a P-GW record."""
    record = ber(sample)
    return record[3:] if record[2] < 128 else record[3 + (record[2] & 127) :]


def golden_file() -> bytes:
    """Content of `golden/ts32298/input.ber`."""
    return samples.file(
        golden_cdrs(), sequence=7, appended=FIRST + timedelta(hours=2), lost=0x82, claims=40, private=b"x"
    )


def golden_cdrs() -> list[bytes]:
    """Good records, odd ones, broken ones; the last one is cut off."""
    return [*map(cdr, _good()), *_odd(), *_broken(), cdr(pgw())[:40]]


def _good() -> list[Sample]:
    rng = Random("golden")
    session = next(session for session in samples.sessions(rng, 20) if len(session.lengths) == 3)
    sms = {name: (name, members) for name, members in samples.messages(2, 40)}
    return [*(record for pair in samples.session_records(rng, session) for record in pair), *sms.values()]


def _odd() -> list[bytes]:
    whole = inner(pgw(servedMSISDN=number("447700900001")))
    service = {"ratingGroup": 1, "serviceConditionChange": (b"\0", 1), "timeOfReport": timestamp(FIRST)}
    volume = {"changeCondition": 2, "changeTime": timestamp(FIRST)}
    both = [{**volume, "dataVolumeGPRSUplink": 5, "dataVolumeGPRSDownlink": 6}]
    six: Any = ("iPBinaryAddress", ("iPBinV6Address", ("iPBinV6Address", bytes.fromhex("20010db8" + "00" * 11 + "01"))))
    return [
        framed(ber(pgw()), release=8),  # a CDR header without an extension
        framed(P_GW_TAG + b"\x80" + whole + b"\0\0"),  # of indefinite length
        framed(
            outer(bytes.fromhex("9f876803010203") + whole + bytes.fromhex("bf874a0430020500"))
        ),  # tags of no release yet
        cdr(pgw(**{"p-GWAddress": six})),
        cdr(pgw(**{"p-GWAddress": ("iPTextRepresentedAddress", ("iPTextV4Address", "192.0.2.7"))})),
        cdr(pgw(listOfTrafficVolumes=both, listOfServiceData=[{**service, "datavolumeFBCUplink": 11}])),
        cdr(
            pgw(
                listOfServiceData=[
                    service,
                    {**service, "datavolumeFBCUplink": 2},
                    {**service, "datavolumeFBCUplink": 3},
                ]
            )
        ),
        cdr(pgw(causeForRecClosing=59, rATType=200, diagnostics=("manufacturerSpecificCause", {}))),
        cdr(("mtSMSRecord", {**_mt(), "smsResult": ("diameterResultCodeAndExperimentalResult", 2001)})),
        cdr(("sgsnSMTRecord", {**_sgsn_mt(), "originatingAddress": bytes.fromhex("d0c2303b7c0f")})),  # a name as sender
        cdr(pgw()),  # the same as the first odd one: the same document
    ]


def _broken() -> list[bytes]:
    whole = inner(pgw())
    return [
        framed(outer(whole.replace(bytes.fromhex("850500ee6b2800"), b""))),  # no charging ID
        cdr(pgw(servedIMSI=bytes.fromhex("00f10100"))),
        cdr(pgw(recordOpeningTime=bytes.fromhex("2613051015002b0100"))),  # month 13
        cdr(pgw(recordOpeningTime=bytes.fromhex("261005101500"))),
        cdr(pgw(chargingID=1 << 32)),
        cdr(pgw(recordSequenceNumber=1 << 80)),
        cdr(pgw(listOfTrafficVolumes=[{"dataVolumeGPRSUplink": -1}])),
        cdr(pgw(nodeID="a\nb")),
        framed(P_GW_TAG + b"\x84\xff\xff\xff\xff" + whole),  # 4 GB
        framed(outer(whole + bytes.fromhex("830a00"))),  # a member beyond its record
        framed(outer(whole + bytes.fromhex("850101"))),  # charging ID twice
        framed(P_GW_TAG + b"\x80" + whole),  # without its end
        framed(outer(whole.replace(bytes.fromhex("8f0100"), bytes.fromhex("8f00")))),  # a cause without an octet
        framed(outer(whole + bytes.fromhex("9204708067ff"))),  # a node that is no ASCII
        framed(ber(pgw()) + b"\0"),
        framed(outer(whole.replace(bytes.fromhex("8d09"), bytes.fromhex("ad09")))),  # a constructed time
        framed(bytes.fromhex("b403800114")),  # an S-CDR, record type 20
        framed(b"\xff" * 20),
        framed(ber(pgw()), form=3),  # aligned PER by its CDR header
    ]


def _mt() -> dict[str, Any]:
    return {
        "recordType": 7,
        "servedIMSI": tbcd("001010000000002"),
        "serviceCentre": number("447700900990"),
        "recordingEntity": number("447700900980"),
        "deliveryTime": timestamp(FIRST),
    }


def _sgsn_mt() -> dict[str, Any]:
    return {"recordType": 22, "servedIMSI": tbcd("001010000000002"), "eventTimeStamp": timestamp(FIRST)}
