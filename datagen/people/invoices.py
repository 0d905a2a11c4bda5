"""What customers were billed: a fee a line, what went beyond the plan's units, tax; a month at a time, money in decimals."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from datagen.network import Plan
from datagen.network.base import UNITS
from datagen.people.base import Customers, joined
from datagen.people.usage import month_use
from datagen.streams import mixed
from datagen.table import Floats, Ints

CENT = Decimal("0.01")
_DUE_DAYS = 14
_LATE, _NEVER = 12, 3  # of a hundred invoices: paid late; not paid


def months_before(day: date, count: int) -> list[date]:
    """First days of the last whole months before the month of `day`, the oldest first."""
    month = day.year * 12 + day.month - 1
    return [date(each // 12, each % 12 + 1, 1) for each in range(month - count, month)]


def invoices(customers: Customers, usual: dict[str, Floats], n: Ints, until: date) -> Iterator[dict[str, Any]]:
    """The invoices of these customers for the months before `until`, a customer after the other."""
    months = months_before(until, int(customers.base.accounts["invoice_months"]))
    used = {month: month_use(customers, usual, n, month) for month in months}
    luck = {month: mixed(n, customers.seed + 40 + month.toordinal()) for month in months}
    plan, lines, since = customers.plan(n), customers.lines(n) + customers.things(n), mixed(n, customers.seed + 3)
    for i, customer in enumerate(n.tolist()):
        first = joined(int(since[i]))
        for month in months:
            if first < month:
                units = {unit: int(used[month][unit][i]) for unit in UNITS}
                tariff = customers.base.tariffs[plan[i]]
                payment = _payment(int(luck[month][i]), _after(month), until)
                yield _invoice(customers, customer, tariff, int(lines[i]), month, units) | payment


def _invoice(customers: Customers, n: int, plan: Plan, lines: int, month: date, used: dict[str, int]) -> dict[str, Any]:
    issued = _after(month)
    items = list(_items(plan, lines, used))
    net = sum((item["amount"] for item in items), Decimal(0))
    tax = (net * Decimal(str(customers.base.accounts["tax"]))).quantize(CENT, ROUND_HALF_UP)
    return {
        "invoice_id": f"I{month:%Y%m}-{n + 1:07d}",
        "customer_id": customers.identity(n),
        "plan": plan.name,
        "from": month.isoformat(),
        "until": (issued - timedelta(days=1)).isoformat(),
        "issued": issued.isoformat(),
        "due": (issued + timedelta(days=_DUE_DAYS)).isoformat(),
        "currency": customers.base.currency,
        "items": [{key: _plain(value) for key, value in item.items()} for item in items],
        "net": str(net),
        "tax": str(tax),
        "total": str(net + tax),
    }


def _after(month: date) -> date:
    """First day of the next month."""
    return (month + timedelta(days=31)).replace(day=1)


def _items(plan: Plan, lines: int, used: dict[str, int]) -> Iterator[dict[str, Any]]:
    yield _item("lines", lines, lines, plan.monthly)
    for unit, units in used.items():
        yield _item(unit, units, max(0, units - lines * plan.included[unit]), plan.prices[unit])


def _item(what: str, used: int, billed: int, price: Decimal) -> dict[str, Any]:
    amount = (billed * price).quantize(CENT, ROUND_HALF_UP)
    return {"item": what, "used": used, "billed": billed, "price": price, "amount": amount}


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, Decimal) else value


def _payment(chance: int, issued: date, until: date) -> dict[str, str]:
    """Paid before it was due, later, or not at all, as things stood on `until`."""
    days = chance // 100 % _DUE_DAYS if chance % 100 >= _LATE else _DUE_DAYS + chance // 100 % 45
    paid = issued + timedelta(days=1 + days)
    if chance % 100 >= _NEVER and paid < until:
        return {"state": "paid", "paid": paid.isoformat()}
    return {"state": "overdue" if issued + timedelta(days=_DUE_DAYS) < until else "open"}
