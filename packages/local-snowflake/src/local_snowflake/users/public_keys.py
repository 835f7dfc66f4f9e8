"""A user's public keys: two, so that one is replaced while clients still sign in with the other.

Source: https://docs.snowflake.com/en/user-guide/key-pair-auth
"""

import base64
import binascii
import hashlib
from datetime import datetime

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_public_key

from local_snowflake.catalog.objects import Object, RecordedOptions
from local_snowflake.errors import SnowflakeError, execution_error

PROPERTIES = ("RSA_PUBLIC_KEY", "RSA_PUBLIC_KEY_2")
"""The properties of a user that hold a key; of each the user also has the time when it was set last."""
_BITS = 2048


def set_time_of(key: str) -> str:
    """The property with the time when a key was set last, eg: ``RSA_PUBLIC_KEY_2_LAST_SET_TIME``."""
    return f"{key}_LAST_SET_TIME"


def read_public_key(text: str) -> RSAPublicKey:
    """The key of a text as ALTER USER has it: a public key's PEM without its first and last line.

    Raises 100132, unverified on an account: the number, if it is none, not RSA's, or shorter than 2048 bits.
    """
    try:
        key = load_der_public_key(base64.b64decode("".join(text.split()), validate=True))
    except (ValueError, binascii.Error, UnsupportedAlgorithm):
        hint = "it has to be the PEM of a public key, without the lines -----BEGIN … and -----END …"
        raise _rejected(f"'Invalid Public key': {hint}") from None
    if not isinstance(key, RSAPublicKey):
        raise _rejected("the local Snowflake knows keys of RSA only")
    if key.key_size < _BITS:
        raise _rejected(f"'Key length {key.key_size} is smaller than minimal requirement of {_BITS}.'")
    return key


def _rejected(reason: str) -> SnowflakeError:
    return execution_error(f"SQL execution error:\nNew public key rejected by current policy. Reason: {reason}")


def fingerprint(key: RSAPublicKey) -> str:
    """A key's fingerprint as tokens and DESCRIBE USER have it: ``SHA256:`` and the hash of its DER in base64."""
    encoded = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return f"SHA256:{base64.b64encode(hashlib.sha256(encoded).digest()).decode()}"


def keys_of(user: Object[RecordedOptions] | None) -> dict[str, RSAPublicKey]:
    """The keys of a user by their fingerprints; none of a user that the catalog does not have."""
    options = user.props.root if user else {}
    keys = (read_public_key(str(options[name])) for name in PROPERTIES if options.get(name))
    return {fingerprint(key): key for key in keys}


def changed(options: dict[str, str | list[str]], key: str, text: str, now: datetime) -> dict[str, str | list[str]]:
    """A user's options after a key was set, or removed by an empty text, which keeps the time of the last one.

    Raises 100132 as ``read_public_key``.
    """
    kept = {name: value for name, value in options.items() if name != key}
    if not text:
        return kept
    read_public_key(text)
    return kept | {key: text, set_time_of(key): now.isoformat()}
