"""The service desk: customers, tickets, and who feels an incident. Its parts are imported from their own modules."""

from servicedesk.customers import CustomerReport, load_customers
from servicedesk.desk import TicketDesk
from servicedesk.impact import Impact, impacted
from servicedesk.lifecycle import STATES
from servicedesk.newticket import NewTicket
from servicedesk.opener import AlertTickets
from servicedesk.pipeline import DeskReport, run_desk
from servicedesk.priority import IMPACTS, PRIORITIES, URGENCIES, priority
from servicedesk.states import TRANSITIONS
from servicedesk.ticket import Ticket

__all__ = [
    "IMPACTS",
    "PRIORITIES",
    "STATES",
    "TRANSITIONS",
    "URGENCIES",
    "AlertTickets",
    "CustomerReport",
    "DeskReport",
    "Impact",
    "NewTicket",
    "Ticket",
    "TicketDesk",
    "impacted",
    "load_customers",
    "priority",
    "run_desk",
]
