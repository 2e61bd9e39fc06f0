"""A client of the brokers that joins no group and commits nothing to them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from monitor.sources.kafka.settings import KafkaSettings

if TYPE_CHECKING:
    from confluent_kafka import Consumer, Message

_QUEUED_KILOBYTES = 16 * 1024
_FETCH_BYTES = 2**20
_FETCH_WAIT_MILLISECONDS = 100
"""How long a broker waits for something to come before it says that there is nothing: a start waits for that, too."""
_ASK_SECONDS = 5.0


class Unreachable(Exception):
    """Why the topic cannot be read now; holds no secret and no address."""


@dataclass(frozen=True, slots=True)
class Topic:
    """The numbers of a topic's partitions, in order, and the name that its cluster gave itself, if it has one."""

    partitions: tuple[int, ...]
    cluster: str | None


class Client:
    """Speaks to the brokers of one topic.

    Parameters
    ----------
    root: where relative paths of the settings start. trouble: is told what goes wrong beside any call.

    Raises
    ------
    Unreachable: the library is not installed, or takes these settings for none.
    """

    def __init__(self, settings: KafkaSettings, root: Path, trouble: Callable[[str], None]) -> None:
        try:
            import confluent_kafka as kafka  # of an extra
        except ModuleNotFoundError:
            raise Unreachable("needs the extra kafka: pip install 'driftline[kafka]'") from None
        self._kafka, self._topic = kafka, settings.topic
        given = _config(settings, root) | {"error_cb": lambda error: trouble(told_of(error.name()))}
        try:
            self._consumer: Consumer = kafka.Consumer(given)
        except kafka.KafkaException as error:
            raise Unreachable(f"the client does not start ({error.args[0].name()})") from None

    def close(self) -> None:
        """Give the connections back."""
        self._consumer.close()

    def look(self) -> Topic:
        """Ask what partitions the topic has.

        Raises
        ------
        Unreachable: no broker answers, or none has the topic.
        """
        found = self._asked(lambda: self._consumer.list_topics(self._topic, timeout=_ASK_SECONDS))
        topic = found.topics[self._topic]
        if topic.error is not None:
            raise Unreachable(told_of(topic.error.name()))
        return Topic(tuple(sorted(topic.partitions)), found.cluster_id or None)

    def limits(self, partition: int) -> tuple[int, int]:
        """Return the first offset that a partition still has, and the one that its next message will have.

        Raises
        ------
        Unreachable: its broker does not answer.
        """
        at = self._at(partition)
        low, high = self._asked(lambda: self._consumer.get_watermark_offsets(at, timeout=_ASK_SECONDS))
        return int(low), int(high)

    def end(self, partition: int) -> int:
        """Return how far a partition reached when messages last came; -1001 if none did."""
        return int(self._consumer.get_watermark_offsets(self._at(partition), cached=True)[1])

    def begin(self, partition: int, offset: int) -> None:
        """Have a partition read from an offset on."""
        self._consumer.incremental_assign([self._at(partition, offset)])

    def stop(self, partition: int) -> None:
        """Have a partition read no more, and forget what came of it."""
        self._consumer.incremental_unassign([self._at(partition)])

    def pause(self, partition: int) -> None:
        """Let no more come of a partition until :meth:`resume`."""
        self._consumer.pause([self._at(partition)])

    def resume(self, partition: int) -> None:
        """Let come what follows the last that came."""
        self._consumer.resume([self._at(partition)])

    def receive(self, most: int, wait_seconds: float) -> list[Message]:
        """Return what came, at most so many, and wait so long for that to be as many."""
        try:
            return list(self._consumer.consume(most, wait_seconds))
        except self._kafka.KafkaException as error:
            raise Unreachable(told_of(error.args[0].name())) from None

    def _at(self, partition: int, offset: int | None = None) -> Any:
        given = () if offset is None else (offset,)
        return self._kafka.TopicPartition(self._topic, partition, *given)

    def _asked(self, ask: Callable[[], Any]) -> Any:
        try:
            answer = ask()
        except self._kafka.KafkaException as error:
            raise Unreachable(told_of(error.args[0].name())) from None
        if answer is None:
            raise Unreachable(told_of("_TIMED_OUT"))
        return answer


_WORDS = {
    "_ALL_BROKERS_DOWN": "no broker can be reached",
    "_TRANSPORT": "no broker can be reached",
    "_TIMED_OUT": "no broker answers",
    "_RESOLVE": "the name of a broker is not known",
    "_AUTHENTICATION": "a broker refuses the login",
    "_SSL": "a broker cannot be spoken to by TLS",
    "SASL_AUTHENTICATION_FAILED": "a broker refuses the login",
    "TOPIC_AUTHORIZATION_FAILED": "reading the topic is not allowed",
    "UNKNOWN_TOPIC_OR_PART": "there is no topic of this name",
    "_UNKNOWN_TOPIC": "there is no topic of this name",
}


def told_of(name: str) -> str:
    """Say in words what a broker's error means."""
    return _WORDS.get(name, f"cannot be read now ({name})")


def _config(settings: KafkaSettings, root: Path) -> dict[str, Any]:
    """Return the client's own settings."""
    tls, login = settings.tls, settings.login
    files = {} if tls is None else {"ca": tls.authority, "certificate": tls.certificate, "key": tls.key}
    secure = "SSL" if tls is not None else "PLAINTEXT"
    found = {
        "bootstrap.servers": settings.bootstrap,
        "group.id": "driftline",  # never joined: partitions are assigned by hand
        "enable.auto.commit": False,
        "enable.auto.offset.store": False,
        "enable.partition.eof": True,
        "auto.offset.reset": "error",
        "isolation.level": "read_committed",
        "queued.max.messages.kbytes": _QUEUED_KILOBYTES,
        "fetch.message.max.bytes": _FETCH_BYTES,
        "fetch.wait.max.ms": _FETCH_WAIT_MILLISECONDS,
        "log_level": 0,
        "security.protocol": secure if login is None else f"SASL_{secure}",
    }
    found |= {f"ssl.{name}.location": str(root / path) for name, path in files.items() if path is not None}
    if login is not None:
        found |= {"sasl.mechanism": login.mechanism, "sasl.username": login.user}
        found["sasl.password"] = login.password.get_secret_value()
    return found
