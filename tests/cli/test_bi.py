"""`wayfare bi user` on either store."""

import pytest

from pipeline.cli.command import run


def test_a_clickhouse_server_gets_statements_for_a_user(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("WAYFARE_STORE", "clickhouse://wayfare:secret@host:9000/shop")
    monkeypatch.setenv("WAYFARE_LOG", "kafka://host:9092")
    assert run(["bi", "user", "--name", "metabase", "--project", "one", "--seconds", "5"]) == 0
    told = capsys.readouterr().out
    assert "GRANT SELECT ON `bi_shop`.* TO `metabase`;" in told
    assert "max_execution_time = 5 MIN 1 MAX 5" in told
    assert "USING project = 'one'" in told
    assert "secret" not in told


def test_users_of_two_projects_are_two_and_run_again_the_statements_hold_what_is_asked_now(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("WAYFARE_STORE", "clickhouse://wayfare:secret@host:9000/shop")
    monkeypatch.setenv("WAYFARE_LOG", "kafka://host:9092")
    for project, name in (("one", "bi_one"), ("two", "bi_two"), ("", "bi")):
        assert run(["bi", "user", *(("--project", project) if project else ())]) == 0
        told = capsys.readouterr().out
        assert f"CREATE SETTINGS PROFILE OR REPLACE `{name}` " in told
        assert told.count(f"CREATE ROW POLICY OR REPLACE `{name}` ") == (project != "")


def test_the_embedded_store_has_keys_instead(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("WAYFARE_STORE", raising=False)
    assert run(["bi", "user"]) == 2
    assert "--kind bi" in " ".join(capsys.readouterr().err.split())
