"""Exit 0 when the local Snowflake answers over TLS with the certificate that its clients trust."""

import ssl
import sys
from urllib.error import HTTPError
from urllib.request import urlopen


def main() -> int:
    """Send one request; any HTTP answer shows a live server behind a valid certificate.

    Returns:
        0: anything else raises.
    """
    trusted = ssl.create_default_context(cafile="/data/ca.pem")
    try:
        with urlopen("https://localhost:8443/", timeout=8, context=trusted):
            return 0
    except HTTPError:
        return 0


if __name__ == "__main__":
    sys.exit(main())
