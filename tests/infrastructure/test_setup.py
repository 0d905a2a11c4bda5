"""Setting up: strict mappings, aliases, again at will, one length of partition, six years on one node."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from contracts.clock import PERIODS
from contracts.errors import StoreRefused, UserError
from contracts.fields import Field
from contracts.indices import ALL, BY_NAME, concrete, partition
from infrastructure import mappings
from infrastructure.setup import empty, existing, set_up, tear_down
from infrastructure.store import Operation, Store

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
MOST_SHARDS = 1000  # cluster.max_shards_per_node, as Elasticsearch ships it


def write(store: Store, name: str, moment: datetime = NOON, source: bytes = b"{}") -> None:
    store.write_all([Operation("create", store.place(name, moment), "a", source)])


def test_set_up_does_nothing_when_done_before(store: Store) -> None:
    write(store, "cdr-voip")
    assert set_up(store) == []
    assert store.read_back([(store.place("cdr-voip", NOON), "a")])[0] is not None


def test_set_up_says_what_it_does_and_makes_what_was_lost(store: Store) -> None:
    store.exchange.ask("DELETE", "/ticket-1")
    store.exchange.ask("DELETE", "/_index_template/busyhour-kpi-5m")
    said: list[str] = []
    assert set_up(store, said.append) == said == ["template busyhour-kpi-5m", "index ticket-1"]


def test_every_index_is_reached_by_its_alias_with_strict_fields(store: Store) -> None:
    for index in ALL:
        write(store, index.name)
    store.refresh()
    assert {index.name: store.count(index.name) for index in ALL} == {index.name: 1 for index in ALL}
    for index in ALL:
        found = store.exchange.ask("GET", f"/{store.place(index.name, NOON)}/_mapping")
        (mapping,) = (row["mappings"] for row in found.values())
        assert mapping["dynamic"] == "strict"
        assert mapping["_meta"] == {"managed_by": "busyhour", "version": mappings.version(index), "period": "month"}
        with pytest.raises(StoreRefused, match="strict_dynamic_mapping_exception"):
            store.write_all([Operation("create", store.place(index.name, NOON), "b", b'{"surprise":1}')])


def test_templates_leave_other_names_alone(store: Store) -> None:
    for name in ("cdr-voip-backup", "kpi-1d-mine", "ticket-10", "cdr"):
        store.exchange.ask("PUT", f"/{name}/_doc/a", {"anything": 1})
        found = store.exchange.ask("GET", f"/{name}")
        assert found[name]["aliases"] == {}
        assert "dynamic" not in found[name]["mappings"]
    tear_down(store)
    for name in ("cdr-voip-backup", "kpi-1d-mine", "ticket-10", "cdr"):
        store.exchange.ask("DELETE", f"/{name}")  # is still there


def test_new_fields_reach_existing_indices_when_the_version_changes(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(store, "cdr-voip")
    index = BY_NAME["cdr-voip"]
    newer = index._replace(fields=(*index.fields, Field("voip.emergency", "boolean", "call to an emergency number")))
    monkeypatch.setattr("infrastructure.setup.ALL", tuple(newer if row is index else row for row in ALL))
    monkeypatch.setattr("infrastructure.mappings.ALL", tuple(newer if row is index else row for row in ALL))
    store.forget()
    with pytest.raises(StoreRefused, match="another version"):
        write(store, "cdr-voip")
    assert set_up(store) == ["template busyhour-cdr-voip", "mapping of cdr-voip-2026.11"]
    store.write_all([Operation("create", "cdr-voip-2026.11", "b", b'{"voip":{"emergency":true}}')])


def test_a_changed_type_is_refused_with_a_remedy(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    write(store, "cdr-voip", source=b'{"voip":{"pdd":{"ms":1.5}}}')
    index = BY_NAME["cdr-voip"]
    changed = index._replace(
        fields=tuple(field._replace(type="keyword") if field.name == "voip.pdd.ms" else field for field in index.fields)
    )
    monkeypatch.setattr("infrastructure.setup.ALL", tuple(changed if row is index else row for row in ALL))
    with pytest.raises(StoreRefused, match=r"cdr-voip-2026\.11.*voip\.pdd\.ms"):
        set_up(store)


def test_period_is_refused_a_change_while_data_exists(store: Store) -> None:
    daily = Store.connect(store.settings.with_values(partition_period="day"))
    write(store, "cdr-sms")
    with pytest.raises(UserError, match="'day', but data is stored by month") as caught:
        set_up(daily)
    assert "'month'" in caught.value.remedy
    assert daily.place("cdr-sms", NOON) == "cdr-sms-2026.11"  # as installed, not as set
    empty(store)
    assert len(set_up(daily)) >= len(ALL)
    store.forget()
    assert daily.place("cdr-sms", NOON) == store.place("cdr-sms", NOON) == "cdr-sms-2026.11.21"
    daily.close()


def test_empty_leaves_what_set_up_makes(store: Store) -> None:
    for name in ("cdr-voip", "kpi-5m", "job"):
        write(store, name)
    empty(store)
    assert set_up(store) == []
    assert existing(store) == {index.name: [concrete(index.name)] for index in ALL if not index.grows}
    store.refresh()
    assert store.count("job") == 0


def test_tear_down_removes_everything_and_may_be_repeated(store: Store) -> None:
    write(store, "cdr-voip")
    tear_down(store)
    tear_down(store)
    assert existing(store) == {}
    assert store.installed() == {}


@pytest.fixture
def reader(store: Store) -> Iterator[Store]:
    """A store whose user may not change cluster settings."""
    role = {"cluster": ["monitor", "manage_index_templates"], "indices": [{"names": ["*"], "privileges": ["all"]}]}
    store.exchange.ask("PUT", "/_security/role/no-settings", role)
    user = {"password": "only-for-this-test", "roles": ["no-settings"]}
    store.exchange.ask("PUT", "/_security/user/limited", user)
    values = {"es_url": store.exchange.place, "es_user": "limited", "es_password": "only-for-this-test"}
    limited = Store.connect(store.settings.with_values(**values))
    yield limited
    limited.close()
    store.exchange.ask("DELETE", "/_security/user/limited")
    store.exchange.ask("DELETE", "/_security/role/no-settings")


def test_set_up_goes_on_when_cluster_settings_may_not_be_changed(store: Store, reader: Store) -> None:
    name = "esql.query.result_truncation_max_size"
    store.exchange.ask("PUT", "/_cluster/settings", {"persistent": {name: 10_000}})
    tear_down(store)
    assert not any("ES|QL" in line for line in set_up(reader))
    assert reader.row_cap == 9_999
    assert any("ES|QL" in line for line in set_up(store))


def test_connect_refuses_wrong_credentials(store: Store) -> None:
    values = {"es_url": store.exchange.place, "es_user": "elastic", "es_password": "wrong"}
    with pytest.raises(StoreRefused, match="does not know this user") as caught:
        Store.connect(store.settings.with_values(**values))
    assert "ES_PASSWORD" in caught.value.remedy
    assert "wrong" not in str(caught.value)


def test_connect_takes_an_api_key(store: Store) -> None:
    key = store.exchange.ask("POST", "/_security/api_key", {"name": "test"})
    keyed = Store.connect(store.settings.with_values(es_url=store.exchange.place, es_api_key=key["encoded"]))
    assert keyed.info()["nodes"] == 1
    keyed.close()


@pytest.mark.parametrize("period", PERIODS[2:])
def test_six_years_fit_one_node(period: str) -> None:
    days = [datetime(2020 + month // 12, month % 12 + 1, 15, tzinfo=UTC) for month in range(72)]
    growing = {partition(index.name, day, period) for index in ALL if index.grows for day in days}
    # A third stays free, for other software on the node and for another copy while an index is rebuilt.
    assert len(growing) + sum(not index.grows for index in ALL) < MOST_SHARDS * 2 / 3


def test_mapping_refuses_a_field_that_is_also_a_parent() -> None:
    fields = (Field("a.b", "keyword", ""), Field("a", "keyword", ""))
    for order in (fields, fields[::-1]):
        with pytest.raises((ValueError, KeyError)):
            mappings.properties(order)
