"""Brokers of Kafka: the mock cluster that librdkafka has, which speaks the real protocol on ports of this machine."""

from __future__ import annotations

import ctypes
import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import confluent_kafka

_LIBRARY = next(Path(confluent_kafka.__file__).parent.parent.glob("confluent_kafka.libs/librdkafka-*.so*"))
_PRODUCER = 0


class Brokers:
    """One cluster of one broker; a topic is made with so many partitions before anything is written to it."""

    def __init__(self, **partitions: int) -> None:
        self._library = library = ctypes.CDLL(str(_LIBRARY))
        library.rd_kafka_conf_new.restype = ctypes.c_void_p
        library.rd_kafka_new.restype = library.rd_kafka_mock_cluster_new.restype = ctypes.c_void_p
        library.rd_kafka_mock_cluster_bootstraps.restype = ctypes.c_char_p
        conf = ctypes.c_void_p(library.rd_kafka_conf_new())
        for name, value in ((b"log_level", b"0"), (b"bootstrap.servers", b"127.0.0.1:1")):
            library.rd_kafka_conf_set(conf, name, value, None, 0)
        self._handle = ctypes.c_void_p(library.rd_kafka_new(_PRODUCER, conf, None, 0))
        self._cluster = ctypes.c_void_p(library.rd_kafka_mock_cluster_new(self._handle, 1))
        for topic, count in partitions.items():
            library.rd_kafka_mock_topic_create(self._cluster, topic.encode(), count, 1)
        self.servers = library.rd_kafka_mock_cluster_bootstraps(self._cluster).decode()
        self._producer = confluent_kafka.Producer({"bootstrap.servers": self.servers, "log_level": 0})

    def close(self) -> None:
        """End the cluster."""
        self._library.rd_kafka_mock_cluster_destroy(self._cluster)
        self._library.rd_kafka_destroy_flags(self._handle, 4)

    def put(self, topic: str, values: Iterable[Any], partition: int = 0, *, flush: bool = True, **options: Any) -> None:
        """Write messages to a partition; what is neither bytes nor nothing is written as JSON."""
        for value in values:
            body = value if value is None or isinstance(value, bytes) else json.dumps(value).encode()
            self._produce(topic, body, partition, options)
        if flush:
            self.flush()

    def flush(self) -> None:
        """Wait until all is written."""
        assert self._producer.flush(10) == 0

    def _produce(self, topic: str, body: bytes | None, partition: int, options: Mapping[str, Any]) -> None:
        while True:
            try:
                self._producer.produce(topic, body, partition=partition, **options)
                return
            except BufferError:
                self._producer.poll(0.1)

    def stop(self) -> None:
        """Let the broker answer nobody."""
        self._library.rd_kafka_mock_broker_set_down(self._cluster, 1)

    def start(self) -> None:
        """Let the broker answer again."""
        self._library.rd_kafka_mock_broker_set_up(self._cluster, 1)


@contextmanager
def brokers(**partitions: int) -> Iterator[Brokers]:
    """Give a cluster with topics, each of so many partitions."""
    made = Brokers(**partitions)
    try:
        yield made
    finally:
        made.close()
