"""Customers, calls, SMS and data sessions: what is checked before they are stored, how they are stored and changed."""
