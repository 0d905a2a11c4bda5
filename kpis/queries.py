"""The ES|QL of the roll-up, one query for each family of KPIs of a service. Text only; kpis/rollup.py asks.

Every query has the bucket's number since the epoch as `k` and the entity, as `type:id`, as `e`. A record is counted once
for each of its entities: those that it lacks fold into the service's own, and equal ones into one.

Shaped by measurement: records are first grouped by the entities' own fields, and only the groups are expanded to entities;
conditions stand in WHERE. CASE and columns of several values, record by record, cost ten times as much.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import reduce

from contracts.clock import from_epoch_ms, iso
from contracts.indices import KPI_INDEX
from kpis import bins, compiler, counting
from kpis.catalogue import Service
from kpis.definitions import Definition, Spread
from kpis.expressions import Node
from kpis.integrals import LARGEST, LONGEST_MS
from kpis.parts import BASE_MS, ORIGIN, settled

# A bin and its count travel as one number, so that a bucket is one row: (bin + SHIFT) * PACK + count, exact below 2^53.
_COUNTED = {"": "", "call": "per_call", "record": "per_record"}  # columns: whether a document counts
PACK = 10**10
SHIFT = 2000


def own(service: Service) -> str:
    """Entity of the service as a whole."""
    return f"service:{service.name}"


def entities(service: Service, dimensions: Iterable[str], names: dict[str, str] | None = None) -> str:
    """Expression of the entities of a record, for these entity types; `names` puts columns for fields."""
    whole = compiler.constant(own(service))
    texts = [whole]
    for kind in dimensions:
        for field in service.entities.get(kind, ()):
            column = (names or {}).get(field, field)
            texts.append(f'COALESCE(CONCAT("{kind}:", {column}), {whole})')
    return f"MV_DEDUPE({_appended(texts)})" if len(texts) > 1 else whole


def columns(definitions: Sequence[Definition], until: int) -> dict[str, str]:
    """Aggregates of count, ratio and mean KPIs: column name by ES|QL text; equal ones once."""
    found: dict[str, str] = {}
    for definition in definitions:
        for text in aggregates(definition, until):
            found.setdefault(text, f"a{len(found)}")
    return found


def aggregates(definition: Definition, until: int) -> list[str]:
    """ES|QL of every aggregate of a definition: numerator, denominator, samples, candidates, as of `until` (ms)."""
    settles = (
        f'@timestamp < "{iso(from_epoch_ms(settled(definition, until)))}"::datetime' if definition.settle_sec else ""
    )
    also = " AND ".join(text for text in (_COUNTED[definition.per], settles) if text)
    parts = (definition.numerator, definition.denominator, definition.samples, definition.candidates)
    return [compiler.aggregate(part, also) for group in parts for part in group]


def counts(service: Service, definitions: Sequence[Definition], found: dict[str, str], resolution_sec: int) -> str:
    """Aggregates per bucket and entity, between two times: first per combination of entities, then per entity."""
    pers = sorted({definition.per for definition in definitions} - {""})
    counted = "".join(f", {_COUNTED[per]} = {counting.condition(per)}" for per in pers)
    names = _names(service, service.entities)
    first = ", ".join(f"{name} = {text}" for text, name in found.items())
    again = ", ".join(f"{name} = SUM({name})" for name in found.values())
    return f"""FROM {counting.sources(service, definitions)}
| WHERE @timestamp >= ? AND @timestamp < ?
| EVAL k = TO_LONG(@timestamp) / {resolution_sec * 1000}{counted}
| STATS {first} BY {_by(["k"], names)}
| EVAL e = {entities(service, service.entities, names)}
| MV_EXPAND e
| STATS {again} BY k, e"""


def percentile(service: Service, definition: Definition, value: Node, resolution_sec: int) -> str:
    """Packed bins (`b`, one number or several) of one value of a percentile KPI per bucket and entity."""
    names = _names(service, definition.dimensions)
    text = compiler.value(value)
    conditions = ["@timestamp >= ? AND @timestamp < ?", f"{text} IS NOT NULL", *_counted(definition)]
    if definition.where is not None:
        conditions.append(compiler.value(definition.where))
    ratio = f"GREATEST({text} / {definition.edge!r}, {bins.FLOOR!r})"
    return f"""FROM {counting.sources(service, [definition])}
