"""Which days are holidays, and what is planned: left out of learning, and no anomaly when it happens."""

from detectors.calendars.applying import with_calendar
from detectors.calendars.calendar import Calendar, Planned
from detectors.calendars.ics import read_ics
from detectors.calendars.loading import Calendars, calendar_of

__all__ = ["Calendar", "Calendars", "Planned", "calendar_of", "read_ics", "with_calendar"]
