"""What was promised: calendars with business hours, targets per priority, deadlines on the ticket."""

from servicedesk.sla.calendar import Calendar
from servicedesk.sla.clock import with_sla
from servicedesk.sla.policy import Agreements, Policy, agreements_of

__all__ = ["Agreements", "Calendar", "Policy", "agreements_of", "with_sla"]
