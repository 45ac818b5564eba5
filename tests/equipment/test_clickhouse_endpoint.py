"""The endpoint answers as a ClickHouse server does, on both of its protocols."""

from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from clickhouse_driver import Client, errors

from tests.equipment.clickhouse_fixtures import Endpoint


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Endpoint]:
    endpoint = Endpoint(tmp_path_factory.mktemp("endpoint"), password="word").start()
    yield endpoint
    endpoint.stop()


Ask = Callable[..., httpx.Response]


@pytest.fixture
def ask(endpoint: Endpoint) -> Ask:
    def post(query: str, body: str = "", user: str = "default", password: str = "word", **more: str) -> httpx.Response:
        url = f"http://127.0.0.1:{endpoint.http_port}/"
        return httpx.post(url, params={"query": query, **more}, content=body, auth=(user, password))

    return post


@pytest.fixture
def client(endpoint: Endpoint) -> Iterator[Client]:
    client = Client("127.0.0.1", endpoint.port, password="word")
    yield client
    client.disconnect()


def test_both_protocols_see_the_same_tables(ask: Ask, client: Client) -> None:
    client.execute("CREATE TABLE seen (a UInt8, b Array(LowCardinality(String))) ENGINE = MergeTree ORDER BY a")
    assert client.execute("INSERT INTO seen (b, a) VALUES", [(["x"], 1), ([], 2)]) == 2
    assert ask("INSERT INTO seen FORMAT CSV", "3,\"['y','z']\"\n").status_code == 200
    assert client.execute("SELECT * FROM seen ORDER BY a") == [(1, ["x"]), (2, []), (3, ["y", "z"])]
    assert ask("SELECT * FROM seen ORDER BY a").text == "1\t['x']\n2\t[]\n3\t['y','z']\n"


def test_an_insert_knows_what_another_connection_has_changed(ask: Ask, client: Client) -> None:
    client.execute("CREATE TABLE grown (a UInt8) ENGINE = MergeTree ORDER BY a")
    client.execute("INSERT INTO grown VALUES", [(1,)])
    assert ask("-- so that\n/* it grows */ ALTER TABLE grown ADD COLUMN b String").status_code == 200
    client.execute("INSERT INTO grown VALUES", [(2, "x")])
    assert client.execute("SELECT * FROM grown ORDER BY a") == [(1, ""), (2, "x")]


def test_http_answers_in_the_asked_format_with_parameters(ask: Ask) -> None:
    answer = ask("SELECT {a:String} AS text, {b:UInt8} AS number FORMAT JSONEachRow", param_a="it's", param_b="5")
    assert answer.json() == {"text": "it's", "number": 5}


def test_the_rows_of_many_blocks_arrive(client: Client) -> None:
    rows = client.execute("SELECT number, toString(number) FROM numbers(300000)")
    assert rows == [(number, str(number)) for number in range(300_000)]


def test_errors_have_clickhouses_numbers(ask: Ask, client: Client) -> None:
    answer = ask("SELECT * FROM nowhere")
    assert (answer.status_code, answer.headers["X-ClickHouse-Exception-Code"]) == (404, "60")
    with pytest.raises(errors.ServerException) as raised:
        client.execute("SELECT * FROM nowhere")
    assert raised.value.code == 60
    assert client.execute("SELECT 1") == [(1,)]


def test_the_user_bi_may_only_read(ask: Ask, endpoint: Endpoint) -> None:
    assert ask("SELECT 1", user="bi", password="bi").text == "1\n"
    refused = ask("CREATE TABLE mine (a UInt8) ENGINE = Memory", user="bi", password="bi")
    assert refused.headers["X-ClickHouse-Exception-Code"] == "164"
    with (
        Client("127.0.0.1", endpoint.port, user="bi", password="bi") as reader,
        pytest.raises(errors.ServerException) as raised,
    ):
        reader.execute("DROP TABLE IF EXISTS seen")
    assert raised.value.code == 164


def test_a_wrong_password_is_refused(ask: Ask) -> None:
    assert ask("SELECT 1", password="wrong").status_code == 403


def test_a_client_that_goes_away_ends_its_query(endpoint: Endpoint, client: Client) -> None:
    leaving = Client("127.0.0.1", endpoint.port, password="word", send_receive_timeout=0.5)
    with pytest.raises(TimeoutError):
        leaving.execute("SELECT sum(cityHash64(number)) FROM system.numbers")
    for _ in range(50):
        (running,) = client.execute("SELECT count() FROM system.processes WHERE query LIKE '%cityHash64%'")
        if running == (1,):  # this one
            return
        client.execute("SELECT sleep(0.1)")
    pytest.fail("the query still runs")


def test_its_folder_can_be_used_again(tmp_path: Path) -> None:
    endpoint = Endpoint(tmp_path / "again")
    for statement in ("CREATE TABLE kept (a UInt8) ENGINE = MergeTree ORDER BY a", "SELECT * FROM kept"):
        endpoint.start()
        with Client("127.0.0.1", endpoint.port) as client:
            assert client.execute(statement) == []
        endpoint.stop()
