from tests.equipment.clickhouse_fixtures import *  # noqa: F403