| WHERE {" AND ".join(conditions)}
| EVAL k = TO_LONG(@timestamp) / {resolution_sec * 1000}
| EVAL b = TO_LONG(CEIL(LOG10({ratio}) * {bins.SCALE!r} - {bins.TOLERANCE!r}))
| STATS n = COUNT(*) BY {_by(["k", "b"], names)}
| EVAL e = {entities(service, definition.dimensions, names)}
| MV_EXPAND e
| STATS n = SUM(n) BY k, e, b
| EVAL b = (b + {SHIFT}) * {PACK} + n
| STATS b = VALUES(b) BY k, e"""


def unpacked(packed: int | list[int] | None) -> dict[int, int]:
    """Counts by bin of a packed column."""
    many = packed if isinstance(packed, list) else [] if packed is None else [packed]
    return {number // PACK - SHIFT: number % PACK for number in many}


def integral(
    service: Service, definition: Definition, resolution_sec: int, first: int, end: int, *, starts: bool
) -> str:
    """Records that begin (`starts`) or end in each bucket `first` ≤ k < `end`, for the time integral.

    Columns: `a` amount in that bucket, counted from the border; `r` amount of each later base bucket; `c` records.
    Begun earlier: k = first − 1; ended later: k = end. How they are put together: kpis/integrals.py.
    """
    spread = definition.spread or Spread("", "", None, None)
    per = resolution_sec * 1000 // BASE_MS
    conditions = [f"{compiler.field(spread.end)} >= ?", f"{compiler.field(spread.start)} < ?", *_counted(definition)]
    if spread.where is not None:
        conditions.append(compiler.value(spread.where))
    amount = "ends - begins" if spread.amount is None else compiler.value(spread.amount)
    if starts:
        row, key = f"head + rate * ((sk + 1) * {per} - sb - 1)", f"GREATEST(sk, {first - 1}::long)"
    else:
        row, key = f"tail - rate * ((ek + 1) * {per} - eb)", f"LEAST(ek, {end}::long)"
    names = _names(service, definition.dimensions)
    return f"""FROM {counting.sources(service, [definition])}
| WHERE {" AND ".join(conditions)}
| EVAL begins = TO_LONG({compiler.field(spread.start)}), ends = TO_LONG({compiler.field(spread.end)})
| EVAL amount = {amount}
| WHERE begins <= ends AND ends - begins <= {LONGEST_MS} AND amount >= 0 AND amount <= {LARGEST}
| EVAL sb = begins / {BASE_MS}, eb = GREATEST(ends - 1, begins) / {BASE_MS}
| EVAL rate = amount * {BASE_MS} / GREATEST(ends - begins, 1) * LEAST(eb - sb, 1)
| EVAL rest = amount - rate * GREATEST(eb - sb - 1, 0), left = (sb + 1) * {BASE_MS} - begins
| EVAL head = rest * left / (left + ends - eb * {BASE_MS}), sk = sb / {per}, ek = eb / {per}
| EVAL tail = rest - head, k = {key}
| WHERE ek >= {first}
| EVAL a = {row}
| STATS a = SUM(a), r = SUM(rate), c = COUNT(*) BY {_by(["k"], names)}
| EVAL e = {entities(service, definition.dimensions, names)}
| MV_EXPAND e
| STATS a = SUM(a), r = SUM(r), c = SUM(c) BY k, e"""


def callers(service: Service, definition: Definition) -> str:
    """Numbers that behave as `numbers` say, but for being called: hour `k`, number `x`, calls `n`, entities' fields `d…`."""
    numbers = definition.numbers
    assert numbers is not None  # noqa: S101  asked only where there are some
    names, conditions = _names(service, definition.dimensions), ["@timestamp >= ? AND @timestamp < ?"]
    conditions += [f"{compiler.field(numbers.caller)} IS NOT NULL", *_counted(definition)]
    sums = {"n": "COUNT(*)"}
    kept = [f"n >= {numbers.least}", f"(n - d) <= {numbers.repeats!r} * n"]
    if numbers.where is not None:
        sums["w"] = f"COUNT(*) WHERE {compiler.value(numbers.where)}"
        kept += [f"w >= {numbers.share[0]!r} * n", f"w <= {numbers.share[1]!r} * n"]
    if numbers.of is not None:
        sums |= {"t": f"SUM({compiler.value(numbers.of)})", "c": f"COUNT({compiler.value(numbers.of)})"}
        kept += [f"c > 0 AND t >= {numbers.mean[0]!r} * c AND t <= {numbers.mean[1]!r} * c"]
    first = ", ".join(f"{name} = {text}" for name, text in sums.items())
    again = ", ".join(f"{name} = SUM({name})" for name in sums)
    return f"""FROM {counting.sources(service, [definition])}
| WHERE {" AND ".join(conditions)}
| EVAL k = TO_LONG(@timestamp) / 3600000
| STATS {first} BY {_by(["k", f"x = {compiler.field(numbers.caller)}", f"y = {compiler.field(numbers.called)}"], names)}
| STATS {again}, d = COUNT(*) BY {", ".join(["k", "x", *names.values()])}
| WHERE {" AND ".join(kept)}
| KEEP {", ".join(["k", "x", "n", *names.values()])}"""


def called(service: Service, definition: Definition, wanted: Sequence[str]) -> str:
    """Which of these numbers were called: hour `k`, number `x`."""
    assert definition.numbers is not None  # noqa: S101  asked only where there are some
    field = compiler.field(definition.numbers.called)
    listed = ", ".join(compiler.constant(number) for number in wanted)
    conditions = ["@timestamp >= ? AND @timestamp < ?", f"{field} IN ({listed})", *_counted(definition)]
    return f"""FROM {counting.sources(service, [definition])}
| WHERE {" AND ".join(conditions)}
| EVAL k = TO_LONG(@timestamp) / 3600000
| STATS c = COUNT(*) BY k, x = {field}"""


