"""The one exception tree, split by who must act.

    BusyhourError
      UserError        the person who typed the command: a path, a value, a file's content      exit 1
        SettingError     a setting's name or value
        LayoutError      a layout file, or a file no layout recognises
        DefinitionError  a KPI, watch, incident or network file
      OperatorError    whoever runs the platform: a server, a disk, a right                       exit 3
        StoreUnavailable Elasticsearch, or the usage database, does not answer (waited for as long as the settings say)
        StoreRefused     it answered no: rights, read-only, mapping, tables of another version
        NodeError        the local node: Java, port, disk, data directory
      ConflictError    somebody changed the document since it was read: read again and decide    exit 1
      InternalError    us: a defect                                                               exit 4

A bad *record* is never an exception: it is a value (`contracts.outcomes.Reject`).
"""

from __future__ import annotations


class BusyhourError(Exception):
    """What is wrong, where, and what to do next; each part a plain sentence fragment."""

    exit_code = 4

    def __init__(self, what: str, *, where: str = "", remedy: str = "") -> None:
        self.what, self.where, self.remedy = what, where, remedy
        super().__init__(self.sentence())

    def sentence(self) -> str:
        """`where: what. Remedy: …`, leaving out the parts that are empty."""
        text = f"{self.where}: {self.what}" if self.where else self.what
        return f"{text}\n  what to do: {self.remedy}" if self.remedy else text


class UserError(BusyhourError):
    exit_code = 1


class SettingError(UserError):
    pass


class LayoutError(UserError):
    pass


class DefinitionError(UserError):
    pass


class OperatorError(BusyhourError):
    exit_code = 3


class StoreUnavailable(OperatorError):
    pass


class StoreRefused(OperatorError):
    """`status`: what Elasticsearch answered (HTTP), 0 where it was not asked."""

    status = 0


class TooSlow(StoreRefused):
    """A question that took longer than `es.timeout.sec`, while Elasticsearch answered others."""


class NodeError(OperatorError):
    pass


class ConflictError(BusyhourError):
    exit_code = 1


class InternalError(BusyhourError):
    exit_code = 4
