"""Bodies of the API's requests and answers. Unknown keys of a request are refused."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, is_dataclass
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr


class _Given(BaseModel):
    model_config = ConfigDict(extra="forbid")


class AnyDocument(BaseModel):
    """A stored document with its `id`; the fields are those of contracts/fields/."""

    model_config = ConfigDict(extra="allow")

    @classmethod
    def with_id(cls, key: str, source: Mapping[str, Any]) -> AnyDocument:
        return cls(**{"id": key, **source})

    @classmethod
    def of(cls, value: Any) -> AnyDocument:
        """From a dataclass."""
        if not is_dataclass(value) or isinstance(value, type):
            raise TypeError(f"{type(value).__name__} is no value of a dataclass")
        return cls(**asdict(value))


class Documents(BaseModel):
    """A page of a list. `after`: hand it to the next question; empty at the end. `exact`: `total` is no lower bound."""

    items: list[dict[str, Any]]
    after: str
    total: int
    exact: bool


class KpiPoints(BaseModel):
    """`total` above the number of items: the time range has more than 10,000 points; ask for a shorter one."""

    items: list[dict[str, Any]]
    total: int


class Acknowledgement(_Given):
    why: str = Field("", max_length=200)


class NewKpi(_Given):
    """`definition`: as `busyhour kpi define` takes it, of source manual or formula."""

    definition: dict[str, Any]
    why: str = Field(min_length=1, max_length=1000)


class KpiChange(NewKpi):
    """`revision`: the one that was read; 0 where people wrote none yet."""

    revision: int = Field(ge=0)


class NewKpiValue(_Given):
    """`at`: any time in the bucket. `value`: in the KPI's unit."""

    entity: str = Field("network:all", max_length=250)
    at: str = Field(max_length=40)
    value: float = Field(allow_inf_nan=False)
    why: str = Field(min_length=1, max_length=1000)


class NewSilence(_Given):
    """`matchers` as Alertmanager writes them: `service=voip`, `alertname=~"trunk.*"`. Times as `2026-11-21T10:00:00Z`."""

    matchers: list[str] = Field(min_length=1, max_length=20)
    starts_at: str = Field(max_length=40)
    ends_at: str = Field(max_length=40)
    comment: str = Field(min_length=1, max_length=200)


class Verdict(_Given):
    """`verdict`: true, false or expected. `scope`: what a false one keeps quiet: series, kpi or entity."""

    verdict: Literal["true", "false", "expected"]
    why: str = Field(min_length=1, max_length=1000)
    scope: Literal["series", "kpi", "entity"] = "series"
    days: int = Field(28, ge=1, le=400)


class NewTicket(_Given):
    """`mark`: two requests with the same one open one ticket; begin it with the time, `2026-11-21T10:00:00Z~anything`."""

    title: str = Field(min_length=1, max_length=200)
    body: str = Field("", max_length=10_000)
    priority: str = Field("medium", max_length=20)
    customer: str = Field("", max_length=64)
    incident: str = Field("", max_length=64)
    mark: str = Field("", max_length=64)


class TicketChange(_Given):
    """`state` by key or name of servicedesk/states.yml. `impact` and `urgency` go together and make the priority.

    `revision`: number of entries in the history as it was read; another change meanwhile is then a 409. `parent`: "" takes
    it away.
    """

    state: str = Field("", max_length=40)
    assignee: str = Field("", max_length=64)
    comment: str = Field("", max_length=10_000)
    impact: str = Field("", max_length=20)
    urgency: str = Field("", max_length=20)
    add_tags: list[str] = Field(default_factory=list, max_length=20)
    remove_tags: list[str] = Field(default_factory=list, max_length=20)
    parent: str | None = Field(None, max_length=64)
    revision: int | None = Field(None, ge=0)


class TicketText(_Given):
    text: str = Field(min_length=1, max_length=10_000)


class TicketMerge(_Given):
    """`into`: the ticket that goes on."""

    into: str = Field(min_length=1, max_length=64)


class TicketMacro(_Given):
    """`name`: a key of macros.yml."""

    name: str = Field(min_length=1, max_length=64)


class CustomerContact(_Given):
    """A person: an e-mail address or a number at least."""

    name: str = Field("", max_length=200)
    role: str = Field("", max_length=200)
    email: str = Field("", max_length=200)
    phone: str = Field("", max_length=40)


class MessageOwner(_Given):
    """`customer`: whose it is."""

    customer: str = Field(min_length=1, max_length=64)


class TicketLink(_Given):
    """`relation`: related, blocks, blocked_by, duplicates or duplicated_by."""

    relation: str = Field(min_length=1, max_length=20)
    other: str = Field(min_length=1, max_length=64)


class TicketPart(_Given):
    title: str = Field(min_length=1, max_length=200)
    body: str = Field("", max_length=10_000)


class NewCustomer(_Given):
    """`id`: letters, digits, dots and dashes. `values` as of a change; a name at least."""

    id: str = Field(max_length=64)
    values: dict[str, str] = Field(max_length=20)


class CustomerChange(_Given):
    """`values`: columns of the account by name (name, status, language, email, phone, address, plan, sla …); "" clears one."""

    values: dict[str, str] = Field(default_factory=dict, max_length=20)
    consents_given: list[str] = Field(default_factory=list, max_length=10)
    consents_withdrawn: list[str] = Field(default_factory=list, max_length=10)


class AgentChange(_Given):
    """`skills`: categories and services; none: everything. `shift`: a calendar of servicedesk/sla.yml."""

    full_name: str = Field("", max_length=100)
    team: str = Field("", max_length=64)
    skills: list[str] = Field(default_factory=list, max_length=50)
    languages: list[str] = Field(default_factory=list, max_length=20)
    shift: str = Field("always", max_length=64)
    capacity: int = Field(10, ge=1, le=10_000)
    away: bool = False


class NewUser(_Given):
    username: str = Field(max_length=64)
    password: SecretStr = Field(max_length=128)
    roles: list[str] = Field(max_length=10)
    name: str = Field("", max_length=100)


class UserChange(_Given):
    roles: list[str] | None = Field(None, max_length=10)
    enabled: bool | None = None


class ProfileChange(_Given):
    name: str | None = Field(None, max_length=100)
    language: str | None = Field(None, max_length=5)
    timezone: str | None = Field(None, max_length=64)
    theme: str | None = Field(None, max_length=10)
    notify: list[str] | None = Field(None, max_length=4)
