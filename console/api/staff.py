"""Staff: their accounts and roles, for administrators; and everybody's own profile."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request

from console.api.common import PROBLEMS, ROOT, changing
from console.api.models import AnyDocument, NewUser, ProfileChange, UserChange
from console.pages.people import MANAGE
from console.viewer import Viewer, allowed, current, services
from infrastructure import users

router = APIRouter(prefix=ROOT)


@router.get("/users", tags=["users"], responses=PROBLEMS, summary="staff")
def list_users(viewer: Annotated[Viewer, Depends(allowed(MANAGE))]) -> list[AnyDocument]:
    return [AnyDocument.of(user) for user in users.list_users(viewer.store)]


@router.get("/users/{name}", tags=["users"], responses=PROBLEMS, summary="one of the staff")
def get_user(name: str, viewer: Annotated[Viewer, Depends(allowed(MANAGE))]) -> AnyDocument:
    return AnyDocument.of(users.find_user(viewer.store, name))


@router.post("/users", status_code=201, tags=["users"], responses=PROBLEMS, summary="make an account")
def create_user(request: Request, given: NewUser, viewer: Annotated[Viewer, changing(MANAGE)]) -> AnyDocument:
    password = given.password.get_secret_value()
    made = users.create_user(viewer.store, given.username, password, given.roles, name=given.name)
    services(request).audit.note(viewer.username, "user created", made.username, roles=given.roles)
    return AnyDocument.of(made)


@router.patch("/users/{name}", tags=["users"], responses=PROBLEMS, summary="change roles, disable, enable")
def change_user(
    request: Request, name: str, given: UserChange, viewer: Annotated[Viewer, changing(MANAGE)]
) -> AnyDocument:
    made = services(request)
    user = users.find_user(viewer.store, name)
    if given.roles is not None:
        user = users.set_roles(viewer.store, name, given.roles)
        made.audit.note(viewer.username, "roles changed", name, roles=given.roles)
    if given.enabled is not None:
        user = users.set_enabled(viewer.store, name, given.enabled)
        if not given.enabled:
            made.sessions.close_all_of(name)
        made.audit.note(viewer.username, "user enabled" if given.enabled else "user disabled", name)
    return AnyDocument.of(user)


@router.get("/profile", tags=["profiles"], responses=PROBLEMS, summary="one's own profile")
def get_profile(request: Request, viewer: Annotated[Viewer, Depends(current)]) -> AnyDocument:
    return AnyDocument.of(services(request).profiles.get(viewer.username))


@router.patch("/profile", tags=["profiles"], responses=PROBLEMS, summary="change one's own profile")
def change_profile(request: Request, given: ProfileChange, viewer: Annotated[Viewer, changing()]) -> AnyDocument:
    made = services(request)
    profile = made.profiles.change(viewer.username, given.model_dump(exclude_none=True))
    made.audit.note(viewer.username, "profile changed", viewer.username)
    return AnyDocument.of(profile)
