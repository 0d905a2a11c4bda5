"""`logging`: a line in the log, once. It is kept in `audit` under the notice's id; what is there already is not said again."""

from __future__ import annotations

import logging

from alerting.alert import Line, Notice, Outcome, Status
from alerting.template import render
from contracts.clock import iso

LEVELS = {"error": logging.ERROR, "warn": logging.WARNING, "info": logging.INFO, "debug": logging.DEBUG}


class LogAction:
    def destination(self, notice: Notice) -> str:
        return ""

    def perform(self, notice: Notice) -> Outcome:
        """Only composes the line: it is written with what comes of other notices, in one request."""
        text = render(notice.config["text"], notice.context)
        audit = {
            "who": f"watch:{notice.watch}",
            "what": f"alert.{notice.event}",
            "object": notice.alert_id,
            "detail": text,
        }
        level = LEVELS[notice.config.get("level", "info")]
        line = Line(level, f"{notice.event} {notice.watch}: {text}", {"@timestamp": iso(notice.at), "audit": audit})
        return Outcome(Status.SENT, "logged", text, line=line)
