"""The one way to Elasticsearch: writing in bulk, guarded changes, reading, ES|QL. Waits for a server that is away."""

from __future__ import annotations

import copy
import logging
import random
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from elasticsearch import Elasticsearch

from contracts.clock import Clock, iso, utc_now
from contracts.errors import ConflictError, InternalError, StoreRefused, StoreUnavailable, UserError
from contracts.indices import BY_NAME, concrete, partition
from contracts.settings import Settings
from infrastructure import bulk, esql
from infrastructure.bulk import ItemResult, Operation
from infrastructure.connection import check_server, open_client
from infrastructure.esql import Table
from infrastructure.exchange import AWAY, NDJSON, READ_ONLY, Exchange, cause, path_of
from infrastructure.known import Known
from infrastructure.mappings import PRODUCT, versions
from infrastructure.patience import Patience
from infrastructure.versioned import Versioned, copied, versioned

__all__ = ["ItemResult", "Operation", "Store", "Table", "Versioned"]

DEFAULT_ROW_CAP = 10_000  # of Elasticsearch, where its setting may not be read
_PAGE = 2_000  # hits a page of a scan
_KEEP_ALIVE = "10m"  # a consumer may take this long over one page
_SETUP_CHECK_SEC = 60.0  # templates seen this recently are taken to be still there
_log = logging.getLogger(__name__)


Renew = Callable[[], None]


def to_stderr(text: str) -> None:
    """How a job says that it waits."""
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


