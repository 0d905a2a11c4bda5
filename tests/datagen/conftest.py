"""The shipped network, changed for a test."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from datagen.definitions import FOLDER
from datagen.network import Network, read_network

Change = Callable[[Any], object]
Rebuilt = Callable[..., Network]


@pytest.fixture
def network_with(tmp_path: Path) -> Rebuilt:
    """A function from a change of network.yml (and one of profiles.yml) to the network that is read then."""

    def rebuilt(change: Change = lambda net: None, profiles: Change = lambda profiles: None) -> Network:
        paths = []
        for name, edit in (("network.yml", change), ("profiles.yml", profiles)):
            content = copy.deepcopy(yaml.safe_load((FOLDER / name).read_text("utf-8")))
            edit(content)
            paths.append(tmp_path / name)
            paths[-1].write_text(yaml.safe_dump(content, sort_keys=False), "utf-8")
        return read_network(*paths)

    return rebuilt
