"""Signing in with a key pair: the connector, and clients of the SQL API."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import requests
import snowflake.connector
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from tests.server.connections import run

from local_snowflake.protocol.statement_answers import PATH

KEY, SECOND_KEY = (rsa.generate_private_key(65537, 2048) for _ in range(2))


def public_text(key: rsa.RSAPrivateKey) -> str:
    """What ALTER USER takes: the lines of the PEM but the first and the last."""
    pem = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    return "".join(pem.splitlines()[1:-1])


def private_bytes(key: rsa.RSAPrivateKey) -> bytes:
    return key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())


@pytest.fixture(scope="module")
def admin(snowflake_connection: dict[str, Any]) -> Iterator[snowflake.connector.SnowflakeConnection]:
    with snowflake.connector.connect(**snowflake_connection) as made:
        user = snowflake_connection["user"]
        run(made, f"ALTER USER {user} SET RSA_PUBLIC_KEY = '{public_text(KEY)}'")
        yield made
        run(made, f"ALTER USER {user} UNSET RSA_PUBLIC_KEY, RSA_PUBLIC_KEY_2")


@pytest.fixture
def keyed(snowflake_connection: dict[str, Any], admin: snowflake.connector.SnowflakeConnection) -> dict[str, Any]:
    """The connector's arguments with a key in the place of the password."""
    arguments = {name: value for name, value in snowflake_connection.items() if name != "password"}
    return arguments | {"private_key": private_bytes(KEY)}


def refused(arguments: dict[str, Any]) -> str:
    with pytest.raises(snowflake.connector.errors.DatabaseError) as caught:
        snowflake.connector.connect(**arguments)
    return str(caught.value)


def test_the_connector_signs_in_with_a_registered_key(keyed: dict[str, Any]) -> None:
    with snowflake.connector.connect(**keyed) as connection:
        assert run(connection, "SELECT CURRENT_USER()") == [(keyed["user"].upper(),)]


def test_of_two_keys_one_is_replaced_while_the_other_serves(
    keyed: dict[str, Any], admin: snowflake.connector.SnowflakeConnection
) -> None:
    user, second = keyed["user"], keyed | {"private_key": private_bytes(SECOND_KEY)}
    run(admin, f"ALTER USER {user} SET RSA_PUBLIC_KEY_2 = '{public_text(SECOND_KEY)}'")
    for arguments in (keyed, second):
        snowflake.connector.connect(**arguments).close()
    run(admin, f"ALTER USER {user} UNSET RSA_PUBLIC_KEY_2")
    message = refused(second)
    assert "394304" in message
    assert "ALTER USER … SET RSA_PUBLIC_KEY registers one" in message


def test_an_expired_token_of_the_connector_is_refused(keyed: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JWT_LIFETIME_IN_SECONDS", "-1")
    message = refused(keyed)
    assert "394303" in message
    assert "JWT token is invalid. It is expired" in message


# -- the SQL API ------------------------------------------------------------------------------------------------------


def ask(arguments: dict[str, Any], token: str, kind: str | None = "KEYPAIR_JWT") -> requests.Response:
    headers = {"Authorization": f"Bearer {token}"} | ({"X-Snowflake-Authorization-Token-Type": kind} if kind else {})
    url = f"http://{arguments['host']}:{arguments['port']}{PATH}"
    return requests.post(url, json={"statement": "SELECT CURRENT_USER()"}, headers=headers, timeout=60)


def test_the_sql_api_takes_the_token_that_airflows_provider_makes(keyed: dict[str, Any]) -> None:
    from airflow.providers.snowflake.utils.sql_api_generate_jwt import JWTGenerator

    token = JWTGenerator(keyed["account"], keyed["user"], KEY).get_token()
    assert token is not None
    for kind in ("KEYPAIR_JWT", None):
        assert ask(keyed, token, kind).json()["data"] == [[keyed["user"].upper()]]
