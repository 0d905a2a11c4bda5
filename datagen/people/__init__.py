"""Customers and what belongs to them: lines, devices, circles, places, invoices and tickets, all computed from their number."""

from datagen.people.base import Customers

__all__ = ["Customers"]
