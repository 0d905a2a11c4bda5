"""The network, its customers and what they live by, read from YAML and checked (`network.yml`, `profiles.yml`)."""

from datagen.network.nouns import (
    AccessGroup,
    Apn,
    CustomerBase,
    Device,
    Epc,
    Network,
    Plan,
    Radio,
    Region,
    Sbc,
    Sms,
    TrunkGroup,
    Voip,
)
from datagen.network.reading import NETWORK, PROFILES, read_network
from datagen.traffic.profiles import Profile, read_profiles

__all__ = [
    "NETWORK",
    "PROFILES",
    "AccessGroup",
    "Apn",
    "CustomerBase",
    "Device",
    "Epc",
    "Network",
    "Plan",
    "Profile",
    "Radio",
    "Region",
    "Sbc",
    "Sms",
    "TrunkGroup",
    "Voip",
    "read_network",
    "read_profiles",
]
