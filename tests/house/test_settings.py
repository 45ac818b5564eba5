"""Settings: one table, read from the environment or a TOML file, checked, and printed without secrets."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import InvalidSetting
from pipeline.settings import Settings, file_of, load, masked, table, variable

SETTINGS_PAGE = Path(__file__).parents[2] / "docs" / "settings.md"


def refused(environ: dict[str, str], config: Path | None = None) -> InvalidSetting:
    with pytest.raises(InvalidSetting) as found:
        load(environ, config)
    return found.value


def test_without_any_setting_everything_is_embedded_in_one_folder() -> None:
    settings = load({})
    assert settings.embedded
    assert settings.log == "sqlite:///.wayfare/log.sqlite"
    assert settings.store == "chdb:///.wayfare/store"
    assert settings.folders == (Path(".wayfare").absolute(),)


def test_the_data_folder_moves_log_and_store() -> None:
    settings = load({"WAYFARE_DATA": "/var/lib/wayfare"})
    assert settings.log == "sqlite:////var/lib/wayfare/log.sqlite"
    assert settings.folders == (Path("/var/lib/wayfare"),)


def test_kafka_and_clickhouse_hold_no_folder() -> None:
    settings = load({"WAYFARE_LOG": "kafka://one:9092,two:9092", "WAYFARE_STORE": "clickhouse://h:9000/w"})
    assert not settings.embedded
    assert settings.folders == ()
    assert settings.log_partitions == 16


@pytest.mark.parametrize("half", [{"WAYFARE_LOG": "kafka://h:9092"}, {"WAYFARE_STORE": "clickhouse://h/w"}])
def test_one_embedded_half_is_enough_to_be_embedded(half: dict[str, str]) -> None:
    assert load(half).embedded


def test_two_embedded_halves_in_two_folders_are_both_held(tmp_path: Path) -> None:
    settings = load({
        "WAYFARE_LOG": f"sqlite:///{tmp_path}/a/log.sqlite", "WAYFARE_STORE": f"chdb:///{tmp_path}/b/store",
    })  # fmt: skip
    assert set(settings.folders) == {tmp_path / "a", tmp_path / "b"}


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    file = tmp_path / "wayfare.toml"
    file.write_text('port = 9000\nhost = "0.0.0.0"\nopen_loopback = false\n')
    settings = load({"WAYFARE_CONFIG": str(file), "WAYFARE_PORT": "9001"})
    assert (settings.port, settings.host, settings.open_loopback) == (9001, "0.0.0.0", False)


def test_a_misspelt_variable_is_told_with_the_nearest_name() -> None:
    error = refused({"WAYFARE_STOER": "chdb:///x"})
    assert "WAYFARE_STORE?" in error.message
    assert error.code == "invalid_setting"


def test_a_misspelt_key_of_the_file_is_told_with_the_nearest_name(tmp_path: Path) -> None:
    file = tmp_path / "wayfare.toml"
    file.write_text("partition = 4\n")
    assert "partitions?" in refused({}, file).message


def test_variables_of_the_tests_own_equipment_are_no_settings() -> None:
    assert load({"WAYFARE_TEST_KAFKA": "localhost:9092"}) == load({})


@pytest.mark.parametrize(("name", "value", "told"), [
    ("port", "80800", "0 to 65535"),
    ("port", "http", "whole number"),
    ("turn_events", "0", "1 to"),
    ("open_loopback", "maybe", "true or false"),
    ("log", "redis://h", "sqlite://... or kafka://..."),
    ("log", "sqlite://", "needs a path"),
    ("log", "kafka://", "no host:port"),
    ("log", "kafka://h:9092,", "no host:port"),
    ("store", "clickhouse://user:pass word@h:x/d", "no host:port"),
    ("project", "My Shop", "lower-case"),
    ("topic_prefix", "a/b", "letters"),
    ("log_level", "loud", "debug"),
    ("places", "/no/such/file.mmdb", "no file"),
])  # fmt: skip
def test_a_wrong_value_is_told_with_what_would_be_right(name: str, value: str, told: str) -> None:
    error = refused({variable(name): value})
    assert told in error.message
    assert error.field == name


def test_an_event_may_not_be_larger_than_a_body() -> None:
    assert refused({"WAYFARE_MAX_EVENT_BYTES": "600000"}).field == "max_event_bytes"


def test_a_file_that_is_no_toml_is_told(tmp_path: Path) -> None:
    file = tmp_path / "wayfare.toml"
    file.write_text("port: 80\n")
    assert "is not TOML" in refused({}, file).message
    assert "cannot be read" in refused({}, tmp_path / "absent.toml").message


def test_the_values_type_in_a_file_counts(tmp_path: Path) -> None:
    file = tmp_path / "wayfare.toml"
    file.write_text("port = true\n")
    assert refused({}, file).field == "port"
    file.write_text("host = 1\n")
    assert refused({}, file).field == "host"


secrets = st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=8)


@given(user=secrets, password=secrets)
def test_no_password_is_ever_printed(user: str, password: str) -> None:
    password = f"Zq{password}Zq"  # part of no setting's name or help
    settings = load({
        "WAYFARE_STORE": f"clickhouse://{user}:{password}@host:9000/db?secure=1",
        "WAYFARE_LOG": f"kafka://{user}:{password}@one:9092,two:9092",
    })  # fmt: skip
    for printed in (repr(settings), str(settings.shown())):
        assert password not in printed.replace(f"://{user}:", "")
    assert masked(settings.store) == f"clickhouse://{user}:***@host:9000/db?secure=1"


def test_nor_is_the_password_of_a_refused_url() -> None:
    assert "geheim" not in refused({"WAYFARE_STORE": "postgres://u:geheim@h/d"}).message


def test_three_slashes_are_relative_and_four_absolute() -> None:
    assert file_of("sqlite:///a/log.sqlite") == Path("a/log.sqlite").absolute()
    assert file_of("chdb:////a/store") == Path("/a/store")


def test_settings_are_frozen() -> None:
    with pytest.raises(AttributeError):
        load({}).port = 1  # type: ignore[misc]


@pytest.mark.parametrize("name", table())
def test_every_setting_has_a_help_text_and_stands_on_the_page_of_settings(name: str) -> None:
    help = table()[name].metadata["help"]
    assert help.endswith(".")
    row = f"| `{variable(name)}` |"
    assert row in SETTINGS_PAGE.read_text("utf-8"), f"docs/settings.md lacks {row}"
    assert help.replace("|", "\\|") in SETTINGS_PAGE.read_text("utf-8"), f"docs/settings.md tells {name} otherwise"


def test_the_page_of_settings_names_none_that_does_not_exist() -> None:
    rows = [line.split("`")[1] for line in SETTINGS_PAGE.read_text("utf-8").splitlines() if line.startswith("| `")]
    assert rows == [variable(name) for name in table()]


def test_the_defaults_of_the_table_are_those_of_the_class() -> None:
    assert load({}).shown().keys() == table().keys()
    assert Settings().port == 8990