def _names(service: Service, dimensions: Iterable[str]) -> dict[str, str]:
    """A short column name for each field that makes entities."""
    fields = [field for kind in dimensions for field in service.entities.get(kind, ())]
    return {field: f"d{position}" for position, field in enumerate(fields)}


def _by(keys: Sequence[str], names: dict[str, str]) -> str:
    return ", ".join([*keys, *(f"{name} = {field}" for field, name in names.items())])


def entity_columns(service: Service, dimensions: Iterable[str]) -> list[tuple[str, str]]:
    """Column and entity type of each field that makes entities, as the queries name them."""
    kinds = [kind for kind in dimensions for _ in service.entities.get(kind, ())]
    return list(zip(_names(service, dimensions).values(), kinds, strict=True))


def presence(service: Service, resolution_sec: int) -> str:
    """Buckets in which the service delivered any record."""
    return f"""FROM {service.source}
| WHERE @timestamp >= ? AND @timestamp < ?
| EVAL k = TO_LONG(@timestamp) / {resolution_sec * 1000}
| STATS n = COUNT(*) BY k"""


def activity(service: Service, spreads: Sequence[Spread]) -> str:
    """Records in the busiest hour per day and entity: all (`n`), ingested before a time (`b`), so too each spread (`n0`, `b0` …).

    Parameters: from, to, and the time once for `b` and once for each spread.
    """
    names = _names(service, service.entities)
    parts = {"n": "COUNT(*)", "b": "COUNT(*) WHERE event.ingested < ?::datetime"}
    for position, spread in enumerate(spreads):
        condition = _laid(spread)
        parts[f"n{position}"] = f"COUNT(*) WHERE {condition}"
        parts[f"b{position}"] = f"COUNT(*) WHERE {condition} AND event.ingested < ?::datetime"
    first = ", ".join(f"{name} = {text}" for name, text in parts.items())
    again, busiest = (", ".join(f"{name} = {how}({name})" for name in parts) for how in ("SUM", "MAX"))
    return f"""FROM {service.source}
| WHERE @timestamp >= ? AND @timestamp < ?
| EVAL h = TO_LONG(@timestamp) / 3600000
| STATS {first} BY {_by(["h"], names)}
| EVAL e = {entities(service, service.entities, names)}
| MV_EXPAND e
| STATS {again} BY h, e
| EVAL k = h / 24
| STATS {busiest} BY k, e"""


def _laid(spread: Spread) -> str:
    """Whether a record is laid over its time (kpis/integrals.lay)."""
    start, end = compiler.field(spread.start), compiler.field(spread.end)
    conditions = [f"{start} <= {end}", f"TO_LONG({end}) - TO_LONG({start}) <= {LONGEST_MS}"]
    if spread.where is not None:
        conditions.append(compiler.value(spread.where))
    if spread.amount is not None:
        amount = compiler.value(spread.amount)
        conditions.append(f"{amount} >= 0 AND {amount} <= {LARGEST}")
    return " AND ".join(conditions)


def touched(source: str, spreads: Sequence[Spread], step_sec: int) -> str:
    """Steps that hold documents of an index written, or taken into another, at or after a time (asked for three times).

    Columns: `s` earliest start of those that spread, `m` earliest time that one stood at before, `t` those taken or moved.
    """
    starts = [compiler.field(spread.start) for spread in spreads]
    earliest = (
        reduce(lambda a, b: f"LEAST({a}, {b})", [f"TO_LONG({name})" for name in starts]) if starts else "NULL::long"
    )
    return f"""FROM {source}
| WHERE event.ingested >= ? OR cdr.correlated >= ?
| EVAL k = TO_LONG(@timestamp) / {step_sec * 1000}, s = {earliest}, m = TO_LONG(cdr.moved_from)
| STATS s = MIN(s), m = MIN(m), t = COUNT(*) WHERE cdr.correlated >= ? OR m IS NOT NULL BY k"""


def standing(service: Service, definitions: Sequence[Definition], resolution_sec: int) -> str:
    """Points with samples between two times: `i` definition, `e` entity, `k` bucket."""
    return f"""FROM {KPI_INDEX[resolution_sec]}
| WHERE @timestamp >= ? AND @timestamp < ? AND kpi.samples > 0 AND {own_points(service, definitions)}
| EVAL k = TO_LONG(@timestamp) / {resolution_sec * 1000}, e = CONCAT(entity.type, ":", entity.id)
| STATS n = COUNT(*) BY i = kpi.id, e, k"""


def own_points(service: Service, definitions: Sequence[Definition]) -> str:
    """Condition of the points that the roll-up made of these."""
    ids = ", ".join(compiler.constant(definition.id) for definition in definitions)
    return f'service.name == {compiler.constant(service.name)} AND kpi.origin == "{ORIGIN}" AND kpi.id IN ({ids})'


def _counted(definition: Definition) -> list[str]:
    """Condition of what a definition counts, where there is one."""
    text = counting.condition(definition.per)
    return [text] if text else []


def _appended(texts: Sequence[str]) -> str:
    return reduce(lambda done, text: f"MV_APPEND({done}, {text})", texts)
