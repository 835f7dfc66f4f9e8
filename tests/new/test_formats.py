"""How numbers and dates are written is recognized by the whole column, and the SQL that is written reads the same."""

from typing import Any

import pytest
from snowflake.snowpark import Session

from snowloop.new.formats import recognize
from snowloop.sql import literal

STYLES: dict[str, tuple[list[str], str, list[float], list[str]]] = {
    "thousands": (["20,000", "21,500", "900", "1,234,567"], ",", [20000, 21500, 900, 1234567], ["1,5", "12,34", "x"]),
    "cents": (["1,200.50", "3.25", ".5"], ",", [1200.5, 3.25, 0.5], ["1.200,50"]),
    "decimal comma": (["0,517", "12,5", "-3,25"], ";", [0.517, 12.5, -3.25], ["1,234,567", "1.234"]),
    "German": (["1.234,50", "900", "-12.345.678"], ";", [1234.5, 900, -12345678], ["1,234.50"]),
    "French": (["1\u202f234,5", "12,5"], ";", [1234.5, 12.5], ["1.234"]),
    "Swiss": (["1'234.50", "12.50"], ",", [1234.5, 12.5], ["1,234"]),
    "dollars": (["$1,200.00", "-$3.50", "$ 7"], ",", [1200, -3.5, 7], ["$1,20"]),
    "accounts": (["($1,200.00)", "$3.50"], ",", [-1200, 3.5], ["1,2"]),
    "rupees": (["Rs. 1,200.50", "Rs. 7"], ",", [1200.5, 7], ["Rs. 1,20"]),
    "typeset minus": (["\u22123.5", "4.25", "\u22120.5"], ",", [-3.5, 4.25, -0.5], ["3.5\u2212"]),
    "euros": (["12,50 €", "1.000,00 €"], ";", [12.5, 1000], ["12.5 €"]),
    "codes": (["USD 12.50", "USD 1,000"], ",", [12.5, 1000], ["US 5"]),
    "percent": (["30.0%", "31.7 %"], ",", [30, 31.7], ["a%"]),
}


@pytest.mark.parametrize("style", STYLES)
def test_numbers_are_read_by_the_style_of_the_column(style: str):
    texts, delimiter, values, _ = STYLES[style]
    reading = recognize(texts, delimiter)
    assert reading
    assert reading.kind in ("integer", "float")
    assert [float(reading.values[text]) for text in texts] == values
    assert not reading.odd


def test_the_sql_that_is_written_reads_what_was_read_and_gives_null_for_any_other_style(session: Session):
    expected: list[Any] = []
    parts: list[str] = []
    for texts, delimiter, values, others in STYLES.values():
        reading = recognize(texts, delimiter)
        assert reading
        assert reading.expression
        for text, value in [*zip(texts, values, strict=True), *((other, None) for other in others)]:
            parts.append(
                f"SELECT {len(parts)} AS N, {reading.expression.format('V')} AS R FROM (SELECT {literal(text)} AS V)"
            )
            expected.append(value)
    rows = session.sql(" UNION ALL ".join(parts) + " ORDER BY N").collect()
    assert [row["R"] for row in rows] == expected


@pytest.mark.parametrize(
    "texts",
    [
        ["00123", "00456"],
        ["555-1234", "555-4321"],
        ["192.168.100.200", "10.0.0.1"],
        ["5%", "5"],
        ["12 kg", "13 kg"],
        ["A1", "B2"],
        ["1.2.3", "1.2.4"],
        ["0", "1", "2+"],
        ["18.00.00", "19.30.00", "00.15.00"],
        ["18:00", "07:30"],
    ],
)
def test_codes_and_units_stay_text(texts: list[str]):
    assert recognize(texts, ",") is None


