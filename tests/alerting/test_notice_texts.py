"""Templates of notifications: what they show, and that none can loop, grow or reach behind the data."""

from __future__ import annotations

import time
import tracemalloc
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerting.notify.message import Told, compose
from alerting.notify.templates import BODY, MOST_CHARS, TITLE, BadTemplate, check, render

ALERT: dict[str, Any] = {
    "name": "mine",
    "status": "firing",
    "severity": "major",
    "summary": "ASR of TG2",
    "reason": "why",
    "labels": {"incident": "I1"},
    "starts_at": "2026-11-21T07:05:00.000Z",
}
SEEN: dict[str, Any] = {
    "status": "firing",
    "severity": "major",
    "alerts": [ALERT] * 20,
    "count": 12345,
    "firing": 12345,
    "resolved": 0,
    "more": 12325,
    "group": {"service": "voip"},
    "link": "https://console.example/alerts",
}


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("{{ count|number }}", "12,345"),
        ("{{ 0.98765|percent }}", "98.8 %"),
        ("{{ 1234.5678|number(1) }}", "1,234.6"),
        ("{{ 'x'|number }}", "x"),
        ("{{ alerts[0].starts_at|when }}", "Sat 21 Nov 2026 07:05 UTC"),
        ("{{ alerts|length }} {{ alerts[99].summary }}.", "20 ."),
        ("{% for name, value in group|pairs %}{{ name }}={{ value }}{% endfor %}", "service=voip"),
        ("{{ nothing|default('none') }}", "none"),
        ("{{ link|truncate(10) }}", "https://c…"),
        ("{{ group|pairs|first|join('=') }}", "service=voip"),
        ("{{ alerts[0].labels|tojson }}", '{"incident":"I1"}'),
        ("{{ alerts[0].labels.incident }}", "I1"),
        ("{{ alerts[0].labels.keys }}.{{ alerts.append }}.", ".."),
    ],
)
def test_text_shows_numbers_and_times_for_people(text: str, shown: str) -> None:
    assert render(text, SEEN) == shown


@pytest.mark.parametrize(
    "text",
    [
        "{{ ''.__class__.__mro__ }}",
        "{{ alerts['__class__'] }}",
        "{{ alerts|attr('__class__') }}",
        "{{ alerts|map(attribute='__class__') }}",
        "{{ self._TemplateReference__context }}",
        "{{ alerts.pop() }}",
        "{{ cycler.__init__.__globals__ }}",
        "{% for a in range(999999999) %}x{% endfor %}",
        "{% for a in alerts %}{% for b in alerts %}{% for c in alerts %}x{% endfor %}{% endfor %}{% endfor %}",
        "{% for a in link %}{% for b in link %}{% endfor %}{% endfor %}",
        "{% for a in alerts|tojson %}x{% endfor %}",
        "{% for a in alerts[0].reason %}x{% endfor %}",
        "{% for a in alerts recursive %}{{ loop(alerts) }}{% endfor %}",
        "{% macro f() %}{{ f() }}{{ f() }}{% endmacro %}{{ f() }}",
        "{% set x = 'aaaaaaaaaa' %}{{ x ~ x }}",
        "{{ 'a' * 999999999 }}",
        "{{ 9 ** 9 ** 9 }}",
        "{{ '%0999999999d' % 1 }}",
        "{{ 'x'|center(999999999) }}",
        "{{ 'x'|indent(999999999) }}",
        "{% include '/etc/passwd' %}",
        "{% extends 'x' %}",
        "{% import 'x' as y %}",
        "{{ lipsum(n=9999) }}",
        "{% filter upper %}x{% endfilter %}",
        "{% with a = 1 %}{% endwith %}",
        "{{ ",
        "{% if %}",
        "x" * 10_001,
        "{{ " + "(" * 5000 + "1" + ")" * 5000 + " }}",
    ],
)
def test_text_that_loops_grows_or_reaches_is_refused(text: str) -> None:
    with pytest.raises(BadTemplate):
        check(text)


def test_largest_text_that_is_taken_is_cut_and_soon_done() -> None:
    line = "{% for a in alerts %}{% for b in alerts %}" + "{{ a.summary }}" * 600 + "{% endfor %}{% endfor %}"
    huge = {**SEEN, "alerts": [{**ALERT, "summary": "y" * 10_000}] * 20}
    began = time.process_time()
    assert len(render(line, huge)) <= MOST_CHARS + 1
    assert time.process_time() - began < 2


@pytest.mark.parametrize(
    "text",
    [
        "{{ " + "link|join(" * 8 + "link" + ")" * 8 + " }}",
        "{{ alerts|join(alerts)|join(alerts|join(alerts)) }}",
        "{{ '\"'" + "|tojson" * 100 + " }}",
        "{{ " + "~".join(["link"] * 1600) + " }}",
    ],
)
def test_text_cannot_fill_the_memory_by_filters_on_filters(text: str) -> None:
    huge = {**SEEN, "link": "x" * 20_000, "alerts": [{**ALERT, "summary": "y" * 10_000}] * 20}
    tracemalloc.start()
    try:
        assert len(render(text, huge)) <= MOST_CHARS + 1
        assert tracemalloc.get_traced_memory()[1] < 100 * 2**20
    finally:
        tracemalloc.stop()


@given(st.text(max_size=60) | st.text(alphabet="{}% ab|.[]()'_~", max_size=60))
def test_any_text_is_shown_or_refused_in_our_words(text: str) -> None:
    try:
        render(text, SEEN)
    except BadTemplate as error:
        assert str(error)


def test_message_is_sent_in_the_usual_words_when_its_template_fails() -> None:
    told = [Told("a1", "firing", "major", ALERT)]
    message = compose(
        "k", "g", told, counts={"firing": 1}, labels={}, texts={"body": "{{ 1 / alerts[7] }}"}, receiver="noc"
    )
    assert "ASR of TG2" in message.body
    assert "the template failed" in message.body


def test_shipped_texts_are_taken_and_say_what_matters() -> None:
    check(TITLE)
    check(BODY)
    assert render(TITLE, SEEN) == "Major: 12,345 alerts, service voip"
    assert "And 12,325 more." in render(BODY, SEEN)
