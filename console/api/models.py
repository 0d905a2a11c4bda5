"""Bodies of the API's requests and answers. Unknown keys of a request are refused."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, is_dataclass
from typing import Any

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


class NewTicket(_Given):
    """`mark`: two requests with the same one open one ticket; begin it with the time, `2026-11-21T10:00:00Z~anything`."""

    title: str = Field(min_length=1, max_length=200)
    body: str = Field("", max_length=10_000)
    priority: str = Field("medium", max_length=20)
    customer: str = Field("", max_length=64)
    incident: str = Field("", max_length=64)
    mark: str = Field("", max_length=64)


class TicketChange(_Given):
    state: str = Field("", max_length=20)
    assignee: str = Field("", max_length=64)
    comment: str = Field("", max_length=10_000)


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
