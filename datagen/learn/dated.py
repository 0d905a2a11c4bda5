"""A model of records without a time, written in the layout of the same columns that has one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from datagen.learn.model import Form, LearnedModel, Written
from datagen.learn.moments import Moment
from mediation.layout import Layout


def dated(model: LearnedModel, layouts: Iterable[Layout]) -> LearnedModel:
    """The model in its sibling: the CSV layout of its service with the most of its columns, none of them new but those of a time.

    The model itself where it has a time already, or where there is no such layout.
    """
    if model.moments or not model.form.layout:
        return model
    siblings = [layout for layout in layouts if _fits(layout, model)]
    if not siblings:
        return model
    best = max(siblings, key=lambda layout: (len(layout.columns), layout.name))
    return replace(model, form=_form(best, model), moments=(_moment(best),))


def _clocks(layout: Layout) -> tuple[str, ...]:
    return layout.times[0].columns if len(layout.times) == 1 else ()


def _fits(layout: Layout, model: LearnedModel) -> bool:
    own = {column.name for column in model.form.columns}
    rest = {column.raw for column in layout.columns} - set(_clocks(layout))
    whole = layout.format.kind == "csv" and layout.format.header == "names" and layout.services == (model.form.service,)
    return whole and bool(_clocks(layout)) and len(rest) > 1 and rest <= own


def _moment(layout: Layout) -> Moment:
    time = layout.times[0]
    patterns = tuple(time.formats[0].split(" ")) if len(time.columns) > 1 else (time.formats[0],)
    return Moment(time.field, time.columns, patterns, layout.timezone, 1000)


def _form(layout: Layout, model: LearnedModel) -> Form:
    own = {column.name: column for column in model.form.columns}
    patterns = dict(zip(_moment(layout).columns, _moment(layout).patterns, strict=True))
    columns = tuple(
        Written(column.raw, "clock", 0, pattern=patterns[column.raw]) if column.raw in patterns else own[column.raw]
        for column in layout.columns
    )
    return Form(columns, layout.separator, (layout.separator.join(layout.header),), layout.name, model.form.service)
