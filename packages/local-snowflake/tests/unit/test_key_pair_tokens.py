"""Tokens of key pairs: which are valid, and why others are not; ALTER USER and DESCRIBE USER."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from tests.unit.in_process import Directory, Runner

from local_snowflake.errors import SnowflakeError
from local_snowflake.sessions.token import SessionToken
from local_snowflake.users.key_pair_tokens import InvalidTokenError, check
from local_snowflake.users.public_keys import fingerprint

NOW = 1_900_000_000.0
KEY, OTHER_KEY = (rsa.generate_private_key(65537, 2048) for _ in range(2))
KEYS = {fingerprint(KEY.public_key()): KEY.public_key()}
SUBJECT = "LOCAL.ME"
VALID = {"iss": f"{SUBJECT}.{next(iter(KEYS))}", "sub": SUBJECT, "iat": NOW - 5, "exp": NOW + 55}


def token(key: Any = KEY, algorithm: str = "RS256", **changes: Any) -> str:
    claims = {name: value for name, value in (VALID | changes).items() if value is not None}
    return jwt.PyJWS().encode(json.dumps(claims).encode(), key, algorithm)


def checked(text: str, oldest: float = 60) -> str:
    """The code that a token is refused with; empty if it is valid."""
    try:
        check(text, "LOCAL", "me", KEYS, oldest, NOW)
    except InvalidTokenError as error:
        return error.code if str(error).startswith("JWT token is invalid. ") else str(error)
    return ""


def unsigned(header: dict[str, Any], payload: str) -> str:
    parts = (json.dumps(header).encode(), payload.encode(), b"signature")
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({}, ""),
        # a minute of a client's clock, whichever way
        ({"iat": NOW - 60}, ""),
        ({"iat": NOW + 60}, ""),
        ({"iat": NOW - 61}, "394302"),
        ({"iat": NOW + 61}, "394302"),
        ({"iat": float("nan")}, "394302"),
        ({"iat": 10**400}, "394302"),
        ({"exp": NOW}, "394303"),
        ({"exp": float("nan")}, "394303"),
        ({"exp": 10**400}, ""),
        ({"exp": "soon"}, "394301"),
        ({"exp": None}, "394301"),
        ({"iat": None}, "394301"),
        ({"iss": None}, "390144"),
        ({"sub": None}, "390144"),
        ({"iss": 7}, "394307"),
        ({"iss": str(VALID["iss"]).replace("LOCAL", "local")}, "394307"),
        ({"iss": str(VALID["iss"]).replace("ME", "YOU"), "sub": "LOCAL.YOU"}, "394300"),
        ({"sub": "LOCAL.YOU"}, "390144"),
        ({"sub": 7}, "390144"),
        ({"iss": f"{SUBJECT}.{fingerprint(OTHER_KEY.public_key())}"}, "394304"),
        ({"key": OTHER_KEY}, "394306"),
        ({"algorithm": "RS512"}, "394305"),
        ({"key": "a secret of more than thirty-two bytes", "algorithm": "HS256"}, "394305"),
    ],
)
def test_a_token_is_of_the_account_the_user_and_its_key_and_of_late(changes: dict[str, Any], code: str) -> None:
    assert checked(token(**changes)) == code


def test_a_token_of_the_sql_api_is_valid_for_an_hour_whatever_it_says() -> None:
    day = NOW + 86_400
    assert checked(token(iat=NOW - 3600, exp=day), 3600) == ""
    assert checked(token(iat=NOW - 3601, exp=day), 3600) == "394302"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no token",
        "a.b.c",
        "é.é.é",
        "\udcff.b.c",
        unsigned({}, "{}"),
        unsigned({"alg": ["RS256"]}, "{}"),
        unsigned({"alg": "none"}, json.dumps(VALID)),
        unsigned({"alg": "RS256"}, "[]"),
        unsigned({"alg": "RS256"}, "[" * 100_000),
        unsigned({"alg": "RS256"}, json.dumps(VALID)),
        token()[:-4],
        token() + "A",
    ],
)
def test_what_is_no_token_is_refused(text: str) -> None:
    assert checked(text) in {"390144", "394305", "394306"}


# -- statements -------------------------------------------------------------------------------------------------------


def pem_body(key: Any, width: int = 64) -> str:
    """A public key as ALTER USER has it, on lines as in its file."""
    text = base64.b64encode(key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).decode()
    return "\n".join(text[i : i + width] for i in range(0, len(text), width))


@pytest.fixture
def directory(tmp_path: Path) -> Iterator[Directory]:
    made = Directory(tmp_path / "data")
    yield made
    made.close()


def described(run: Runner) -> dict[str, str]:
    return {name: value for name, value, _, _ in run("DESC USER TEST")}


def test_a_user_has_two_keys_that_outlive_a_restart(directory: Directory) -> None:
    run = directory.open()
    assert {described(run)[f"RSA_PUBLIC_KEY{slot}"] for slot in ("", "_FP", "_2", "_2_FP")} == {"null"}
    run(f"ALTER USER test SET RSA_PUBLIC_KEY = '{pem_body(KEY)}' RSA_PUBLIC_KEY_2 = '{pem_body(OTHER_KEY)}'")
    run("ALTER USER IF EXISTS TEST SET COMMENT = 'me'")
    run = directory.open()
    before = described(run)
    assert before["RSA_PUBLIC_KEY_FP"] == fingerprint(KEY.public_key())
    assert before["RSA_PUBLIC_KEY_2_FP"] == fingerprint(OTHER_KEY.public_key())
    assert before["COMMENT"] == "me"
    run("ALTER USER TEST UNSET RSA_PUBLIC_KEY, COMMENT")
    after = described(run)
    removed = {"RSA_PUBLIC_KEY": "null", "RSA_PUBLIC_KEY_FP": "null", "COMMENT": "null"}
    assert after == before | removed
    run("ALTER USER SET RSA_PUBLIC_KEY_2 = ''")
    assert described(run)["RSA_PUBLIC_KEY_2_FP"] == "null"


def test_what_alter_user_does_not_take_changes_nothing(directory: Directory) -> None:
    run = directory.open()
    run(f"ALTER USER TEST SET RSA_PUBLIC_KEY = '{pem_body(KEY)}'")
    before = described(run)
    short, curve = rsa.generate_private_key(65537, 1024), ec.generate_private_key(ec.SECP256R1())
    for sql, reason in {
        "ALTER USER TEST SET RSA_PUBLIC_KEY_2 = 'garbage'": "Invalid Public key",
        f"ALTER USER TEST SET COMMENT = 'x', RSA_PUBLIC_KEY = '{pem_body(short)}'": "smaller than minimal",
        f"ALTER USER TEST SET RSA_PUBLIC_KEY = '{pem_body(curve)}'": "keys of RSA only",
        "ALTER USER TEST SET RSA_PUBLIC_KEY = '-----BEGIN PUBLIC KEY-----'": "without the lines",
        "ALTER USER TEST SET RSA_PUBLIC_KEY_FP = 'SHA256:x'": "RSA_PUBLIC_KEY_FP of a user",
        "ALTER USER TEST SET DEFAULT_ROLE = SYSADMIN": "DEFAULT_ROLE of a user",
        "ALTER USER TEST SET": "has no property",
        "ALTER USER TEST RENAME TO U": "expected SET or UNSET",
        f"ALTER USER ELSE SET RSA_PUBLIC_KEY = '{pem_body(KEY)}'": "User 'ELSE' does not exist",
        "DESC USER ELSE": "User 'ELSE' does not exist",
    }.items():
        with pytest.raises(SnowflakeError, match=reason):
            run(sql)
    run("ALTER USER IF EXISTS ELSE UNSET RSA_PUBLIC_KEY")
    assert described(run) == before


def test_a_procedure_registers_no_key(directory: Directory) -> None:
    run = directory.open()
    inner = SessionToken(run.token.session, parent=run.token)
    with pytest.raises(SnowflakeError, match="ALTER USER in a procedure"):
        run.account.execute(inner, f"ALTER USER TEST SET RSA_PUBLIC_KEY = '{pem_body(KEY)}'")
    assert described(run)["RSA_PUBLIC_KEY"] == "null"