class Store:
    """Elasticsearch as the product uses it. Safe for threads.

    Every call waits while Elasticsearch is away, at most es.wait.sec, and raises StoreUnavailable then, StoreRefused
    when Elasticsearch says no. Index names are those of contracts.indices; reading goes through the alias.
    """

    def __init__(
        self,
        client: Elasticsearch,
        settings: Settings,
        *,
        place: str = "",
        clock: Clock = utc_now,
        sleep: Callable[[float], None] = time.sleep,
        monotonic: Callable[[], float] = time.monotonic,
        say: Callable[[str], None] = to_stderr,
        reopen: Callable[[], tuple[Elasticsearch, str]] | None = None,
    ) -> None:
        self.settings = settings
        self.clock = clock
        self._sleep, self._monotonic = sleep, monotonic
        self.exchange = Exchange(
            client,
            settings,
            place=place or settings.text("es.url"),
            say=say,
            sleep=sleep,
            monotonic=monotonic,
            reopen=reopen,
        )
        self._known = Known()

    @classmethod
    def connect(cls, settings: Settings, **keywords: Any) -> Store:
        """Store of ES_URL, else of the local node; `keywords` as for the constructor.

        Raises StoreUnavailable (with how to start it), OperatorError when it is not an Elasticsearch 8.19 or later,
        StoreRefused on wrong credentials.
        """
        client, place = open_client(settings)
        # A local node that is started again may have another port.
        reopen = None if settings.text("es.url") else lambda: open_client(settings)
        store = cls(client, settings, place=place, reopen=reopen, **keywords)
        check_server(store.exchange.ask("GET", "/"), place)
        return store

    def close(self) -> None:
        """Closes its connections."""
        self.exchange.close()

    def with_headers(self, headers: Mapping[str, str]) -> Store:
        """A view of this store: same connections, every request carries `headers` (see `infrastructure.behalf`)."""
        view = copy.copy(self)
        view.exchange = self.exchange.with_headers(headers)
        return view

    # Where documents go

    def place(self, name: str, moment: datetime | None = None) -> str:
        """Concrete index of a document of index `name`; a growing one needs the record's time.

        Raises StoreRefused when Elasticsearch is not set up (the length of a partition is kept there).
        """
        if not _declared(name).grows:
            return concrete(name)
        if moment is None:
            raise InternalError(f"{name} is partitioned by time: no time given")
        if not self._known.period:
            self.check_set_up()
        return partition(name, moment, self._known.period)

    def check_set_up(self, patience: Patience | None = None) -> None:
        """Raises StoreRefused unless our templates are there: without them a write would make an index with guessed mappings.

        Asked once a minute and after every outage, since the server may come back empty.
        """
        now = self._monotonic()
        if self._known.set_up_seen is not None:
            seen, outages = self._known.set_up_seen
            if outages == self.exchange.own.outages and now - seen < _SETUP_CHECK_SEC:
                return
        found = self.installed(patience)
        wrong = [name for name, version in versions().items() if found.get(name, {}).get("version") != version]
        if wrong:
            what = "is not set up" if not found else f"was set up by another version ({', '.join(wrong[:3])})"
            raise StoreRefused(
                f"Elasticsearch {what}", where=self.exchange.place, remedy="run `busyhour setup`; it loses nothing"
            )
        self._known.period = str(found[next(iter(versions()))].get("period"))
        self._known.set_up_seen = now, self.exchange.own.outages

    def installed(self, patience: Patience | None = None) -> dict[str, dict[str, Any]]:
        """`_meta` of our index templates as Elasticsearch has them, by template name."""
        answer = self.exchange.own.ask(
            "GET",
            f"/_index_template/{PRODUCT}-*",
            params={"filter_path": "index_templates.name,index_templates.index_template._meta"},
            allow=(404,),
            patience=patience,
        )
        return {row["name"]: row["index_template"].get("_meta", {}) for row in answer.get("index_templates", [])}

    def forget(self) -> None:
        """Asks Elasticsearch anew for what was kept in memory about it (templates, row cap)."""
        self._known.row_cap, self._known.period, self._known.set_up_seen = None, "", None

    # Writing

    def send(self, body: bytes) -> Any:
        """One bulk request as it is, one answer; only the waiting is ours. For measuring against `bulk`."""
        patience = self.exchange.patience()
        answer = self._send_bulk(body, patience)
        patience.over()
        return answer

    def bulk(self, operations: Sequence[Operation]) -> list[ItemResult]:
        """Writes all; one result per operation, same order.

        Waits and sends again what failed and can be sent again (connection lost, 429, 503, read-only), nothing else.
        Raises StoreUnavailable after es.wait.sec of that; StoreRefused when it is not about a single document.
        A 409 on `create` may be this call's own write whose answer was lost: see ItemResult.
        """
        return self.bulk_texts([bulk.encoded(operation) for operation in operations])

    def bulk_texts(self, texts: Sequence[bytes], renew: Renew | None = None) -> list[ItemResult]:
        """The same of operations that are text already (`infrastructure.bulk.encoded`).

        `renew` is called before every try, also after an outage, and may bring the texts up to date.
        """
        self.check_set_up()
        outcome: list[ItemResult | None] = [None] * len(texts)
        for positions in bulk.requests(texts):
            self._write(texts, positions, outcome, renew)
        return [result for result in outcome if result is not None]

    def _write(
        self, texts: Sequence[bytes], positions: Sequence[int], outcome: list[ItemResult | None], renew: Renew | None
    ) -> None:
        patience = self.exchange.patience()

        def body() -> bytes:
            if renew is not None:
                renew()
            return bulk.body(texts, positions)

        while positions:
            again = bulk.results(self._send_bulk(body, patience), positions, outcome)
            if again.positions:
                blocked = "blocked by" in again.reason
                words = f"takes no writes: {again.reason}" if blocked else f"is overloaded: {again.reason}"
                patience.pause(words, remedy=READ_ONLY if blocked else AWAY, at_once=blocked)
            positions = again.positions
        patience.over()

    def _send_bulk(self, body: bytes | Callable[[], bytes], patience: Patience) -> Any:
        return self.exchange.ask(
            "POST",
            "/_bulk",
            body,
            params={"filter_path": bulk.ANSWER, "timeout": f"{max(1, self.settings.number('es.timeout.sec') // 2)}s"},
            patience=patience,
            writes=True,
            again=self.check_set_up,
            content=NDJSON,
        )

    def write_all(self, operations: Iterable[Operation], chunk: int = 2000) -> int:
        """Writes all, `chunk` at a time; returns how many were written. A 409 on `create` is fine (there already).

        Raises StoreRefused on the first refused document, naming it.
        """
        written, rest = 0, iter(operations)
        while batch := list(islice(rest, chunk)):
            for operation, result in zip(batch, self.bulk(batch), strict=True):
                if result.refused:
                    raise StoreRefused(f"document refused: {result.error}", where=f"{operation.index}/{operation.id}")
                written += result.created
        return written

    # Single documents

    def get(self, name: str, key: str) -> Versioned | None:
        """A document as it is now, None when there is none. In a growing index it is found after a refresh only."""
        index = concrete(name) if not _declared(name).grows else self._holder(name, key)
        if index is None:
            return None
        answer = self.exchange.ask("GET", path_of(index, "_doc", key), allow=(404,))
        return versioned(answer) if answer.get("found") else None

    def _holder(self, name: str, key: str) -> str | None:
        hits = self.search(name, query={"ids": {"values": [key]}}, size=1, _source=False)["hits"]["hits"]
        return str(hits[0]["_index"]) if hits else None

    def get_many(self, name: str, ids: Iterable[str]) -> dict[str, Versioned]:
        """Documents by id, those that exist. In a growing index they are found after a refresh only."""
        found: dict[str, Versioned] = {}
        rest = iter(ids)
        while batch := list(islice(rest, _PAGE)):
            if _declared(name).grows:
                query = {"ids": {"values": batch}}
                hits = self.search(name, query=query, size=len(batch), seq_no_primary_term=True)["hits"]["hits"]
                found |= {hit["_id"]: versioned(hit) for hit in hits}
            else:
                pairs = [(concrete(name), key) for key in batch]
                found |= {document.id: document for document in self.read_back(pairs) if document is not None}
        return found

    def read_back(self, pairs: Sequence[tuple[str, str]], fields: Sequence[str] = ()) -> list[Versioned | None]:
        """Documents at (concrete index, id), same order, None where there is none; at once, without a refresh.

        `fields`: only these of each source. How a 409 is told apart: ours, or somebody's before us.
        """
        rows: list[Versioned | None] = []
        rest = iter(pairs)
        while batch := list(islice(rest, _PAGE)):
            body = {"docs": [{"_index": index, "_id": key} for index, key in batch]}
            params = {"_source_includes": ",".join(fields)} if fields else None
            answer = self.exchange.ask("POST", "/_mget", body, params=params)
            rows += [versioned(row) if row.get("found") else None for row in answer["docs"]]
        return rows

    def replace(self, document: Versioned, source: dict[str, Any]) -> Versioned:
        """Writes `source` in place of what was read. Raises ConflictError when it was changed meanwhile."""
        guard = {"if_seq_no": document.seq_no, "if_primary_term": document.primary_term}
        return self._put(document.index, document.id, source, guard)

    def _put(self, index: str, key: str, source: dict[str, Any], params: dict[str, Any]) -> Versioned:
        self.check_set_up()
        patience = self.exchange.patience()
        try:
            answer = self.exchange.ask(
                "PUT",
                path_of(index, "_doc", key),
                source,
                params=params,
                patience=patience,
                writes=True,
                again=self.check_set_up,
            )
        except ConflictError:
            patience.over()
            # Sent more than once: the conflict may be with our own write, whose answer was lost.
            current = self.read_back([(index, key)])[0] if patience.used else None
            if current is None or current.source != source:
                raise
            return current
        patience.over()
        return Versioned(key, index, source, answer["_seq_no"], answer["_primary_term"])

    def modify(
        self,
        name: str,
        key: str,
        change: Callable[[dict[str, Any]], dict[str, Any] | None],
        *,
        create: Callable[[], dict[str, Any]] | None = None,
        tries: int = 10,
    ) -> dict[str, Any]:
        """Reads, changes and writes a document; read again and changed anew when somebody was faster. Returns its source.

        `change` returning None leaves it as it is. A document that is not there is made by `create` (fixed indices
        only). Raises UserError when it is not there and may not be made, ConflictError after `tries` lost races.
        """
        for attempt in range(tries):
            document = self.get(name, key)
            try:
                if document is None:
                    if create is None:
                        raise UserError(f"there is no {name} {key}", where=self.exchange.place)
                    return self._put(self.place(name), key, create(), {"op_type": "create"}).source
                source = change(copied(document.source))
                return document.source if source is None else self.replace(document, source).source
            except ConflictError:
                self._sleep(random.uniform(0, 0.02 * (attempt + 1)))
        raise ConflictError(f"{name} {key} changes too often: {tries} tries", remedy="try again")

    # Reading

    def search(self, name: str, **body: Any) -> dict[str, Any]:
        """Elasticsearch's answer to a search; `name` may be several, `a,b`. No hits where nothing was written yet."""
        params = {"ignore_unavailable": "true", "allow_partial_search_results": "false"}
        answer: dict[str, Any] = self.exchange.ask("POST", path_of(_checked(name), "_search"), body, params=params)
        return answer

    def scan(
        self,
        name: str,
        query: Mapping[str, Any] | None = None,
        fields: Sequence[str] | None = None,
        sort: Sequence[Any] | None = None,
        *,
        foreign: bool = False,
    ) -> Iterator[dict[str, Any]]:
        """Every hit (`_id`, `_index`, `_source`) as of now, however many; `fields` of the source only; `sort` as in search.

        `foreign`: of an index that is none of ours; StoreRefused where there is no such index.
        """
        params = {"keep_alive": _KEEP_ALIVE} if foreign else {"keep_alive": _KEEP_ALIVE, "ignore_unavailable": "true"}
        place = path_of(name if foreign else _checked(name), "_pit")
        point = self.exchange.ask("POST", place, params=params)["id"]
        body: dict[str, Any] = {"size": _PAGE, "sort": [*(sort or ()), "_shard_doc"], "track_total_hits": False}
        body |= {"query": dict(query)} if query else {}
        body |= {"_source": list(fields)} if fields is not None else {}
        try:
            while True:
                body["pit"] = {"id": point, "keep_alive": _KEEP_ALIVE}
                answer = self._page(name, body)
                hits = answer["hits"]["hits"]
                yield from hits
                if len(hits) < _PAGE:
                    return
                point, body["search_after"] = answer.get("pit_id", point), hits[-1]["sort"]
        finally:
            self.exchange.ask("DELETE", "/_pit", {"id": point}, allow=(404,))

    def _page(self, name: str, body: dict[str, Any]) -> Any:
        params = {"allow_partial_search_results": "false"}
        answer = self.exchange.ask("POST", "/_search", body, params=params, allow=(404,))
        if "hits" not in answer:
            raise StoreUnavailable(
                "Elasticsearch lost the point in time of this scan (it was started anew, or a page took over 10 minutes)",
                where=f"{self.exchange.place}: {name}",
                remedy="run again",
            )
        return answer

    def count(self, name: str, query: Mapping[str, Any] | None = None) -> int:
        """How many documents match, as of the last refresh."""
        body = {"query": dict(query)} if query else None
        answer = self.exchange.ask(
            "POST", path_of(_checked(name), "_count"), body, params={"ignore_unavailable": "true"}
        )
        return int(answer["count"])

    def identities(self, name: str) -> frozenset[str]:
        """What tells the stored parts of an index from others of their names, made later or elsewhere."""
        params = {"ignore_unavailable": "true", "flat_settings": "true"}
        answer = self.exchange.ask(
            "GET", path_of(_checked(name), "_settings", "index.uuid"), params=params, allow=(404,)
        )
        parts = [part.get("settings", {}) for part in answer.values() if isinstance(part, dict)]
        return frozenset(part["index.uuid"] for part in parts if "index.uuid" in part)

    def refresh(self, *names: str) -> None:
        """Makes what was written visible to searches; all our indices when none is named."""
        path = path_of(_checked(",".join(names or BY_NAME)), "_refresh")
        self.exchange.ask("POST", path, params={"ignore_unavailable": "true"})

    def esql(self, query: str, params: Sequence[Any] = (), where: Mapping[str, Any] | None = None) -> Table:
        """Answer of an ES|QL query; `?` in it stand for `params` in order (datetimes become ISO text).

        `where`: a filter in the query DSL on the records that are read.

        Nothing written yet: an empty table. Raises StoreRefused with the position of an error in the query, TooManyRows when
        the answer has more rows than `row_cap`: a cut answer is never returned.
        """
        cap = self.row_cap
        values = [iso(value) if isinstance(value, datetime) else value for value in params]
        current: str | None = query
        while current is not None:
            body: dict[str, Any] = {"query": esql.with_limit(current, cap), "params": values}
            body |= {"filter": dict(where)} if where else {}
            answer = self.exchange.ask(
                "POST", "/_query", body, params={"allow_partial_results": "false"}, allow=(400, 404)
            )
            if "columns" in answer:
                return self._table(answer, cap, query)
            current = esql.without_unknown(current, cause(answer)[1], _is_ours)
        return Table([], [])

    def _table(self, answer: dict[str, Any], cap: int, query: str) -> Table:
        rows = answer["values"]
        if len(rows) > cap:
            raise esql.TooManyRows(
                f"more than {cap} rows", where="ES|QL", remedy="narrow the query or raise rollup.rows:\n" + query
            )
        return Table([column["name"] for column in answer["columns"]], rows)

    def esql_windows(
        self,
        query: Callable[[datetime, datetime], tuple[str, list[Any]]],
        start: datetime,
        end: datetime,
        *,
        step: timedelta | None = None,
    ) -> Iterator[Table]:
        """Tables of `query(from, to)` over windows that cover `start` ≤ t < `end` in order, each within the row cap.

        Inner edges are multiples of `step` (UTC), so that a bucket is never cut. TooManyRows when one step has too many.
        """
        return esql.windows(lambda a, b: self.esql(*query(a, b)), start, end, step, self.row_cap)

    @property
    def row_cap(self) -> int:
        """Rows that one query may return: rollup.rows, or less where Elasticsearch cuts earlier."""
        if self._known.row_cap is None:
            # One below Elasticsearch's own cap: the row above ours tells that the answer was cut.
            self._known.row_cap = min(self.settings.number("rollup.rows"), self.server_row_cap() - 1)
        return self._known.row_cap

    def server_row_cap(self) -> int:
        name = "esql.query.result_truncation_max_size"
        params = {"include_defaults": "true", "flat_settings": "true", "filter_path": "*.esql*"}
        try:
            answer = self.exchange.own.ask("GET", "/_cluster/settings", params=params)
        except StoreRefused as error:
            _log.info("row cap of ES|QL may not be read, %s taken: %s", DEFAULT_ROW_CAP, error.what)
            return DEFAULT_ROW_CAP
        for layer in ("transient", "persistent", "defaults"):
            if name in answer.get(layer, {}):
                return int(answer[layer][name])
        return DEFAULT_ROW_CAP

    def info(self) -> dict[str, Any]:
        """`version`, `cluster`, `nodes`, `url`, `rows` (row cap), `lifecycle` (does it have lifecycle policies)."""
        root = self.exchange.ask("GET", "/")
        health = self.exchange.ask("GET", "/_cluster/health", params={"filter_path": "number_of_nodes,status"})
        lifecycle = self.exchange.ask("GET", "/_ilm/status", allow=(400, 403, 404, 405, 500))
        return {
            "version": root["version"]["number"],
            "cluster": root["cluster_name"],
            "nodes": health["number_of_nodes"],
            "health": health["status"],
            "url": self.exchange.place,
            "rows": self.row_cap,
            "lifecycle": "operation_mode" in lifecycle,
        }


def _declared(name: str) -> Any:
    index = BY_NAME.get(name)
    if index is None:
        raise InternalError(f"no index is called {name}")
    return index


def _is_ours(name: str) -> bool:
    return name in BY_NAME


def _checked(names: str) -> str:
    for name in names.split(","):
        _declared(name)
    return names
