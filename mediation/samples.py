"""Believable small files in every layout, for `sample_data/`, tests and the bench: the same seed writes the same bytes.

Numbers are of ranges kept for examples (Ofcom's 07700 900000, test network 001 01, TEST-NET-1). This is no traffic model;
that is `datagen/`. Written anew with `python -m mediation.samples FOLDER`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from pathlib import Path
from random import Random

from contracts.clock import iso
from mediation.formats import ber_samples
from mediation.formats.write import header_lines, record_of
from mediation.load import FOLDER, load_layout
from mediation.samples_calls import CALL_SAMPLES
from mediation.sampling import Row, call_end, example_number, moments, mos_of

_SITES = ("Lon-Site", "Fran-Site", "Mia-Site")
_SBCS = ("lon-sbc", "fra-sbc")
_TRUNKS = ("TG1", "TG2", "TG3", "TG4")
_PLANS = ("PLAN1", "PLAN2", "PLAN3")


def _digits(rng: Random, prefix: str, count: int) -> str:
    return prefix + f"{rng.randrange(10**count):0{count}d}"


def _public_figures(rng: Random) -> Row:
    """From PostDialDelay to the terminating trunk group, as the public VoIP format has them."""
    disposition, cause, status = call_end(rng)
    media = disposition != "call-attempt"
    figures = ["0.0"] * 8
    if media:
        lost = [f"{float(int(rng.expovariate(0.4)))}" for _ in range(2)]
        jitter = [f"{float(int(rng.expovariate(0.3)))}" for _ in range(2)]
        factors = [rng.uniform(70, 93.2) for _ in range(2)]
        figures = [
            *lost,
            *jitter,
            *(f"{factor * 100:.0f}.0" for factor in factors),
            *(f"{mos_of(r) * 100:.0f}.0" for r in factors),
        ]
    places = [rng.choice(_SITES), rng.choice(_SITES), rng.choice(("eu-trunk", "us-trunk")), rng.choice(_TRUNKS)]
    return [f"{rng.gammavariate(4, 90):.0f}", str(cause), str(status), disposition, *figures, *places]


def voip_public(rng: Random, count: int) -> Iterator[Row]:
    for index, moment in enumerate(moments(rng, count)):
        yield [str(index), f"{moment:%Y-%m-%d}", f"{moment.hour}:{moment:%M}:00", *_public_figures(rng)]


def voip_public_undated(rng: Random, count: int) -> Iterator[Row]:
    for index in range(count):
        yield [str(index), example_number(rng), example_number(rng), *_public_figures(rng)]


def mobile_public(rng: Random, count: int) -> Iterator[Row]:
    for index, moment in enumerate(moments(rng, count)):
        kind = rng.choice(("MOC", "MTC", "SMS-MO", "SMS-MT"))
        time = f"{moment.hour}:{moment:%M:%S}"
        subscriber = rng.randrange(40)
        yield [str(index), f"{moment:%Y-%m-%d}", time, rng.choice(_PLANS), kind, *_subscriber(subscriber)]


def _subscriber(index: int) -> Row:
    """MSISDN, IMSI and IMEI of one of the subscribers."""
    return [f"447700900{index:03d}", f"0010100000{index:05d}", f"35190514{index:06d}0"]


def mobile_public_semicolon(rng: Random, count: int) -> Iterator[Row]:
    for moment in moments(rng, count):
        kind = rng.choice(("MOC", "MTC", "SMS-MO", "SMS-MT"))
        duration = f"{rng.expovariate(1 / 110) + 1:.0f}" if kind.startswith("M") else "0"
        other = [rng.choice(("CUST1", "CUST2")), f"07700900{rng.randrange(1000):03d}", duration]
        yield [
            *_subscriber(rng.randrange(40)),
            rng.choice(_PLANS),
            kind,
            *other,
            f"{moment:%H:%M:%S}",
            f"{moment:%d/%m/%Y} ",
        ]


def voip_busyhour(rng: Random, count: int) -> Iterator[Row]:
    for index, start in enumerate(moments(rng, count)):
        disposition, cause, status = call_end(rng)
        delay = rng.gammavariate(4, 90)
        ring = start + timedelta(milliseconds=delay, seconds=rng.uniform(1, 20))
        talk = rng.expovariate(1 / 150) + 1 if disposition == "answered" else 0.0
        end = ring + timedelta(seconds=talk)
        row = [
            f"{index:08x}@lon-sbc",
            "1",
            iso(start),
            iso(ring) if talk else "",
            iso(end),
            "",
            example_number(rng),
            example_number(rng),
        ]
        row += [
            disposition,
            str(cause),
            str(status),
            f"{delay:.0f}",
            rng.choice(("PCMA", "G722", "opus")) if talk else "",
        ]
        yield [*row, *_media(rng, talk), rng.choice(_SBCS), rng.choice(_SBCS), rng.choice(_TRUNKS), rng.choice(_TRUNKS)]


def _media(rng: Random, talk: float) -> Row:
    """Packet counts, jitter, R-factor and MOS of both sides; empty without speech. 50 packets a second."""
    if not talk:
        return [""] * 10
    packets, jitter, factors = [], [], []
    for _ in range(2):
        sent = int(talk * 50)
        lost = min(int(rng.expovariate(1 / (sent * 0.002 + 0.1))), sent)
        packets += [str(sent), str(sent - lost)]
        jitter.append(f"{rng.gammavariate(2, 3):.2f}")
        factors.append(max(50.0, 93.2 - 100 * lost / max(sent, 1) * 4 - rng.expovariate(0.5)))
    return [
        *packets,
        *jitter,
        *(f"{factor:.1f}" for factor in factors),
        *(f"{mos_of(factor):.2f}" for factor in factors),
    ]


def sms_busyhour(rng: Random, count: int) -> Iterator[Row]:
    for index, submit in enumerate(moments(rng, count)):
        result, error = rng.choices((("delivered", 0), ("failed", 1), ("expired", 27), ("pending", 0)), (94, 3, 2, 1))[
            0
        ]
        delivered = iso(submit + timedelta(seconds=rng.expovariate(1 / 4) + 0.5)) if result == "delivered" else ""
        row = [f"m{index:08x}", rng.choice(("SMS-MO", "SMS-MT")), iso(submit), delivered, result, str(error)]
        row += [
            rng.choice(("smsc-1", "smsc-2")),
            rng.choice(_PLANS),
            *_subscriber(rng.randrange(40)),
            example_number(rng),
        ]
        yield [*row, rng.choice(("on-net", "off-net"))]


def epc_busyhour(rng: Random, count: int) -> Iterator[Row]:
    for index, opened in enumerate(moments(rng, count)):
        seconds = rng.expovariate(1 / 900) + 1
        rate = rng.lognormvariate(11, 1.5)  # bytes a second, downlink
        cause = rng.choices(("0", "4", "16", "17"), (80, 3, 7, 10))[0]
        volumes = [f"{rate * seconds * rng.uniform(0.05, 0.3):.0f}", f"{rate * seconds:.0f}"]
        network = [
            rng.choice(("internet", "ims", "iot", "corp")),
            rng.choice(("EUTRAN", "NR")),
            rng.choice(("9", "5", "8")),
        ]
        row = [
            iso(opened),
            f"{seconds:.0f}",
            *_subscriber(rng.randrange(40)),
            rng.choice(_PLANS),
            *network,
            *volumes,
            cause,
        ]
        yield [*row, f"192.0.2.{rng.randrange(1, 3)}", str(100_000 + index), "1" if cause in "04" else ""]


SAMPLES: dict[str, Callable[[Random, int], Iterable[Row]]] = {
    "voip-public": voip_public,
    "voip-public-undated": voip_public_undated,
    "mobile-public": mobile_public,
    "mobile-public-semicolon": mobile_public_semicolon,
    "voip-busyhour": voip_busyhour,
    "sms-busyhour": sms_busyhour,
    "epc-busyhour": epc_busyhour,
    **CALL_SAMPLES,
}


def write_sample(layout: str, path: Path, *, rows: int, seed: int) -> None:
    """One file of `rows` records in `layout`."""
    known = load_layout(FOLDER / f"{layout}.yml")
    with path.open("w", encoding="utf-8", newline="") as file:
        for line in header_lines(known):
            file.write(line + "\n")
        for row in SAMPLES[layout](Random(f"{layout} {seed}"), rows):
            file.write(record_of(known, row, numbers=layout == "voip-ndjson") + "\n")


def sample_name(layout: str) -> str:
    """Name of the sample file of a layout."""
    return (
        layout + {"csv": ".csv", "json": ".ndjson", "pairs": ".log"}[load_layout(FOLDER / f"{layout}.yml").format.kind]
    )


def main(folder: Path, rows: int = 300, seed: int = 1) -> None:
    """A file of every layout in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    for layout in SAMPLES:
        write_sample(layout, folder / sample_name(layout), rows=rows, seed=seed)
    (folder / "ts32298.ber").write_bytes(ber_samples.sample_file(rows, seed))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
