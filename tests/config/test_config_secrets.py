from __future__ import annotations

import base64
from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import SecretStr

from monitor.config import Loaded
from monitor.errors import ConfigError, Fault
from monitor.receivers.webhook import WebhookSettings

Faults = Callable[..., list[Fault]]
Load = Callable[..., Loaded]

SECRETS = ["whsec_" + base64.b64encode(letter * 30).decode() for letter in (b"a", b"b")]
CANARY = "hunter2-canary-7f3a"


def with_receiver(**keys: str) -> str:
    """Return a config with one webhook that has these keys beside its defaults, each as YAML."""
    given = {"name": "job", "type": "webhook", "url": "http://127.0.0.1:9/x", "secret": SECRETS[0]} | keys
    lines = "".join(f"    {key}: {value}\n" for key, value in given.items() if value)
    return (
        "models:\n  - name: churn\n    records: {type: files, path: x}\n    reference: {path: r.csv}\n"
        f"receivers:\n  -\n{lines}"
    )


def hook(loaded: Loaded) -> WebhookSettings:
    """Return the webhook of a config."""
    found = loaded.config.receivers[0]
    assert isinstance(found, WebhookSettings)
    return found


def test_a_variable_stands_for_its_value(load: Load) -> None:
    """``${NAME}`` is the environment variable, also within a text."""
    found = hook(load(with_receiver(url="http://${HOST}:${PORT}/x"), HOST="localhost", PORT="9"))
    assert found.url.get_secret_value() == "http://localhost:9/x"


def test_a_number_may_come_from_the_environment(load: Load) -> None:
    """A number from the environment is read as a number where one belongs."""
    text = with_receiver().replace("records:", "rows_per_window: ${ROWS}\n    records:")
    assert load(text, ROWS="7").config.models[0].rows_per_window == 7


def test_two_dollars_are_one(load: Load) -> None:
    """``$${`` is a plain ``${``, so that any text can be written."""
    assert hook(load(with_receiver(url="http://127.0.0.1/$${x}"))).url.get_secret_value() == "http://127.0.0.1/${x}"


def test_a_value_is_not_read_again(load: Load) -> None:
    """A variable whose value looks like a variable is taken as it is."""
    found = hook(load(with_receiver(url="http://127.0.0.1/${A}"), A="${B}", B="x"))
    assert found.url.get_secret_value() == "http://127.0.0.1/${B}"


def test_a_variable_that_is_not_set_is_named(faults_of: Faults) -> None:
    """A missing variable is one fault, and what would follow from it is none."""
    found = faults_of(with_receiver(url="http://${HOST}/${PATH_}"), HOST="x")
    assert [(fault.code, fault.path, fault.message) for fault in found] == [
        ("E110", "receivers[job].url", "environment variable PATH_ is not set")
    ]


def test_a_secret_is_read_from_its_file(load: Load, tmp_path: Path) -> None:
    """``secret_file`` is relative to the config file, and the line end of its last line is no part of the secret."""
    (tmp_path / "secret").write_text(f"{SECRETS[0]}\r\n")
    (tmp_path / "secret").chmod(0o600)
    loaded = load(with_receiver(secret="", secret_file="secret"))
    assert [key.get_secret_value() for key in hook(loaded).secret] == SECRETS[:1]
    assert loaded.warnings == ()


def test_two_secrets_are_read_from_two_files(load: Load, tmp_path: Path) -> None:
    """While keys are changed, ``secret_file`` is a list."""
    for name, secret in zip("ab", SECRETS, strict=True):
        (tmp_path / name).write_text(secret)
    loaded = load(with_receiver(secret="", secret_file="[a, b]"))
    assert [key.get_secret_value() for key in hook(loaded).secret] == SECRETS


def test_a_secret_that_everybody_may_read_is_warned_of(load: Load, tmp_path: Path) -> None:
    """A secret file with mode 0644 is W112, and is used."""
    (tmp_path / "secret").write_text(SECRETS[0])
    (tmp_path / "secret").chmod(0o644)
    warnings = load(with_receiver(secret="", secret_file="secret")).warnings
    assert [(fault.code, fault.path, fault.message) for fault in warnings] == [
        ("W112", "receivers[job].secret_file", "readable by every user (mode 0644)")
    ]


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (None, "cannot read (No such file or directory)"),
        (b"", "empty; expected a file with the secret alone"),
        (b"\n", "empty; expected a file with the secret alone"),
        (b"\xff\xff", "not UTF-8 text; expected a file with the secret alone"),
        (b"x" * 70_000, "more than 65536 bytes; expected a file with the secret alone"),
    ],
)
def test_a_secret_file_that_cannot_serve_is_one_fault(
    faults_of: Faults, tmp_path: Path, content: bytes | None, why: str
) -> None:
    """A secret file that is missing, empty, too long or no text is E111, and what would follow from it is none."""
    if content is not None:
        (tmp_path / "secret").write_bytes(content)
    found = faults_of(with_receiver(secret="", secret_file="secret"))
    assert [(fault.code, fault.path, fault.message) for fault in found] == [("E111", "receivers[job].secret_file", why)]


