"""The service desk: customers, tickets, and who feels an incident."""

from servicedesk.customers import CustomerReport, load_customers
from servicedesk.desk import TicketDesk
from servicedesk.impact import Impact, impacted
from servicedesk.lifecycle import STATES, TRANSITIONS
from servicedesk.opener import AlertTickets
from servicedesk.priority import PRIORITIES, priority
from servicedesk.ticket import Ticket

__all__ = [
    "PRIORITIES",
    "STATES",
    "TRANSITIONS",
    "AlertTickets",
    "CustomerReport",
    "Impact",
    "Ticket",
    "TicketDesk",
    "impacted",
    "load_customers",
    "priority",
]
