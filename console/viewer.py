"""Who looks: the person behind a request, by session cookie or API key, and the store acting as them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Annotated, Any

from fastapi import Depends, Request
from starlette.concurrency import run_in_threadpool

from console.errors import Denied, Unknown
from console.i18n import Words, language_of, region_of, zone_of
from console.profiles import Profile
from console.rights import Rights, missing
from console.services import Services
from console.sessions import COOKIE, Session
from contracts.errors import BusyhourError, StoreRefused
from infrastructure.behalf import as_user, with_api_key
from infrastructure.store import Store

MENU_FRESH = timedelta(seconds=60)
SAFE = ("GET", "HEAD", "OPTIONS")
_LONGEST_KEY = 500


@dataclass(frozen=True)
class Viewer:
    """`store` acts as the person. `session`: None with an API key."""

    username: str
    store: Store
    words: Words
    profile: Profile
    session: Session | None = None
    theme: str = ""
    rights: Rights | None = None  # shared with other requests of the same person; None with an API key
    asked: dict[str, bool] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return self.profile.name or self.username

    @property
    def csrf(self) -> str:
        return self.session.csrf if self.session else ""

    def learn(self, needs: Iterable[str]) -> None:
        """Asks Elasticsearch about several rights at once; `may` knows them then, for this request."""
        wanted = [need for need in dict.fromkeys(needs) if need not in self.asked]
        if not wanted:
            return
        lacking = self.rights.missing(self.username, wanted) if self.rights else missing(self.store, wanted)
        self.asked.update({need: need not in lacking for need in wanted})

    def may(self, need: str) -> bool:
        """`ticket:read`, asked at most once a request."""
        self.learn([need])
        return self.asked[need]

    def require(self, *needs: str) -> None:
        """Raises Denied naming what is missing."""
        self.learn(needs)
        lacking = [need for need in needs if not self.asked[need]]
        if lacking:
            raise Denied(
                f"your roles do not allow this: {', '.join(lacking)}",
                remedy="ask an administrator for a role that does",
            )


def services(request: Request) -> Services:
    found = request.app.state.services
    assert isinstance(found, Services)  # noqa: S101 - set by create_app
    return found


def words_for(request: Request, profile: Profile | None = None) -> Words:
    """Profile first, then what the browser says: cookie `zone`, cookie `language`, Accept-Language.

    Without a profile, that of who is known to look: an error tells them in their language.
    """
    known: Viewer | None = getattr(request.state, "viewer", None)
    if profile is None and known is not None:
        profile = known.profile
    language = (profile.language if profile else "") or request.cookies.get("language", "")
    zone = (profile.timezone if profile else "") or request.cookies.get("zone", "")
    accepted = request.headers.get("accept-language", "")
    chosen = language_of(language, accepted)
    network = zone_of(services(request).network)
    return Words(chosen, zone_of(zone), region_of(chosen, accepted), network)


def current(request: Request) -> Viewer:
    """Dependency. Raises Unknown when nobody is signed in, or the key is none."""
    known: Viewer | None = getattr(request.state, "viewer", None)
    if known is not None:
        return known
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    viewer = _by_key(request, key.strip()) if scheme.lower() == "apikey" else _by_session(request)
    request.state.viewer = viewer
    return viewer


def _by_session(request: Request) -> Viewer:
    made = services(request)
    session = made.sessions.find(request.cookies.get(COOKIE, ""))
    if session is None:
        raise Unknown("nobody is signed in", remedy="sign in, or send an API key")
    store = as_user(made.store, session.username)
    theme = session.profile.theme or request.cookies.get("theme", "")
    words = words_for(request, session.profile)
    return Viewer(session.username, store, words, session.profile, session, theme, made.rights)


def _by_key(request: Request, key: str) -> Viewer:
    made = services(request)
    if not request.url.path.startswith("/api/"):
        raise Unknown("API keys are for /api only", remedy="sign in")
    if not key or len(key) > _LONGEST_KEY:
        raise Unknown("this is no API key", remedy="send `Authorization: ApiKey <base64 of id:key>`")
    store = with_api_key(made.store, key)
    try:
        answer = store.exchange.ask("GET", "/_security/_authenticate")
    except StoreRefused as error:
        raise Unknown("Elasticsearch does not know this API key, or it expired") from error
    return Viewer(answer["username"], store, words_for(request), Profile(answer["username"]))


def allowed(*needs: str) -> Callable[[Request], Viewer]:
    """A dependency that gives the viewer who has all of these rights."""

    def dependency(request: Request) -> Viewer:
        viewer = current(request)
        viewer.require(*needs)
        return viewer

    dependency.needs = needs  # type: ignore[attr-defined]  # read by the test of every route × every role
    return dependency


async def posted(request: Request) -> dict[str, Any]:
    """The fields of a form, after the check of its token: a page of somebody else's cannot know it. Raises Denied."""
    sent = await request.form()
    form = {key: value for key, value in sent.multi_items() if isinstance(value, str)}
    token = request.headers.get("x-csrf-token") or str(form.pop("csrf", ""))
    try:
        viewer = await run_in_threadpool(current, request)
        if viewer.session is None or not viewer.session.accepts(token):
            raise Denied("this form is not from here, or too old", remedy="load the page again and send it once more")
    except Unknown as error:
        await sent.close()
        raise Unknown(
            "nobody is signed in", remedy="sign in again; what you wrote is still in your browser's page before"
        ) from error
    except BusyhourError:
        await sent.close()
        raise
    return form


Posted = Annotated[dict[str, Any], Depends(posted)]
