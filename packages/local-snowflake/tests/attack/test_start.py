"""A start with what cannot be used: one line says what it is and what to do."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from local_snowflake.__main__ import main
from local_snowflake.protocol.certificates import ensure_certificate
from local_snowflake.protocol.connection import connection_arguments
from local_snowflake.protocol.limits import VARIABLE, memory_limit
from local_snowflake.protocol.serve import secret_of


@pytest.mark.parametrize(
    ("option", "value", "text"),
    [
        ("--port", "99999", "'99999' is no port: a number from 0 to 65535"),
        ("--port", "-1", "is no port"),
        ("--port", "", "'' is no port"),
        ("--port", "https", "'https' is no port"),
        ("--log-level", "LOUD", "invalid choice: 'LOUD'"),
        ("--answer-seconds", "nan", "'nan' is no number of seconds above 0"),
        ("--idle-session-seconds", "-5", "'-5' is no number of seconds above 0"),
        ("--idle-transaction-seconds", "soon", "'soon' is no number of seconds above 0"),
    ],
)
def test_an_option_that_makes_no_sense(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, option: str, value: str, text: str
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["serve", "--data-dir", str(tmp_path / "data"), f"{option}={value}"])
    assert ended.value.code == 2
    assert text in capsys.readouterr().err
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize(
    ("token", "text"),
    [(b" \n", "is empty"), (b"\xff\x00secret", "is not one line"), (b"two\nlines", "is not one line")],
)
def test_a_password_that_is_none(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, token: bytes, text: str
) -> None:
    (tmp_path / "token").write_bytes(token)
    # the rest of a start is about this process: its files, its memory
    monkeypatch.setattr("local_snowflake.__main__.serve", lambda directory, *_, **__: secret_of(directory))
    assert main(["serve", "--data-dir", str(tmp_path)]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert str(tmp_path / "token") in line
    assert text in line
    assert "delete it, and a new one is made" in line
    assert (tmp_path / "token").read_bytes() == token


@pytest.mark.parametrize("content", [b"", b"no key", b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"])
@pytest.mark.parametrize("name", ["key.pem", "ca.pem"])
def test_a_key_or_certificate_that_is_none_is_made_again(tmp_path: Path, name: str, content: bytes) -> None:
    ensure_certificate(tmp_path)
    good = (tmp_path / name).read_bytes()
    (tmp_path / name).write_bytes(content)
    ensure_certificate(tmp_path)
    made = (tmp_path / name).read_bytes()
    assert made.startswith(b"-----BEGIN")
    assert made not in {good, content}


@pytest.mark.parametrize("state", ["", "[]", "{}", "7", json.dumps({"account": "x"})])
def test_a_state_that_is_none(tmp_path: Path, capsys: pytest.CaptureFixture[str], state: str) -> None:
    (tmp_path / "server.json").write_text(state)
    (tmp_path / "token").write_text("secret")
    with pytest.raises(FileNotFoundError, match="is damaged: start the server again"):
        connection_arguments(tmp_path)
    assert main(["connection", "--data-dir", str(tmp_path)]) == 1
    assert len(capsys.readouterr().err.splitlines()) == 1


@pytest.mark.parametrize("value", ["", "lots", "-1", "1000", "8GB"])
def test_a_memory_limit_that_is_none(value: str) -> None:
    with pytest.raises(ValueError, match=f"{VARIABLE} is .* a number of bytes"):
        memory_limit({VARIABLE: value})


def test_the_memory_limit() -> None:
    assert memory_limit({VARIABLE: str(4 * 1024**3)}) == 4 * 1024**3
    assert memory_limit({}) <= 8 * 1024**3
