"""Records of TS 32.298: octets written by hand, tag by tag, become the cells that the standard means."""

from __future__ import annotations

import dataclasses
from datetime import datetime, timedelta
from typing import Any

import pytest

from contracts.errors import LayoutError
from contracts.outcomes import Reason, Reject
from mediation.compile import Mediator, Record, compile_layout
from mediation.formats import ber_samples as samples
from mediation.formats import octets
from mediation.formats.ber_paths import unknown_paths
from mediation.formats.ber_samples import cdr, framed, ip, number, tbcd, timestamp
from mediation.layout import Layout
from mediation.load import load_layouts
from tests.mediation.ber_cases import inner, outer, pgw

LAYOUT = load_layouts()["ts32298"]
MEDIATOR: Mediator = compile_layout(LAYOUT, b"key")

# No line of this was made by a program: identifier, length, contents after X.690; types after TS 32.298 and TS 29.002.
PGW_CDR = bytes.fromhex(
    "0091 e2 27 05"  # CDR length 145; release beyond 9, version 2; BER, TS 32.251; release 15
    "bf4f 818d"  # [79] pGWRecord, constructed
    "80 01 55"  # [0] recordType 85
    "83 08 00 01 01 21 43 65 87 f9"  # [3] servedIMSI 001010123456789: the digits of an octet the other way round
    "a4 06 80 04 c0 00 02 01"  # [4] p-GWAddress, explicit since it is a CHOICE: [0] 192.0.2.1
    "85 05 00 ff ff ff ff"  # [5] chargingID 4294967295, an octet more so that it is positive
    "a6 06 80 04 c6 33 64 07"  # [6] servingNodeAddress
    "87 08 69 6e 74 65 72 6e 65 74"  # [7] accessPointNameNI internet
    "8d 09 26 10 25 01 59 58 2b 01 00"  # [13] recordOpeningTime 2026-10-25T01:59:58+01:00
    "8e 01 3c"  # [14] duration 60
    "8f 01 10"  # [15] causeForRecClosing 16, volume limit
    "91 01 02"  # [17] recordSequenceNumber 2
    "92 04 70 67 77 31"  # [18] nodeID pgw1
    "94 02 01 00"  # [20] localSequenceNumber 256
    "96 07 91 44 77 00 09 00 f1"  # [22] servedMSISDN, international E.164, 4477009000 and 1
    "97 02 08 00"  # [23] chargingCharacteristics
    "9d 08 53 91 50 41 00 00 00 f0"  # [29] servedIMEI 351905140000000
    "9e 01 06"  # [30] rATType EUTRAN
    "bf22 24"  # [34] listOfServiceData
    "30 11 81 01 0a a9 03 81 01 05 8c 02 10 00 8d 03 01 00 00"  # rating group 10, QCI 5, 4096 up, 65536 down
    "30 0f 81 01 0b a9 03 81 01 09 8c 01 01 8d 02 7f ff"  # rating group 11, QCI 9, 1 up, 32767 down
)


def _mediated(raw: bytes) -> dict[str, Any]:
    made = MEDIATOR.mediate(raw)
    assert isinstance(made, Record), made
    return made.document


def _rejected(raw: bytes) -> Reject:
    made = MEDIATOR.mediate(raw)
    assert isinstance(made, Reject), made
    return made


def test_record_written_by_hand_becomes_the_document_that_its_octets_mean() -> None:
    document = _mediated(PGW_CDR)
    assert document["event"]["start"] == "2026-10-25T00:59:58.000Z"
    assert document["event"]["end"] == document["@timestamp"] == "2026-10-25T01:00:58.000Z"
    assert document["cdr"] == {"layout": "ts32298", "node": "pgw1", "sequence": 256}
    assert document["epc"] == {
        "record_type": "pgw-cdr",
        "pgw": {"address": "192.0.2.1"},
        "charging_id": 4294967295,
        "record_sequence": 2,
        "apn": "internet",
        "rat": "EUTRAN",
        "qci": 5,
        "duration": {"sec": 60.0},
        "uplink": {"bytes": 4097},
        "downlink": {"bytes": 98303},
        "total": {"bytes": 102400},
        "containers": 2,
        "cause_for_closing": "volume_limit",
        "final": False,
    }


