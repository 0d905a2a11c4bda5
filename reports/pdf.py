"""The report as PDF, A4: text, tables and pictures by fpdf2 alone, so that no system library is needed."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

import matplotlib
from fpdf import FPDF
from fpdf.enums import TableBordersLayout
from fpdf.fonts import FontFace

from reports.content import Content
from reports.html import SEVERITIES, length, limits, used
from reports.numbers import change, shown
from reports.pictures import Picture

_FONTS = Path(matplotlib.get_data_path()) / "fonts" / "ttf"  # with a wide set of letters, and free
_FONT = "DejaVu"
_LONGEST_CELL = 120  # characters


class _Report(FPDF):
    """A4 with a page number below."""

    def __init__(self, title: str) -> None:
        super().__init__(format="A4")
        for style, file in (("", "DejaVuSans.ttf"), ("B", "DejaVuSans-Bold.ttf")):
            self.add_font(_FONT, style, _FONTS / file)
        self.set_title(title)
        self.set_auto_page_break(True, margin=16)
        self.set_margins(14, 14)
        self.add_page()

    def footer(self) -> None:
        self.set_y(-11)
        self.set_font(_FONT, size=7)
        self.set_text_color(110)
        self.cell(0, 4, f"{self.title} · page {self.page_no()}", align="C")
        self.set_text_color(0)


def document(content: Content, pictures: Sequence[Picture]) -> bytes:
    """The whole document."""
    pdf = _Report(content.title)
    shots = {each.name: each for each in pictures}
    _heading(pdf, content)
    _draw(pdf, shots.get("states"))
    _missed(pdf, content)
    _draw(pdf, shots.get("targets"))
    _incidents(pdf, content)
    _worst(pdf, content)
    _draw(pdf, shots.get("funnel"))
    _expected(pdf, content)
    _draw(pdf, shots.get("outlooks"))
    _usage(pdf, content)
    _all(pdf, content)
    return bytes(pdf.output())


def _heading(pdf: _Report, content: Content) -> None:
    pdf.set_font(_FONT, "B", 17)
    pdf.multi_cell(0, 8, content.title, new_x="LMARGIN", new_y="NEXT")
    pdf.set_font(_FONT, size=9)
    pdf.set_text_color(90)
    span = f"{content.start:%Y-%m-%d} to {content.end:%Y-%m-%d} (UTC, end not included), made {content.made:%Y-%m-%d %H:%M} UTC"
    pdf.multi_cell(0, 5, span, new_x="LMARGIN", new_y="NEXT")
    pdf.set_text_color(0)
    pdf.ln(2)
    pdf.set_font(_FONT, "B", 10.5)
    said = f"{content.held} of {content.aimed} targets held, {len(content.missed)} missed, {content.incidents_in_all} incidents"
    pdf.multi_cell(0, 6, said, new_x="LMARGIN", new_y="NEXT")
    pdf.set_font(_FONT, size=9)
    for state in content.states:
        text = f"State of {state.service}: {state.last + 0:.0f} at the end, lowest {state.lowest + 0:.0f} of 100"
        pdf.multi_cell(0, 5, text, new_x="LMARGIN", new_y="NEXT")
    pdf.ln(1)


def _title(pdf: _Report, text: str) -> None:
    if pdf.get_y() > pdf.h - 45:
        pdf.add_page()
    pdf.ln(3)
    pdf.set_font(_FONT, "B", 11.5)
    pdf.cell(0, 7, text, new_x="LMARGIN", new_y="NEXT")
    pdf.set_font(_FONT, size=8)


def _draw(pdf: _Report, picture: Picture | None) -> None:
    if picture is None:
        return
    width = pdf.epw
    height = width * picture.height / picture.width
    if pdf.get_y() + height > pdf.page_break_trigger:
        pdf.add_page()
    pdf.ln(1)
    pdf.image(io.BytesIO(picture.png), x=pdf.l_margin, w=width, alt_text=picture.words)
    pdf.ln(1)


def _table(
    pdf: _Report, headings: Sequence[str], rows: Sequence[Sequence[str]], widths: Sequence[int], aligned: str
) -> None:
    """`aligned`: a letter a column, L or R."""
    if not rows:
        pdf.cell(0, 5, "None.", new_x="LMARGIN", new_y="NEXT")
        return
    pdf.set_font(_FONT, size=7.2)
    pdf.set_draw_color(205)
    with pdf.table(
        col_widths=tuple(widths),
        text_align=tuple("LEFT" if each == "L" else "RIGHT" for each in aligned),
        borders_layout=TableBordersLayout.HORIZONTAL_LINES,
        headings_style=FontFace(emphasis="BOLD", fill_color=(240, 242, 245)),
        line_height=4,
        padding=(0.6, 1.4),
    ) as table:
        for cells in (headings, *rows):
            row = table.row()
            for cell in cells:
                row.cell(cell[:_LONGEST_CELL])


def _missed(pdf: _Report, content: Content) -> None:
    _title(pdf, "Targets missed")
    rows = []
    for line in content.missed:
        moved = "; ".join(
            f"{each.at:%m-%d}: {shown(each.before, line.unit)} → {shown(each.after, line.unit)}"
            for each in line.changes[-2:]
        )
        rows.append(
            (
                f"{line.name} ({line.kpi})",
                line.entity,
                shown(line.value, line.unit),
                f"{line.target_op} {shown(line.target, line.unit)}",
                shown(line.before, line.unit),
                line.level if line.level != "target" else "missed",
                moved,
            )
        )
    headings = ("KPI", "of", "value", "target", "before", "level", "level of the series changed")
    _table(pdf, headings, rows, (52, 26, 22, 24, 20, 16, 40), "LLRRRLL")


def _incidents(pdf: _Report, content: Content) -> None:
    _title(pdf, "Incidents")
    rows = [
        (
            f"{each.start:%m-%d %H:%M}",
            length(each),
            SEVERITIES.get(each.severity, str(each.severity)),
            ", ".join(each.services),
            each.title,
        )
        for each in content.incidents
    ]
    _table(pdf, ("from (UTC)", "length", "severity", "services", "what"), rows, (22, 22, 18, 22, 100), "LRLLL")


def _worst(pdf: _Report, content: Content) -> None:
    _title(pdf, "Entities that are worse than the rest (outside 99.8 % limits of their size)")
    rows = [
        (
            each.kpi,
            each.row.entity,
            shown(each.row.value, each.unit),
            shown(each.whole, each.unit),
            limits(each),
            f"{each.row.samples:,}",
        )
        for each in content.worst
    ]
    headings = ("KPI", "entity", "value", "all together", "like the rest", "samples")
    _table(pdf, headings, rows, (42, 40, 24, 26, 42, 26), "LLRRRR")


def _expected(pdf: _Report, content: Content) -> None:
    _title(pdf, "What is expected")
    rows = [
        (
            f"{each.name} ({each.kpi})",
            each.entity,
            f"{each.target_op} {shown(each.target, each.unit)}",
            each.expected or "not within two weeks",
            each.possible or "–",
        )
        for each in content.outlooks
    ]
    headings = ("KPI", "of", "target", "crossed, expected", "crossed, possible from")
    _table(pdf, headings, rows, (70, 30, 26, 34, 34), "LLRLL")


def _usage(pdf: _Report, content: Content) -> None:
    if not content.usage:
        return
    _title(pdf, "Customers' usage")
    rows = [
        (measure, used(value, unit), used(before, unit), change(moved))
        for measure, unit, value, before, moved in content.usage
    ]
    _table(pdf, ("measure", "value", "before", "change"), rows, (60, 40, 40, 30), "LRRR")


def _all(pdf: _Report, content: Content) -> None:
    _title(pdf, "All KPIs")
    rows = [
        (
            line.group,
            f"{line.name} ({line.kpi})",
            line.entity,
            shown(line.value, line.unit),
            shown(line.before, line.unit),
            change(line.change),
            f"{line.target_op} {shown(line.target, line.unit)}" if line.target is not None else "",
            line.trend,
        )
        for line in content.lines
    ]
    headings = ("group", "KPI", "of", "value", "before", "change", "target", "trend")
    _table(pdf, headings, rows, (22, 58, 26, 22, 22, 18, 20, 14), "LLLRRRRL")
    if content.silent:
        pdf.ln(2)
        pdf.set_font(_FONT, size=7.2)
        text = f"Without a value in this period: {', '.join(content.silent)}."
        pdf.multi_cell(0, 4, text, new_x="LMARGIN", new_y="NEXT")
