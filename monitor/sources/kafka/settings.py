"""How a topic is named in the config, and how its brokers are spoken to."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, SecretStr, model_validator

from monitor.settings import Settings, Size
from monitor.sources.dialects.settings import DialectName, LoggedEventSettings

_Server = Annotated[str, Field(pattern=r"^(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+):[0-9]{1,5}$", max_length=300)]
_Topic = Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,249}$")]
_Path = Annotated[str, Field(min_length=1, max_length=4096)]


class KafkaTls(Settings):
    """How brokers prove who they are, and, with ``certificate`` and ``key``, how Driftline does.

    All are paths of PEM files, relative to the config; without ``authority`` the system's authorities count.
    """

    authority: _Path | None = None
    certificate: _Path | None = None
    key: _Path | None = None

    @model_validator(mode="after")
    def _both(self) -> KafkaTls:
        if (self.certificate is None) != (self.key is None):
            raise ValueError("certificate and key stand together")
        return self


class KafkaLogin(Settings):
    """A name and a password, as SASL asks for them; ``PLAIN`` without TLS shows the password to the network."""

    user: Annotated[str, Field(min_length=1, max_length=256)]
    password: SecretStr
    mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = "SCRAM-SHA-512"


class RegistrySettings(Settings):
    """Where schemas of a topic's values are kept.

    ``url`` is http or https, perhaps with a path. ``user`` and ``password`` are asked for by some. ``authority`` is a
    PEM file, relative to the config; without it the system's authorities count.
    """

    url: Annotated[str, Field(pattern=r"^https?://[A-Za-z0-9._\[\]:-]+(/[A-Za-z0-9._~/-]*)?$", max_length=1024)]
    user: Annotated[str, Field(min_length=1, max_length=256)] | None = None
    password: SecretStr | None = None
    authority: _Path | None = None

    @model_validator(mode="after")
    def _both(self) -> RegistrySettings:
        if (self.user is None) != (self.password is None):
            raise ValueError("user and password stand together")
        return self


class KafkaSettings(Settings):
    """A topic, read from its earliest message on; all of its partitions, also those that are added later.

    ``servers`` are some of the brokers: the others are learnt from them. A message's value is one record: a JSON
    object. A larger one than ``max_message`` is refused. With ``message_time`` a record that says no event time has
    that of its message. With ``events`` messages are requests and responses of inferences, as CloudEvents, and are
    paired; with ``responses``, a topic of their own, by their keys. With ``format`` messages are lines that another
    product logged, told further by ``events``. With ``registry`` values may be of Avro, protocol
    buffers or JSON that a schema registry describes. ``tls`` and ``login`` are left out where brokers
    ask for neither; ``tls: {}`` is TLS with the system's authorities.
    """

    type: Literal["kafka"]
    servers: _Server | Annotated[list[_Server], Field(min_length=1)]
    topic: _Topic
    responses: _Topic | None = None
    format: Literal["rows"] | DialectName = "rows"
    events: LoggedEventSettings | None = None
    max_message: Annotated[Size, Field(ge=1, le=64 * 2**20)] = 2**20
    message_time: bool = False
    registry: RegistrySettings | None = None
    tls: KafkaTls | None = None
    login: KafkaLogin | None = None

    @model_validator(mode="after")
    def _apart(self) -> KafkaSettings:
        if self.responses == self.topic:
            raise ValueError("topic and responses are one; expected two, or no responses")
        if self.registry is not None and self.is_of_events:
            raise ValueError("registry is of records; expected none beside events or responses")
        if self.format != "rows" and (self.responses is not None or self.message_time):
            raise ValueError("format is of logged lines; expected neither responses nor message_time beside it")
        return self

    @property
    def topics(self) -> tuple[str, ...]:
        """Return every topic that is read."""
        return (self.topic,) if self.responses is None else (self.topic, self.responses)

    @property
    def is_of_events(self) -> bool:
        """Say whether messages are halves of inferences, and not records."""
        return self.format == "rows" and (self.events is not None or self.responses is not None)

    @property
    def bootstrap(self) -> str:
        """Return the brokers as the client wants them."""
        return self.servers if isinstance(self.servers, str) else ",".join(self.servers)
