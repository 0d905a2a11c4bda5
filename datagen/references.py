"""What the operator of the network knows and no record says, as the reference tables that mediation enriches from.

Files and columns of `references/` are those of `mediation/enrich/references.yml`. What it has no column for (where a site stands,
what a plan costs, whose a type allocation code is) stands in `network/`, for people and other tools.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from datagen.files import write_whole
from datagen.model import Model
from datagen.network import Network, Region
from datagen.network.base import UNITS

_KM_A_DEGREE = 111.2  # of latitude
Rows = Iterable[Sequence[object]]


def write_references(out: Path, model: Model) -> list[Path]:
    """Writes `out/references/*.csv` for mediation and `out/network/*.csv` for people; returns the files."""
    network = model.network
    tables: dict[str, tuple[str, Rows]] = {
        "references/trunk_groups": ("trunk_group,carrier,site,region,channels", _trunk_groups(model)),
        "references/sbcs": ("sbc,site,region", ((sbc.name, sbc.site, sbc.region) for sbc in network.voip.borders)),
        "references/cells": ("cell,site,region,technology", _cells(network)),
        "references/plans": ("plan,name,segment", ((p.name, p.title, p.segment) for p in network.customers.tariffs)),
        "network/sites": ("site,region,zone,latitude,longitude", _sites(network)),
        "network/tariffs": (
            "plan,currency,monthly," + ",".join(f"{u}_included,{u}_price" for u in UNITS),
            _tariffs(network),
        ),
        "network/devices": ("tac,device,kind,technologies", _devices(network)),
    }
    return [_written(out / f"{name}.csv", header, rows) for name, (header, rows) in tables.items()]


def _written(path: Path, header: str, rows: Rows) -> Path:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([header.split(","), *rows])
    write_whole(path, text.getvalue().encode())
    return path


def _trunk_groups(model: Model) -> Rows:
    network = model.network
    for group, channels in zip(network.voip.trunks, model.channels.tolist(), strict=True):
        yield group.name, group.carrier, group.site, group.region, channels
    known = network.names("trunk_group")
    for access in network.voip.access:
        if access.name not in known:
            yield access.name, access.carrier, access.site, access.region, access.channels or ""


def _cells(network: Network) -> Rows:
    radio = network.customers.radio
    names = iter(radio.cells)
    for region in radio.regions:
        for site in range(region.sites):
            for technology in radio.technologies:
                yield next(names), f"{region.name}-{site + 1:04d}", region.name, technology


def _sites(network: Network) -> Rows:
    for region in network.customers.radio.regions:
        for site in range(region.sites):
            yield f"{region.name}-{site + 1:04d}", region.name, region.clock.zone.key, *location(region, site)


def _tariffs(network: Network) -> Rows:
    for plan in network.customers.tariffs:
        units = (cell for unit in UNITS for cell in (plan.included[unit], plan.prices[unit]))
        yield plan.name, network.customers.currency, plan.monthly, *units


def _devices(network: Network) -> Rows:
    for device in network.customers.devices:
        for code in range(device.first, device.first + device.codes):
            yield f"{code:08d}", device.name, device.kind, " ".join(device.technologies)


def location(region: Region, site: int) -> tuple[float, float]:
    """Latitude and longitude of a site (degrees): spread evenly over the circle of its region, computed from its number."""
    turn = 2 * np.pi * (site * 0.6180339887 % 1)
    distance = region.radius_km * np.sqrt((site + 0.5) / region.sites)
    north = region.latitude + distance * np.cos(turn) / _KM_A_DEGREE
    east = region.longitude + distance * np.sin(turn) / (_KM_A_DEGREE * np.cos(np.radians(region.latitude)))
    return round(float(np.clip(north, -90, 90)), 5), round(float((east + 180) % 360 - 180), 5)