def test_a_comma_before_three_digits_is_read_by_the_delimiter_of_the_file_and_the_doubt_is_reported():
    english, german = (recognize(["21,500", "23,000"], delimiter) for delimiter in ",;")
    assert english
    assert german
    assert (english.values["21,500"], german.values["21,500"]) == ("21500", "21.500")
    assert english.doubt == "21,500 is read as 21500; it may also be 21.500"
    assert german.doubt == "21,500 is read as 21.500; it may also be 21500"
    certain = recognize(["21,500", "1,234,567"], ";")
    assert certain
    assert (certain.values["21,500"], certain.doubt) == ("21500", "")


@pytest.mark.parametrize("odd", [["inf", "-inf"], ["1e999"], ["unknown"], ["1,5"]])
def test_a_few_texts_that_are_no_numbers_are_named(odd: list[str]):
    reading = recognize([*(f"{number}.5" for number in range(40)), *odd], ",")
    assert reading
    assert (reading.kind, reading.odd, reading.expression) == ("float", tuple(sorted(odd)), None)


def test_numbers_of_64_bits_without_a_sign_are_whole_numbers():
    assert recognize(["18446744073709551615", "9223372036854775808"], ",").kind == "integer"  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("texts", "delimiter", "form", "first"),
    [
        (["01/13/2023", "1/3/2023"], ",", "MM/DD/YYYY", "2023-01-13"),
        (["13/01/2023", "02/03/2023"], ",", "DD/MM/YYYY", "2023-01-13"),
        (["31.12.2023", "01.02.2023"], ";", "DD.MM.YYYY", "2023-12-31"),
        (["2023/12/31"], ",", "YYYY/MM/DD", "2023-12-31"),
        (["31-Dec-2023", "01-Feb-2023"], ",", "DD-MON-YYYY", "2023-12-31"),
        (["31 December 2023", "1 May 2023"], ",", "DD MMMM YYYY", "2023-12-31"),
        (["December 31, 2023", "May 1, 2023"], ",", "MMMM DD, YYYY", "2023-12-31"),
        (["20231231", "20230101", "20240229"], ",", "YYYYMMDD", "2023-12-31"),
        (["12/31/23", "1/2/23"], ",", "MM/DD/YY", "2023-12-31"),
        (["13/01/2023 07:30", "14/01/2023 23:59"], ",", "DD/MM/YYYY HH24:MI", "2023-01-13 07:30:00"),
        (["01/13/2023 07:30:00 PM"], ",", "MM/DD/YYYY HH12:MI:SS AM", "2023-01-13 19:30:00"),
    ],
)
def test_dates_are_read_in_the_order_of_the_column(
    session: Session, texts: list[str], delimiter: str, form: str, first: str
):
    reading = recognize(texts, delimiter)
    assert reading
    assert form in str(reading.expression)
    assert reading.values[texts[0]] == first
    assert not reading.doubt
    sql = str(reading.expression).format(literal(texts[0]))
    wrong = str(reading.expression).format("'no date'")
    assert [str(value) for value in session.sql(f"SELECT {sql}, {wrong}").collect()[0]] == [first, "None"]


def test_an_order_of_day_and_month_that_no_date_decides_is_reported():
    reading = recognize(["01/02/2023", "03/04/2023"], ",")
    assert reading
    assert "the order may also be DD/MM/YYYY" in reading.doubt
    assert "'DD/MM/YYYY'" in str(recognize(["01/02/2023"], ";").expression)  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "texts", [["20231231", "20239999", "20230101"], ["20231231", "20230101"], ["31129999", "12345678"]]
)
def test_whole_numbers_that_are_no_days_of_a_calendar_or_too_few_stay_numbers(texts: list[str]):
    reading = recognize(texts, ",")
    assert reading
    assert (reading.kind, reading.expression) == ("integer", None)


def test_days_and_moments_in_one_column_are_moments():
    assert recognize(["2023-01-01", "2023-01-02 07:30:00"], ",").kind == "timestamp"  # type: ignore[union-attr]
