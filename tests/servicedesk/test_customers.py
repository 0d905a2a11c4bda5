"""Customers from a file: keyed, repeatable, conflicts counted, bad lines named."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.errors import UserError
from contracts.ids import keyed_hash
from infrastructure.secrets import pii_key
from infrastructure.store import Store
from servicedesk import load_customers


def written(folder: Path, *rows: dict[str, Any]) -> Path:
    file = folder / "some.ndjson"
    file.write_bytes(b"\n".join(orjson.dumps(row) for row in rows))
    return file


def test_customers_are_found_by_the_keyed_hash_of_their_numbers(store: Store, customers: Callable[[int], Path]) -> None:
    file = customers(5)
    key = keyed_hash(pii_key(store.settings), "+4")
    ((found,), subscriber) = (
        store.search("customer", query={"term": {"customer.subscriber_keys": key}})["hits"]["hits"],
        store.get("subscriber", key),
    )
    assert found["_source"]["customer"]["id"] == "C0000004"
    assert subscriber is not None
    assert subscriber.source["subscriber"] == {"key": key, "number": "+4", "typed": "+4"}
    assert subscriber.source["customer"]["id"] == "C0000004"
    assert b"+4" not in orjson.dumps(found["_source"])
    again = load_customers(store, file)
    assert (again.customers, again.subscribers, again.conflicts) == (5, 5, 0)
    assert (store.count("customer"), store.count("subscriber")) == (5, 5)


def test_customer_keeps_a_number_that_another_one_claims_later(store: Store, tmp_path: Path) -> None:
    load_customers(store, written(tmp_path, {"customer_id": "A", "msisdns": ["+1", "+2"]}))
    report = load_customers(
        store,
        written(tmp_path, {"customer_id": "B", "msisdns": ["+2", "+3"]}, {"customer_id": "C", "msisdns": ["+3"]}),
    )
    assert report.conflicts == 2
    key = keyed_hash(pii_key(store.settings), "+2")
    owner = store.get("subscriber", key)
    assert owner is not None
    assert owner.source["customer"]["id"] == "A"


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (b"{", ["some.ndjson:2", "not JSON"]),
        (b"[]", ["some.ndjson:2", "no JSON object"]),
        (b'{"customer_id": ""}', ["some.ndjson:2", "customer_id '' is missing"]),
        (b"{}", ["customer_id 'None' is missing"]),
        (b'{"customer_id": "X", "kind": "friend"}', ["kind 'friend'", "consumer, business"]),
        (b'{"customer_id": "X", "msisdn": ["+1"]}', ["unknown key 'msisdn'", "did you mean msisdns?"]),
        (b'{"customer_id": "X", "msisdns": "+1"}', ["msisdns '+1' is no list of texts"]),
        (b'{"customer_id": "X", "msisdns": [1]}', ["msisdns '[1]' is no list of texts"]),
        (b'{"customer_id": "X", "name": 7}', ["name '7' is no text"]),
        (b"\xff\xfe", ["not JSON"]),
    ],
)
def test_customer_file_is_refused_naming_line_and_value_when(
    store: Store, tmp_path: Path, line: bytes, words: list[str]
) -> None:
    file = tmp_path / "some.ndjson"
    file.write_bytes(b'{"customer_id": "A"}\n' + line + b"\n")
    with pytest.raises(UserError) as caught:
        load_customers(store, file)
    for word in words:
        assert word in caught.value.sentence()


def test_customer_file_is_refused_when_it_is_not_there(store: Store, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot be read"):
        load_customers(store, tmp_path / "none.ndjson")
    assert load_customers(store, written(tmp_path)).customers == 0


@given(st.binary(min_size=16), st.binary(min_size=16), st.text(), st.text())
def test_keyed_hash_tells_numbers_and_keys_apart(one: bytes, other: bytes, number: str, another: str) -> None:
    assert len(keyed_hash(one, number)) == 32
    assert (keyed_hash(one, number) == keyed_hash(one, another)) == (number == another)
    if len(one) <= 64 and len(other) <= 64 and one.rstrip(b"\0") != other.rstrip(b"\0"):  # RFC 2104 pads with zeros
        assert keyed_hash(one, number) != keyed_hash(other, number)
