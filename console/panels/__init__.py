"""Answers to a dashboard's panels: one ES|QL query each, asked as the person, shared by all who may see the same."""

from console.panels.request import Asked, Chosen, asked
from console.panels.service import Answer, Panels

__all__ = ["Answer", "Asked", "Chosen", "Panels", "asked"]
