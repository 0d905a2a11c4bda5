"""What every request starts from, made once."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from console.audit import Audit
from console.limiter import Limiter
from console.panels import Panels
from console.profiles import Profiles
from console.rights import Rights
from console.sessions import Sessions
from console.setup_token import SetupToken
from contracts.clock import Clock, utc_now
from contracts.settings import Settings
from dashboards import Definitions
from infrastructure.store import Store

ROOT = Path(__file__).resolve().parent.parent


@dataclass
class Services:
    """`store`: the console's own account, which asks as its users. `first`: how the first administrator comes to be."""

    store: Store
    settings: Settings
    definitions: Definitions
    clock: Clock = utc_now
    secure: bool = False
    first: SetupToken | None = None
    sessions: Sessions = field(init=False)
    audit: Audit = field(init=False)
    profiles: Profiles = field(init=False)
    panels: Panels = field(init=False)
    rights: Rights = field(init=False)
    # Five tries, then one in ten seconds, of one name from one address; of an address four times that: NAT is common.
    by_name: Limiter = field(default_factory=lambda: Limiter(5, 10.0))
    by_address: Limiter = field(default_factory=lambda: Limiter(20, 2.5))

    def __post_init__(self) -> None:
        self.sessions = Sessions(self.store, self.clock, timedelta(hours=self.settings.number("console.session.hours")))
        self.audit = Audit(self.store, self.clock)
        self.profiles = Profiles(self.store, self.clock)
        self.rights = Rights(self.store)
        self.panels = Panels(
            self.settings.number("console.queries"), self.settings.number("console.cache.mib") * 1024 * 1024
        )
        self.boards = {board.name: board for board in self.definitions.boards}

    @property
    def network(self) -> str:
        """The zone in which the jobs write times into sentences."""
        return str(self.settings["network.timezone"])

    def close(self) -> None:
        self.panels.close()
