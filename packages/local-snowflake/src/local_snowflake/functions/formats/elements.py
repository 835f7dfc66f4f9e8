"""The elements of formats of dates and times, in upper or lower case.

Source: https://docs.snowflake.com/en/sql-reference/date-time-input-output#about-the-elements-used-in-input-and-output-formats
"""

import re
from functools import lru_cache

from local_snowflake.errors import not_supported

# the elements of dates and times -> strftime's and strptime's letters
ELEMENTS = {
    "YYYY": "%Y",
    "UUUU": "%Y",
    "YY": "%y",
    "MMMM": "%B",
    "MON": "%b",
    "MM": "%m",
    "DD": "%d",
    "DY": "%a",
    "HH24": "%H",
    "HH12": "%I",
    "AM": "%p",
    "PM": "%p",
    "MI": "%M",
    "SS": "%S",
    # what clients put behind a time in that zone
    "UTC": "UTC",
}
# what strftime has no letter for: the digits of a second's fraction, and the offset
FRACTION, OFFSETS = re.compile(r"FF(\d?)\Z"), {"TZHTZM": "", "TZH:TZM": ":", "TZH": "H"}
_TOKEN = re.compile(r'"[^"]*"|' + "|".join([r"FF\d?", *OFFSETS, *ELEMENTS]) + r"|T(?=HH)|[^A-Za-z\"]|.", re.I | re.S)


@lru_cache(maxsize=256)
def tokens_of(written: str) -> tuple[str, ...]:
    """The elements of a format in upper case, and what stands between them as it is.

    Raises 000002 for letters that are no element and stand in no double quotes.
    """
    found = []
    for token in _TOKEN.findall(written):
        name = token.upper()
        if name in ELEMENTS or name in OFFSETS or FRACTION.match(name):
            found.append(name)
        elif token.startswith('"') and len(token) > 1:
            # longer than any element, so that it is none
            found.append(f'"{token[1:-1]}')
        elif re.fullmatch(r"[A-SU-Za-su-z]", token):
            raise not_supported(f"the format '{written}' of dates and times: '{token}' is no element of it")
        else:
            found.append(token)
    return tuple(found)