def test_encoder_writes_the_octets_that_were_written_by_hand() -> None:
    containers = [
        {
            "ratingGroup": 10,
            "qoSInformationNeg": {"qCI": 5},
            "datavolumeFBCUplink": 4096,
            "datavolumeFBCDownlink": 65536,
        },
        {"ratingGroup": 11, "qoSInformationNeg": {"qCI": 9}, "datavolumeFBCUplink": 1, "datavolumeFBCDownlink": 32767},
    ]
    members = {
        "recordType": 85,
        "servedIMSI": tbcd("001010123456789"),
        "p-GWAddress": ip("192.0.2.1"),
        "chargingID": 4294967295,
        "servingNodeAddress": [ip("198.51.100.7")],
        "accessPointNameNI": "internet",
        "recordOpeningTime": timestamp(datetime(2026, 10, 25, 1, 59, 58, tzinfo=samples.ZONE)),
        "duration": 60,
        "causeForRecClosing": 16,
        "recordSequenceNumber": 2,
        "nodeID": "pgw1",
        "localSequenceNumber": 256,
        "servedMSISDN": number("44770090001"),
        "chargingCharacteristics": b"\x08\x00",
        "servedIMEI": tbcd("351905140000000"),
        "rATType": 6,
        "listOfServiceData": containers,
    }
    assert cdr(("pGWRecord", members)) == PGW_CDR


def test_numbers_are_hashed_as_the_same_number_in_a_file_of_text_is() -> None:
    epc = compile_layout(load_layouts()["epc-busyhour"], b"key")
    line = "2026-10-05T00:05:25Z,1,44770090001,001010123456789,351905140000000,P,a,NR,9,1,1,0,192.0.2.1,1,1"
    made = epc.mediate(line)
    assert isinstance(made, Record)
    subscriber = _mediated(PGW_CDR)["subscriber"]
    assert {name: made.document["subscriber"][name] for name in subscriber} == subscriber
    assert set(subscriber) == {"imsi", "msisdn", "imei", "country"}


@pytest.mark.parametrize(
    ("read", "given", "text"),
    [
        (octets.tbcd, "00f1", "001"),
        (octets.tbcd, "2143", "1234"),
        (octets.tbcd, "bac0", "*#0a"),
        (octets.msisdn, "91947070", "490707"),
        (octets.address, "91947070", "+490707"),
        (octets.address, "a1947070", "490707"),
        (octets.time, "991231235959" + "2d" + "0330", "2099-12-31T23:59:59-03:30"),
        (octets.time, "261005101500" + "2b" + "0100", "2026-10-05T09:15:00.000Z"),
        (octets.time, "260230101500" + "2b" + "0100", "2026-02-30T10:15:00+01:00"),
        (octets.time, "261005101500" + "2b" + "1500", "2026-10-05T10:15:00+15:00"),
        (octets.hexadecimal, "2a", "2a"),
    ],
)
def test_octets_are_read_as_the_standard_has_them(read: Any, given: str, text: str) -> None:
    assert read(bytes.fromhex(given)) == text


def test_sender_with_a_name_is_read_in_the_seven_bit_alphabet() -> None:
    # `hellohello` packed is the example that every description of TS 23.038 works through.
    assert octets.address(bytes.fromhex("d0e8329bfd4697d9ec37")) == "hellohello"


@pytest.mark.parametrize("given", ["", "ff", "0f10", "00ff", "f0f1"])
def test_number_is_refused_when_it_is_filled_up_in_the_middle_or_empty(given: str) -> None:
    with pytest.raises(octets.Unreadable):
        octets.tbcd(bytes.fromhex(given))


def test_members_of_a_set_may_come_in_any_order() -> None:
    whole = inner(pgw(nodeID="pgw1"))
    parts, at = [], 0
    while at < len(whole):
        length = 2 + whole[at + 1]
        parts.append(whole[at : at + length])
        at += length
    assert _mediated(framed(outer(b"".join(reversed(parts))))) == _mediated(framed(outer(whole)))


def test_unknown_member_is_skipped_wherever_it_stands() -> None:
    whole = inner(pgw())
    unknown = bytes.fromhex("bf8765 05 30030101ff")
    for at in (0, 3, len(whole)):
        assert _mediated(framed(outer(whole[:at] + unknown + whole[at:]))) == _mediated(cdr(pgw()))


def test_indefinite_lengths_are_read_as_definite_ones() -> None:
    whole = inner(pgw(listOfTrafficVolumes=[{"dataVolumeGPRSUplink": 1, "dataVolumeGPRSDownlink": 2}]))
    definite = bytes.fromhex("ac08 3006 830101 840102")
    indefinite = bytes.fromhex("ac80 3080 830101 840102 0000 0000")
    assert definite in whole
    nested = framed(bytes.fromhex("bf4f80") + whole.replace(definite, indefinite) + b"\0\0")
    assert _mediated(nested) == _mediated(framed(outer(whole)))


def test_volumes_are_those_of_one_list_when_the_record_has_both() -> None:
    traffic = [{"dataVolumeGPRSUplink": 5, "dataVolumeGPRSDownlink": 6}] * 2
    service = [{"datavolumeFBCUplink": 9, "datavolumeFBCDownlink": 9}] * 3
    document = _mediated(cdr(pgw(listOfTrafficVolumes=traffic, listOfServiceData=service)))
    assert document["epc"]["total"] == {"bytes": 22}
    assert document["epc"]["containers"] == 2


