"""A layout as one installation runs it: settings and reference tables become part of it, before it is compiled."""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Iterable, Mapping
from pathlib import Path

from contracts.errors import SettingError
from contracts.settings import Settings
from mediation.enrich.numbers import homes
from mediation.enrich.references import Fill, Tables, fills
from mediation.layout import Derived, Layout
from mediation.load import load_layouts


def layouts_in_use(settings: Settings, layouts: Mapping[str, Layout] | None = None) -> dict[str, Layout]:
    """The layouts of an installation as it runs them: `known_layouts`, unless `layouts` are given, configured.

    Raises LayoutError, and what `configured` raises.
    """
    return configured(known_layouts(settings) if layouts is None else layouts, settings)


def known_layouts(settings: Settings) -> dict[str, Layout]:
    """The shipped layouts and those of `layouts.folder`, as they are written: what Logstash's pipelines are rendered from, which
    read the other settings and the tables themselves. Raises LayoutError."""
    folder = settings.text("layouts.folder")
    return load_layouts(own=Path(folder) if folder else None)


def configured(layouts: Mapping[str, Layout], settings: Settings) -> dict[str, Layout]:
    """`layouts` with the home country of `numbers.home.country` where they give none, and with what `reference.folder` knows.

    Raises SettingError on a country that has no number plan, DefinitionError on a bad table or folder.
    """
    country = settings.text("numbers.home.country")
    if country and country not in homes():
        near = difflib.get_close_matches(country.upper(), homes(), n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise SettingError(
            f"{country!r} is no country with a number plan{hint}",
            where="numbers.home.country",
            remedy="give an ISO 3166-1 alpha-2 code such as GB, or leave it empty",
        )
    folder = settings.text("reference.folder")
    tables = Tables(Path(folder) if folder else None)
    tables.check()
    return {name: _configured(layout, country, tables) for name, layout in layouts.items()}


def _configured(layout: Layout, country: str, tables: Tables) -> Layout:
    numbers = tuple(number if number.home else dataclasses.replace(number, home=country) for number in layout.numbers)
    referred = tuple(derived for fill in fills_of(layout) for derived in _derived(fill, tables))
    if numbers == layout.numbers and not referred:
        return layout
    return dataclasses.replace(layout, numbers=numbers, derived=(*layout.derived, *referred))


def filled(layout: Layout) -> set[str]:
    """Fields that some part of a layout fills and stores."""
    fields = {column.field for column in layout.columns if column.pii != "drop"}
    fields |= {time.field for time in layout.times} | {derived.field for derived in layout.derived}
    fields |= {field for number in layout.numbers for field in number.fields.values()} | set(layout.constants)
    return fields - {""} - set(layout.locals)


def fills_of(layout: Layout) -> Iterable[Fill]:
    """Which tables a layout's documents are looked up in, and for which fields: those that it does not fill itself."""
    known = filled(layout)
    for fill in fills():
        fields = {column: field for column, field in fill.fields.items() if field not in known}
        if fill.by in known and fields:
            yield dataclasses.replace(fill, fields=fields)


def _derived(fill: Fill, tables: Tables) -> Iterable[Derived]:
    columns = tables.columns(fill)
    for column, field in fill.fields.items():
        if columns.get(column):
            yield Derived(field, "map", (fill.by,), columns[column])
