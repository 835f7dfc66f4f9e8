"""Tokens by which a client signs in with a key pair: a JSON Web Token, signed with the private key of a user.

Source: https://docs.snowflake.com/en/developer-guide/sql-api/authenticating and
https://docs.snowflake.com/en/user-guide/key-pair-auth-troubleshooting
"""

import time
from collections.abc import Mapping
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from jwt.types import Options

LOGIN_SECONDS = 60
"""How old a token may be when its client opens a session."""
LONGEST_SECONDS = 3600
"""How old a token of the SQL API may be, whatever it says itself."""
_SKEW_SECONDS = 60
_ALGORITHM = "RS256"
_CLAIMS = ("iss", "sub", "iat", "exp")
# what PyJWT checks by its own clock, or not as Snowflake does
_UNCHECKED = Options(
    verify_exp=False, verify_iat=False, verify_nbf=False, verify_aud=False, verify_iss=False, verify_sub=False
)


class InvalidTokenError(Exception):
    """A token that nobody signs in with; ``code`` is Snowflake's of the reason, the text names that for a person."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(f"JWT token is invalid. {reason}")
        self.code = code


def check(
    token: str, account: str, user: str, keys: Mapping[str, RSAPublicKey], oldest: float, now: float | None = None
) -> None:
    """Check that a user of an account made a token, of late.

    Args:
        token: the client's.
        account, user: the names that the token has to have, in upper case there.
        keys: the user's public keys by their fingerprints.
        oldest: how many seconds ago it may have been issued.
        now: the time in seconds since 1970; the machine's by default.

    Raises:
        InvalidTokenError: if it is another's, too old, or no token.
    """
    key = keys.get(_fingerprint(_claims(token), account.upper(), user.upper()))
    if key is None:
        raise InvalidTokenError(
            "394304",
            f"The fingerprint in its issuer is that of no public key of {user.upper()}: DESCRIBE USER shows those that "
            "there are, ALTER USER … SET RSA_PUBLIC_KEY registers one.",
        )
    _check_times(_claims(token, key), oldest, time.time() if now is None else now)


def _claims(token: str, key: RSAPublicKey | None = None) -> dict[str, Any]:
    """What a token claims; without a key whoever signed it.

    Raises:
        InvalidTokenError: if it is no token, lacks a claim, or was not signed with the key.
    """
    try:
        if jwt.get_unverified_header(token)["alg"] != _ALGORITHM:
            raise InvalidTokenError("394305", f"It is not signed with {_ALGORITHM}.")
        if key is None:
            claims = jwt.decode(token, options={"verify_signature": False})
        else:
            claims = jwt.decode(token, key, [_ALGORITHM], options=_UNCHECKED)
    except jwt.InvalidSignatureError:
        raise InvalidTokenError("394306", "Its signature is not that of the private key of its issuer.") from None
    # of texts that are no token, the parsers below raise the others
    except (jwt.InvalidTokenError, KeyError, TypeError, ValueError, RecursionError):
        raise InvalidTokenError("390144", "It is no JSON Web Token.") from None
    if lacking := [name for name in _CLAIMS if name not in claims]:
        code = "390144" if {"iss", "sub"} & set(lacking) else "394301"
        raise InvalidTokenError(code, f"It lacks {', '.join(lacking)}.")
    return claims


def _fingerprint(claims: dict[str, Any], account: str, user: str) -> str:
    """The fingerprint that a token's issuer, ``ACCOUNT.USER.SHA256:fingerprint``, ends with.

    Raises:
        InvalidTokenError: if issuer or subject are of another account or user.
    """
    issuer, _, fingerprint = str(claims["iss"]).rpartition(".")
    named_account, _, named_user = issuer.partition(".")
    if named_account != account:
        raise InvalidTokenError("394307", f"Its issuer is of the account {named_account[:255]!r}, not of {account}.")
    if named_user != user:
        raise InvalidTokenError("394300", f"Its issuer is the user {named_user[:255]!r}, not {user}.")
    if claims["sub"] != issuer:
        raise InvalidTokenError("390144", f"Its subject is not {issuer}, as its issuer is.")
    return fingerprint


def _check_times(claims: dict[str, Any], oldest: float, now: float) -> None:
    issued, expires = claims["iat"], claims["exp"]
    if any(isinstance(at, bool) or not isinstance(at, (int, float)) for at in (issued, expires)):
        raise InvalidTokenError("394301", "iat and exp have to be seconds since 1970.")
    # compared so that NaN passes neither
    if not now < expires:
        raise InvalidTokenError("394303", "It is expired: make a new one.")
    if not now - oldest <= issued <= now + _SKEW_SECONDS:
        raise InvalidTokenError(
            "394302",
            f"It was issued more than {oldest:g} seconds ago, or later than now: make a new one; compare the client's "
            "clock with that of the server.",
        )