def test_volume_is_absent_and_not_zero_when_there_is_no_container() -> None:
    epc = _mediated(cdr(pgw()))["epc"]
    assert not {"uplink", "downlink", "total", "containers"} & set(epc)


def test_delay_is_known_only_when_the_record_has_a_submission_time() -> None:
    sent, came = samples.FIRST, samples.FIRST + timedelta(seconds=9)
    members = {"recordType": 94, "eventtimestamp": timestamp(came)}
    with_both = _mediated(cdr(("sCSMTRecord", {**members, "submissionTime": timestamp(sent)})))
    assert (with_both["sms"]["delay"], with_both["@timestamp"]) == ({"sec": 9.0}, "2026-10-05T00:00:00.000Z")
    alone = _mediated(cdr(("sCSMTRecord", members)))
    assert "delay" not in alone["sms"]
    assert alone["@timestamp"] == "2026-10-05T00:00:09.000Z"


@pytest.mark.parametrize(
    ("result", "said", "outcome", "code"),
    [
        (None, "delivered", "success", None),
        (("gsm0902MapErrorValue", 31), "failed", "failure", 31),
        (("gsm0408Cause", 17), "failed", "failure", None),
        (("networkSpecificCause", {}), "failed", "failure", None),
        (("diameterResultCodeAndExperimentalResult", 2001), "delivered", "success", None),
        (("diameterResultCodeAndExperimentalResult", 5001), "failed", "failure", None),
    ],
)
def test_message_has_failed_when_a_result_says_so(result: Any, said: str, outcome: str, code: int | None) -> None:
    members = {"recordType": 7, "servedIMSI": tbcd("001010000000002"), "deliveryTime": timestamp(samples.FIRST)}
    document = _mediated(cdr(("mtSMSRecord", members if result is None else {**members, "smsResult": result})))
    assert (document["sms"]["result"], document["event"]["outcome"]) == (said, outcome)
    assert document["sms"].get("error_code") == code


def test_diagnostics_of_no_release_yet_count_as_absent() -> None:
    members = {"recordType": 7, "servedIMSI": tbcd("001010000000002"), "deliveryTime": timestamp(samples.FIRST)}
    known = samples.ber(("mtSMSRecord", {**members, "smsResult": ("gsm0408Cause", 1)}))
    unknown = known.replace(bytes.fromhex("a903800101"), bytes.fromhex("a9038e0101"))
    assert unknown != known
    assert _mediated(framed(unknown, ts=6))["sms"]["result"] == "delivered"


@pytest.mark.parametrize(
    ("name", "tag"),
    [
        ("chargingID", "850500ee6b2800"),
        ("recordOpeningTime", "8d09"),
        ("p-GWAddress", "a4068004c0000201"),
        ("duration", "8e02"),
    ],
)
def test_record_is_rejected_by_name_of_the_member_when_one_is_missing(name: str, tag: str) -> None:
    whole = inner(pgw())
    at = whole.index(bytes.fromhex(tag))
    without = whole[:at] + whole[at + 2 + whole[at + 1] :]
    assert _rejected(framed(outer(without))) == Reject(Reason.MISSING_VALUE, name, "is not in the record")


def _layout(name: str) -> Layout:
    columns = (dataclasses.replace(LAYOUT.columns[0], name=name), *LAYOUT.columns[1:])
    return dataclasses.replace(LAYOUT, columns=columns)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("chargeingID", "no member 'chargeingID' in ts32298.asn; did you mean chargingID?"),
        ("listOfServiceData.sum.ratinGroup", "no member 'listOfServiceData.sum.ratinGroup'"),
        ("listOfServiceData.sum.timeOfReport", "no member"),
        ("listOfServiceData.first.ratingGroup", "no member"),
        ("servedIMSI | servedIMSJ", "'servedIMSJ' in ts32298.asn; did you mean servedIMSI?"),
        ("duration if stopTimes", "'stopTimes' in ts32298.asn; did you mean stopTime?"),
        ("sGWRecord.listOfServiceData.count", "no member"),
        ("", "no member"),
    ],
)
def test_path_is_refused_by_name_when_the_module_has_no_such_member(name: str, words: str) -> None:
    assert any(words in sentence for sentence in unknown_paths(_layout(name))), list(unknown_paths(_layout(name)))
    with pytest.raises(LayoutError, match="no member"):
        compile_layout(_layout(name), b"key")


def test_paths_of_the_layout_are_all_known() -> None:
    assert not list(unknown_paths(LAYOUT))
