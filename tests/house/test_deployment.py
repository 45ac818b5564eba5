"""docker-compose.yml, the image and the servers' settings, held against what exists: they cannot be started here."""

import re
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from pipeline.cli.command import app
from pipeline.settings import load, table, variable

HOUSE = Path(__file__).parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((HOUSE / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = {name: service for name, service in SERVICES.items() if service["image"] == "wayfare"}
DEFAULTED = re.compile(r"\$\{(\w+):-([^}]*)\}")


def environment(service: dict[str, Any]) -> dict[str, str]:
    """With the defaults that compose fills in."""
    return {name: DEFAULTED.sub(r"\2", value) for name, value in service["environment"].items()}


def options_of(command: str) -> set[str]:
    found = typer.main.get_command(app).commands[command]  # type: ignore[attr-defined]
    return {name for parameter in found.params for name in parameter.opts}


def test_there_are_kafka_clickhouse_one_api_and_two_workers() -> None:
    assert set(SERVICES) == {"kafka", "clickhouse", "migrate", "api", "worker-1", "worker-2"}
    assert [name for name, service in OURS.items() if service["command"][0] == "worker"] == ["worker-1", "worker-2"]


@pytest.mark.parametrize("name", OURS)
def test_every_variable_is_a_setting_and_every_value_is_taken(name: str) -> None:
    settings = load(environment(OURS[name]))
    assert not settings.embedded


def test_all_parts_of_wayfare_agree_on_log_store_and_partitions() -> None:
    told = [load(environment(service)) for service in OURS.values()]
    assert len({(each.log, each.store, each.partitions, each.topic_prefix, each.group) for each in told}) == 1


@pytest.mark.parametrize("name", OURS)
def test_every_command_and_option_exists(name: str) -> None:
    command, *rest = OURS[name]["command"]
    assert {each for each in rest if each.startswith("--")} <= options_of(command)


@pytest.mark.parametrize("name", [name for name in SERVICES if name != "migrate"])
def test_every_service_that_stays_tells_its_health_and_starts_again(name: str) -> None:
    assert SERVICES[name]["healthcheck"]["test"]
    assert SERVICES[name]["restart"] == "unless-stopped"


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_waits_for_services_that_exist_until_they_are_healthy(name: str) -> None:
    for other, how in SERVICES[name].get("depends_on", {}).items():
        assert how["condition"] == ("service_completed_successfully" if other == "migrate" else "service_healthy")
        assert other == "migrate" or "healthcheck" in SERVICES[other]


def test_urls_name_services_of_the_same_file() -> None:
    settings = load(environment(OURS["api"]))
    assert settings.log == "kafka://kafka:9092"
    assert "@clickhouse:9000/" in settings.store
    told = environment(SERVICES["clickhouse"])
    user, password = told["CLICKHOUSE_USER"], told["CLICKHOUSE_PASSWORD"]
    assert settings.store == f"clickhouse://{user}:{password}@clickhouse:9000/{told['CLICKHOUSE_DB']}"


def test_data_lies_in_named_volumes() -> None:
    used = {
        volume.partition(":")[0]
        for service in SERVICES.values()
        for volume in service.get("volumes", ())
        if not volume.startswith(".")
    }
    assert used == set(COMPOSE["volumes"]) == {"kafka", "clickhouse"}


def test_files_that_are_mounted_exist() -> None:
    for service in SERVICES.values():
        for volume in service.get("volumes", ()):
            if volume.startswith("."):
                assert (HOUSE / volume.split(":")[0]).is_file(), volume


def test_the_broker_creates_no_topics_and_takes_the_largest_record() -> None:
    lines = (HOUSE / "deploy/kafka/server.properties").read_text().splitlines()
    properties = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
    assert properties["auto.create.topics.enable"] == "false"
    assert int(properties["message.max.bytes"]) >= 1_048_576
    assert properties["process.roles"] == "broker,controller"


def test_the_image_copies_every_package_and_runs_the_command() -> None:
    told = (HOUSE / "deploy/Dockerfile").read_text()
    for package in ("schemas", "pipeline", "agents", "api"):
        assert f"COPY {package} {package}" in told
    assert 'ENTRYPOINT ["wayfare"]' in told
    assert "USER wayfare" in told
    assert set(re.findall(r"WAYFARE_\w+", told)) <= {variable(name) for name in table()}
