"""The server towards its clients: what it acknowledges and when, what it refuses, and how it ends."""

from __future__ import annotations

import socket
import threading
import time
from typing import Any

import pytest

from contracts.errors import OperatorError
from contracts.settings import Settings
from infrastructure.store import Store
from mediation.listen import Limits, Server
from mediation.listen.words import Words
from mediation.samples import write_sample
from tests.listen.conftest import Start
from tests.listen.freezing import frozen
from tests.listen.lumberjack import Client, compressed, event, events_of, frame, window


@pytest.fixture(scope="module")
def calls(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """Events of 3,000 different calls and their header."""
    path = tmp_path_factory.mktemp("calls") / "calls.csv"
    write_sample("voip-busyhour", path, rows=3000, seed=3)
    return events_of(path.read_bytes(), path=str(path))


def records(store: Store) -> int:
    store.refresh()
    return store.count("cdr-voip")


def insist(address: tuple[str, int], events: list[dict[str, Any]]) -> None:
    """Ships a window as Filebeat does: again, until it is acknowledged."""
    end = time.monotonic() + 30
    while True:
        try:
            with Client(address) as client:
                client.ship(events)
            return
        except (EOFError, ConnectionError):
            assert time.monotonic() < end, "no room, or no store, for 30 s"
            time.sleep(0.1)


def test_everything_acknowledged_is_in_the_store(store: Store, start: Start, calls: list[dict[str, Any]]) -> None:
    with Client(start().address) as client:
        client.ship(calls[:500])
        assert records(store) == 499
        client.ship(calls[500:], packed=False)
        assert records(store) == 3000


def test_large_windows_are_acknowledged_in_parts(store: Store, start: Start, calls: list[dict[str, Any]]) -> None:
    with Client(start(batch_events=1000).address) as client:
        acks = client.ship(calls)
    assert [number for number in acks if number % 1000 == 0] == [1000, 2000, 3000]
    assert acks == sorted(acks)
    assert acks[-1] == 3001


def test_two_windows_may_be_under_way_and_each_is_acknowledged_by_its_own_numbers(
    store: Store, start: Start, calls: list[dict[str, Any]]
) -> None:
    with Client(start().address) as client:
        client.send(calls[:300])
        client.send(calls[300:500])
        assert client.acks_up_to(300)[-1] == 300
        assert client.acks_up_to(200)[-1] == 200
    assert records(store) == 499


def test_sequences_that_do_not_begin_at_one_are_acknowledged_as_they_are(store: Store, start: Start) -> None:
    with Client(start().address) as client:
        frames = b"".join(frame(number, event("bad", offset=number)) for number in (41, 42))
        client.socket.sendall(window(2) + frames)
        while (number := client.ack()) == 0:
            pass
        assert number == 42


def test_an_empty_window_is_passed_over(store: Store, start: Start) -> None:
    with Client(start().address) as client:
        client.socket.sendall(window(0))
        assert client.ship([event("bad")])[-1] == 1


def test_several_clients_with_the_same_lines_store_each_once(
    store: Store, start: Start, calls: list[dict[str, Any]]
) -> None:
    running = start()

    def ship(part: int) -> None:
        own = [{**each, "log": {**each["log"], "file": {"path": f"/cdr/{part}.csv"}}} for each in calls]
        with Client(running.address) as client:
            for begin in range(0, len(own), 250 + part):
                client.ship(own[begin : begin + 250 + part])

    threads = [threading.Thread(target=ship, args=(part,)) for part in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    running.stop()
    assert records(store) == 3000
    counts = running.server.counts
    assert (counts.lines, counts.indexed, counts.balanced) == (18_000, 3000, True)


def test_a_waiting_client_is_kept_alive_and_nothing_is_acknowledged_before_it_is_stored(
    store: Store, start: Start, node_settings: Settings, calls: list[dict[str, Any]]
) -> None:
    with Client(start(alive_sec=0.2).address) as client:
        with frozen(node_settings):
            client.send(calls[:400])
            assert [client.ack() for _ in range(4)] == [0, 0, 0, 0]
        assert client.acks_up_to(400)[-1] == 400
    assert records(store) == 399


def test_no_more_is_read_than_may_be_in_flight_while_elasticsearch_is_away(
    store: Store, start: Start, node_settings: Settings
) -> None:
    events = [event("x" * 20_000, offset=number * 20_001) for number in range(50)]
    data = window(50) + b"".join(frame(number, each) for number, each in enumerate(events, 1))
    running = start(frame_bytes=100_000, flight_bytes=1_000_000, batch_bytes=400_000, frame_sec=5.0)
    sent = [0] * 4

    def flood(number: int) -> None:
        with Client(running.address) as client:
            for _ in range(24):
                client.socket.sendall(data)
                sent[number] += len(data)
            for _ in range(24):
                client.acks_up_to(50)

    threads = [threading.Thread(target=flood, args=(number,)) for number in range(4)]
    with frozen(node_settings):
        for thread in threads:
            thread.start()
        time.sleep(3)
        before = list(sent)
        time.sleep(1)
        assert sent == before, "the clients have to wait"
        assert max(sent) < 24 * len(data)
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive()
    assert sent == [24 * len(data)] * 4
    store.refresh()
    assert store.count("cdr-reject") == 1, "the same line, whatever its offset"


def test_a_store_that_stays_away_ends_the_connection_unacknowledged_and_the_next_one_works(
    store: Store, start: Start, node_settings: Settings, calls: list[dict[str, Any]]
) -> None:
    impatient = Store.connect(node_settings.with_values(es_wait_sec=1, es_timeout_sec=2), say=lambda text: None)
    running = start(server={"store": impatient})
    with frozen(node_settings), Client(running.address) as client:
        client.send(calls[:100])
        assert client.closed()
    assert running.said("will have to send again")
    insist(running.address, calls[:100])
    running.stop()
    assert records(store) == 99
    assert running.server.counts.balanced


def test_stop_finishes_and_acknowledges_what_was_read_and_reads_nothing_more(
    store: Store, start: Start, node_settings: Settings, calls: list[dict[str, Any]]
) -> None:
    running = start()
    half = b"".join(frame(number, each) for number, each in enumerate(calls[:300], 1))
    with Client(running.address) as whole, Client(running.address) as part, Client(running.address) as idle:
        with frozen(node_settings):
            whole.send(calls[:200])
            part.socket.sendall(window(3000) + half)
            time.sleep(1.5)
            running.server.stop()
            time.sleep(1)
        assert whole.acks_up_to(200)[-1] == 200
        assert part.acks_up_to(300)[-1] == 300
        for client in (whole, part, idle):
            assert client.closed()
    running.stop()
    assert records(store) == 299
    with pytest.raises(ConnectionError):
        Client(running.address)


def test_stop_gives_up_after_its_grace_while_elasticsearch_is_away(
    store: Store, node_settings: Settings, calls: list[dict[str, Any]]
) -> None:
    server = Server(store, Limits(grace_sec=1), port=0, say=lambda text: None)
    whole: list[bool] = []
    thread = threading.Thread(target=lambda: whole.append(server.serve()))
    thread.start()
    with Client(server.address) as client:
        with frozen(node_settings):
            client.send(calls[:100])
            time.sleep(0.7)
            server.stop()
            thread.join(10)
            assert whole == [False]
        client.socket.settimeout(30)
        assert client.acks_up_to(100)[-1] == 100, "what is under way goes on until the process ends"


def test_a_hostile_client_is_cut_off_and_the_others_go_on(
    store: Store, start: Start, calls: list[dict[str, Any]]
) -> None:
    running = start(window=5000)
    with Client(running.address) as good:
        good.ship(calls[:100])
        for data in (
            b"\0" * 100,
            window(2**32 - 1),
            window(1) + compressed(bytes(50_000_000), 9),
            window(2) + frame(1, calls[0]) + frame(1, calls[1]),
            window(2) + frame(1, calls[200]) + frame(2, b"not JSON"),
        ):
            with Client(running.address) as bad:
                bad.socket.sendall(data)
                assert bad.closed()
        good.ship(calls[100:200])
    assert running.said("was cut off: an event is not JSON")
    assert len([text for text in running.words if "was cut off" in text]) == 5
    assert records(store) == 199, "nothing of a window that broke the rules"


def test_a_client_that_goes_in_the_middle_leaves_nothing_half_done(
    store: Store, start: Start, calls: list[dict[str, Any]]
) -> None:
    running = start()
    with Client(running.address) as client:
        client.socket.sendall(window(100) + frame(1, calls[1])[:-5])
    assert running.said("in the middle of a frame")
    with Client(running.address) as client:
        client.ship(calls[1:3])
    assert records(store) == 2


def test_a_client_that_stalls_in_a_frame_is_cut_off_and_one_that_idles_is_let_go(store: Store, start: Start) -> None:
    running = start(frame_sec=0.5, idle_sec=2.0)
    with Client(running.address) as client:
        client.socket.sendall(window(1) + b"2J")
        began = time.monotonic()
        assert client.closed()
        assert time.monotonic() - began < 1.9
    assert running.said("silent for too long")
    words = len(running.words)
    with Client(running.address) as client:
        assert client.closed()
    assert len(running.words) == words, "an idle client has done nothing wrong"


def test_connections_beyond_the_limit_are_turned_away_and_taken_when_there_is_room(store: Store, start: Start) -> None:
    running = start(connections=2)
    with Client(running.address) as first, Client(running.address) as second:
        first.ship([event("bad")])
        second.ship([event("bad")])
        with Client(running.address) as third:
            assert third.closed()
        assert running.said("turned away: 2 connections are open")
    insist(running.address, [event("bad")])


def test_an_address_that_is_taken_is_said_with_what_to_do(store: Store) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(OperatorError, match="--port"):
        Server(store, port=taken.getsockname()[1])


def test_words_are_kept_short_and_never_become_a_flood() -> None:
    now, said = [0.0], []
    words = Words(said.append, lambda: now[0])
    for number in range(100):
        words.say(f"\x1b[2J{number}" + "x" * 5000)
    assert len(said) == 20
    assert all(len(text) <= 500 and "\x1b" not in text for text in said)
    now[0] = 11.0
    words.say("again")
    assert said[20:] == ["80 lines like these were left out", "again"]
