"""The main menu: what can be chosen, and what happens when something fails."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TextIO
from zoneinfo import ZoneInfo

from contracts.errors import BusyhourError
from usage.engine import UsageStore
from usage.menu.entry import log_menu
from usage.menu.finding import search_menu
from usage.menu.reporting import export_menu, report_menu
from usage.menu.screen import Back, Quit, Screen
from usage.menu.session import Session
from usage.tariffs import TariffTable

_MENUS: tuple[tuple[str, Callable[[Session], None]], ...] = (
    ("Log data", log_menu),
    ("Reports", report_menu),
    ("Search", search_menu),
    ("Export a report", export_menu),
)
_log = logging.getLogger(__name__)


def run_menu(
    store: UsageStore, *, zone: ZoneInfo, tariffs: TariffTable, key: bytes, stdin: TextIO, stdout: TextIO
) -> None:
    """Runs until the user quits. No error ends it, and none shows more than a sentence."""
    session = Session(Screen(stdin, stdout), store, zone, tariffs, key)
    session.screen.say(f"Busyhour usage: {store.place}, times in {zone.key}")
    while True:
        try:
            _once(session)
        except (Quit, KeyboardInterrupt):
            session.screen.say("Goodbye.")
            return


def _once(session: Session) -> None:
    """One choice of the main menu, whatever comes of it but quitting."""
    try:
        chosen = session.screen.choose("Main menu", (*(title for title, _ in _MENUS), "Exit"))
        if chosen == len(_MENUS):
            raise Quit
        _MENUS[chosen][1](session)
    except Quit:
        raise
    except Back:
        return
    except BusyhourError as error:
        session.screen.say(f"That did not work. {error.sentence()}")
    except Exception as error:  # noqa: BLE001 - a console must not die of one failed action
        _log.debug("menu", exc_info=True)
        session.screen.say(f"That did not work, and it is a defect of ours: {type(error).__name__}")
