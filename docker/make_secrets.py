"""Make the secrets of a compose stack once, each in a file of its own in a volume of the stack."""

import json
import os
import secrets
from base64 import urlsafe_b64encode
from pathlib import Path

ADMIN = "admin"


def keep(path: Path, value: str) -> str:
    """Write a secret unless the stack already has it.

    Args:
        path: file of the secret.
        value: what it is when the file is new.

    Returns:
        The secret that is in force.
    """
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(value)
        print(f"made {path.name}", flush=True)
    return path.read_text()


def main() -> None:
    """Make every secret that is missing."""
    folder = Path(os.environ.get("SECRETS_DIR", "/secrets"))
    keep(folder / "fernet-key", urlsafe_b64encode(secrets.token_bytes(32)).decode())
    keep(folder / "jwt-secret", secrets.token_urlsafe(48))
    keep(folder / "api-secret", secrets.token_urlsafe(48))
    database = keep(folder / "postgres-password", secrets.token_urlsafe(24))
    keep(folder / "sql-alchemy-conn", f"postgresql+psycopg2://airflow:{database}@postgres:5432/airflow")
    admin = keep(folder / "admin-password", secrets.token_urlsafe(18))
    keep(folder / "airflow-passwords.json", json.dumps({ADMIN: admin}))


if __name__ == "__main__":
    main()
