"""Further people of a customer: kept by the desk and by the sync, both in the account's history, neither losing the other's."""

from __future__ import annotations

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.errors import UserError
from infrastructure.store import Store
from servicedesk.contacts import MOST, Contact, contact, contacts_of, keep_contact, reach_of, remove_contact
from servicedesk.profiles import find_customer
from servicedesk.sync import synchronise
from servicedesk.sync.merging import merged
from servicedesk.sync.sources import Row

ANN = Contact("Ann", "billing", "ann@x.example", "")
CRM = {"name": "Eve", "email": "Eve@X.example", "phone": "+44 (20) 7946-0001"}


def sync(store: Store, *contacts: dict[str, str]) -> tuple[int, int]:
    row = {"customer_id": "A", "name": "Alder", "contacts": orjson.dumps(contacts).decode()}
    report = synchronise(store, "customers", [Row("row 1", row)], source="crm")
    assert not report.refused
    return report.updated, report.conflicted


def test_contact_is_added_changed_and_removed_with_its_history(store: Store) -> None:
    sync(store)
    for _ in range(2):
        found = keep_contact(store, "A", ANN, by="bob")
    assert found.contacts == ({"name": "Ann", "role": "billing", "email": "ann@x.example"},)
    found = keep_contact(store, "A", contact({"email": "ANN@x.example", "phone": "+49 30 1234"}), by="bob")
    assert found.contacts == ({"name": "Ann", "role": "billing", "email": "ann@x.example", "phone": "+49301234"},)
    assert remove_contact(store, "A", "+49 30 1234", by="eve").contacts == ()
    said = [(entry["what"], entry["by"], entry["from"], entry["to"]) for entry in find_customer(store, "A")[0].history]
    assert said == [
        ("contact", "bob", "", "Ann, billing, ann@x.example"),
        ("contact", "bob", "Ann, billing, ann@x.example", "Ann, billing, ann@x.example, +49301234"),
        ("contact", "eve", "Ann, billing, ann@x.example, +49301234", ""),
    ]
    with pytest.raises(UserError, match="nobody is reached"):
        remove_contact(store, "A", "ann@x.example", by="eve")
    with pytest.raises(UserError, match="no customer"):
        keep_contact(store, "Z", ANN, by="eve")


def test_contacts_of_the_crm_and_of_the_desk_stand_together(store: Store) -> None:
    sync(store, CRM)
    keep_contact(store, "A", ANN, by="bob")
    assert sync(store, CRM) == (0, 0)
    assert sync(store, CRM, {"name": "Sue", "phone": "12345"}) == (1, 0)
    found, _ = find_customer(store, "A")
    assert [each["name"] for each in found.contacts] == ["Ann", "Eve", "Sue"]
    source = store.get("customer", "A").source  # type: ignore[union-attr]
    assert source["customer"]["reach"] == ["+442079460001", "12345", "ann@x.example", "eve@x.example"]
    assert sync(store, {"name": "Sue", "phone": "12345"}) == (1, 0)
    assert [each["name"] for each in find_customer(store, "A")[0].contacts] == ["Ann", "Sue"]
    assert (found.history[-1]["what"], found.history[-1]["by"]) == ("contacts", "crm")


@pytest.mark.parametrize(
    "values",
    [{}, {"name": "Ann"}, {"email": "no"}, {"phone": "call me"}, {"mail": "a@b"}, {"email": "a@b", "name": "x" * 201}],
)
def test_contact_that_is_none_is_refused(values: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"."):
        contact(values)


@pytest.mark.parametrize(
    "cell", ["{", "3", '["a"]', "[1]", [{"email": f"{number}@x.example"} for number in range(MOST + 1)]]
)
def test_cell_that_holds_no_contacts_is_refused(cell: object) -> None:
    with pytest.raises(ValueError, match=r"."):
        contacts_of(cell)


PEOPLE = st.lists(st.sampled_from([Contact(email=f"{name}@x.example").text() for name in "abcd"]), unique=True)


@given(PEOPLE, PEOPLE, PEOPLE)
def test_merging_contacts_loses_nobody_whom_neither_side_took_away(
    theirs: list[str], here: list[str], last: list[str]
) -> None:
    done = merged({"contacts": theirs}, {"contacts": here}, {"contacts": last})
    after = set(done.values.get("contacts", []))
    assert not done.conflicts
    assert after >= (set(theirs) - set(last)) | (set(here) - set(last))
    assert after <= set(theirs) | set(here)
    assert not after & ((set(last) - set(theirs)) & set(here))
    assert reach_of(sorted(after)) == sorted(orjson.loads(text)["email"] for text in after)
