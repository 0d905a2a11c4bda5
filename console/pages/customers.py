"""What is wrong with a customer's service, as a part of their page or a page of its own."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from console.nouns import NOUNS, one
from console.templating import fragment, page
from console.viewer import Viewer, allowed, services
from servicedesk.diagnosis import Diagnosis, diagnose

router = APIRouter()
_SESSIONS = 20  # shown; the API has all that were looked at


@router.get("/customers/{key}/diagnosis")
def diagnosed(request: Request, key: str, viewer: Annotated[Viewer, Depends(allowed("customer:read"))]) -> Response:
    """The customer's page asks for it when it is there already, so that the rest does not wait."""
    one(viewer.store, NOUNS["customers"], key)
    found = diagnosis_of(request, viewer, key)
    values: dict[str, Any] = {"found": found, "sessions": found.sessions[:_SESSIONS]}
    if request.headers.get("hx-request") == "true":
        return fragment(request, "diagnosis_part.html", viewer, **values)
    return page(request, "diagnosis.html", viewer, **values)


def diagnosis_of(request: Request, viewer: Viewer, who: str) -> Diagnosis:
    """As the viewer, so that what they may not read is missing from it; audited. Raises UserError for an unknown customer."""
    made = services(request)
    found = diagnose(viewer.store, made.settings, who, made.clock())
    made.audit.note(viewer.username, "diagnosed customer", found.customer_id)
    return found