def test_a_folder_is_no_secret(faults_of: Faults) -> None:
    """What is not a regular file is never read."""
    found = faults_of(with_receiver(secret="", secret_file="/dev/zero"))
    assert [(fault.code, fault.message) for fault in found] == [("E111", "not a regular file")]


def test_a_secret_is_given_once(faults_of: Faults, tmp_path: Path) -> None:
    """A secret and its file together are a fault: one of them is not meant."""
    (tmp_path / "secret").write_text(SECRETS[1])
    found = faults_of(with_receiver(secret_file="secret"))
    assert [(fault.code, fault.path) for fault in found] == [("E113", "receivers[job].secret")]


@pytest.mark.parametrize(
    ("keys", "code"),
    [
        ({"secret": CANARY}, "E122"),
        ({"secret": f"whsec_{CANARY}"}, "E122"),
        ({"secret": f"[[{CANARY}]]"}, "E102"),
        ({"url": f"ftp://{CANARY}"}, "E120"),
        ({"url": f"http://user:{CANARY}@host/"}, "E120"),
        ({"url": f"[{CANARY}]"}, "E102"),
        ({"secret_file": CANARY, "secret": ""}, "E111"),
        ({"timeout": "${C}"}, "E102"),
        ({"name": "${C}!"}, "E108"),
        ({"type": "${C}"}, "E103"),
    ],
)
def test_no_fault_shows_a_secret(faults_of: Faults, keys: dict[str, str], code: str) -> None:
    """A fault about a secret, or about what came from the environment, says its type and length only."""
    found = faults_of(with_receiver(**keys), C=CANARY)
    assert code in [fault.code for fault in found]
    shown = "\n".join(map(str, found))
    assert CANARY not in shown or "secret_file" in keys  # the path of a secret's file is no secret
    assert CANARY not in repr([fault for fault in found if fault.code != "E111"])


def test_nothing_loaded_shows_a_secret(load: Load) -> None:
    """The representation of a loaded config holds no secret, wherever it came from."""
    loaded = load(with_receiver(url="http://127.0.0.1/${C}"), C=CANARY)
    assert CANARY not in repr(loaded)
    assert SECRETS[0] not in repr(loaded)


def test_logs_are_told_of_every_secret(load: Load) -> None:
    """Secrets of the file, of the environment and of secret files are known to who redacts."""
    loaded = load(with_receiver(url="http://127.0.0.1/${C}"), C=CANARY)
    assert {CANARY, SECRETS[0], f"http://127.0.0.1/{CANARY}"} == loaded.secrets


def test_the_hash_is_of_settings_not_of_text(load: Load) -> None:
    """Comments, the order of keys, defaults written out and a changed secret leave the hash alone."""
    plain = load(with_receiver())
    other = load("# a comment\n" + with_receiver(timeout="15s", secret=SECRETS[1]))
    assert plain.hash == other.hash


def test_the_hash_changes_with_a_setting(load: Load) -> None:
    """A setting with another value gives another hash, of twelve digits."""
    assert load(with_receiver()).hash != load(with_receiver(timeout="14s")).hash


def test_the_hash_is_short_and_says_how_it_was_made(load: Load) -> None:
    """A hash is sha256 and twelve hexadecimal digits."""
    name, _, digits = load(with_receiver()).hash.partition(":")
    assert (name, len(digits), set(digits) <= set("0123456789abcdef")) == ("sha256", 12, True)


def test_a_secret_of_a_settings_class_is_a_secret_here() -> None:
    """The webhook's secrets are of pydantic's secret type, which is how they are known."""
    assert WebhookSettings.model_fields["url"].annotation is SecretStr


def test_an_exception_of_the_config_shows_all_faults(load: Load) -> None:
    """What is raised says every fault, so that a log of it is enough."""
    with pytest.raises(ConfigError) as caught:
        load(with_receiver(url="${A}", secret="${B}"))
    assert str(caught.value).count("E110") == 2
