"""Exit 0 when the local Snowflake runs statements, over TLS with the certificate that its clients trust."""

import ssl
import sys
from urllib.error import HTTPError
from urllib.request import urlopen


def main() -> int:
    """Ask the server's health, for which it asks its database something.

    Returns:
        0: it is healthy; 1: it is not, and says why. Without an answer it raises.
    """
    trusted = ssl.create_default_context(cafile="/data/ca.pem")
    try:
        with urlopen("https://localhost:8443/health", timeout=8, context=trusted):
            return 0
    except HTTPError as error:
        print(error.read().decode(errors="replace"), file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
