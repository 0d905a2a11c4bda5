"""The application: routes, guards and errors put together. The order of what a request meets is written here."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager

from anyio import CapacityLimiter
from fastapi import FastAPI
from starlette.middleware.gzip import GZipMiddleware

from console import failures
from console.api import routes as api
from console.files import Files
from console.pages import actions, boards, contact, customers, live, people, platform, plot, records, signing
from console.security import LARGEST_BODY, LOOPBACK, Guard
from console.services import Services
from console.transfers import AT_ONCE, UPLOAD, most_bytes

PAGES = tuple(
    part.router for part in (signing, boards, live, actions, contact, plot, people, platform, customers, records)
)


def create_app(services: Services, hosts: Collection[str] = LOOPBACK) -> FastAPI:
    """`hosts`: names under which browsers may ask."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        app.state.transfers = CapacityLimiter(AT_ONCE)
        yield
        services.close()

    app = FastAPI(
        title="Busyhour",
        version="1",
        description=api.DESCRIPTION,
        docs_url=None,  # its page comes from another host
        redoc_url=None,
        openapi_url="/api/v1/openapi.json",
        lifespan=lifespan,
    )
    app.state.services, app.state.watching = services, 0
    app.state.ending = lambda: False  # who runs the server says when it ends
    for router in PAGES:
        app.include_router(router, include_in_schema=False)
    for router in api.PARTS:
        app.include_router(router)
    app.mount("/static", Files())
    failures.install(app)
    app.add_middleware(GZipMiddleware, minimum_size=1000, compresslevel=1)
    most = most_bytes(services.settings.number("desk.attachment.mib"))

    def largest(method: str, path: str) -> int:
        return most if method == "POST" and UPLOAD.fullmatch(path) else LARGEST_BODY

    app.add_middleware(Guard, hosts=hosts, secure=services.secure, largest=largest)
    return app
