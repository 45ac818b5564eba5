import pytest

from pipeline.errors import InvalidSetting
from pipeline.log import open_log
from pipeline.log.kafka_address import KafkaAddress
from pipeline.log.topics import full_name, newest, short_name


def test_several_brokers_are_separated_by_commas() -> None:
    assert KafkaAddress.of("kafka://a:9092,b:9093").servers == ("a:9092", "b:9093")


def test_a_user_means_sasl_and_secure_means_tls() -> None:
    address = KafkaAddress.of("kafka://me:se%40cret@a:9092?secure=1")
    assert (address.user, address.password, address.protocol) == ("me", "se@cret", "SASL_SSL")
    assert KafkaAddress.of("kafka://a:9092").protocol == "PLAINTEXT"


def test_a_password_is_never_shown() -> None:
    assert "secret" not in repr(KafkaAddress.of("kafka://me:secret@a:9092"))
    with pytest.raises(InvalidSetting) as told:
        KafkaAddress.of("kafka://me:secret@a:9092/topic")
    assert "secret" not in told.value.message


@pytest.mark.parametrize(
    "url",
    [
        "kafka://",
        "kafka://host",
        "kafka://host:0",
        "kafka://host:x",
        "kafka://a:1/b",
        "kafka://a:1?tls=1",
        "redis://a:1",
    ],
)
def test_what_is_no_log_is_a_mistake_that_names_the_setting(url: str) -> None:
    with pytest.raises(InvalidSetting) as told:
        open_log(url)
    assert told.value.field == "log"


def test_names_carry_prefix_topic_and_generation() -> None:
    assert full_name("wayfare", "events") == "wayfare-events-1"
    assert short_name("my-prefix", "my-prefix-events-12") == ("events", 12)
    assert short_name("wayfare", "wayfare-events") is None
    assert short_name("wayfare", "other-events-1") is None


def test_the_newest_generation_counts() -> None:
    topic = newest("w", "events", {"w-events-1": 4, "w-events-10": 8, "w-events-9": 6, "w-pairs-11": 1})
    assert topic == ("w-events-10", 10, 8)
    assert newest("w", "changes", {"w-events-1": 4}) is None
