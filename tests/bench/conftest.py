from tests.equipment.clickhouse_fixtures import clickhouse_server
from tests.equipment.kafka_fixtures import kafka_broker

__all__ = ["clickhouse_server", "kafka_broker"]
