"""The console: menus over the same functions that the commands use."""

from usage.menu.pipeline import run_menu

__all__ = ["run_menu"]
