"""A cache that is bounded in number and in size."""

from __future__ import annotations

from local_snowflake.sessions.bounded_cache import BoundedCache


def test_the_number_of_values_is_bounded() -> None:
    cache: BoundedCache[str] = BoundedCache(3, 100)
    for i in range(5):
        cache.put(f"K{i}", f"V{i}", 10)
    assert [cache.get(f"K{i}") for i in range(5)] == [None, None, "V2", "V3", "V4"]


def test_the_size_of_values_is_bounded_and_the_newest_is_kept() -> None:
    cache: BoundedCache[str] = BoundedCache(3, 100)
    cache.put("SMALL", "V", 10)
    cache.put("LARGE", "V", 95)
    assert cache.get("SMALL") is None
    cache.put("TOO LARGE", "W", 1000)
    assert (cache.get("LARGE"), cache.get("TOO LARGE")) == (None, "W")


def test_what_was_read_lately_stays() -> None:
    cache: BoundedCache[str] = BoundedCache(2, 100)
    cache.put("A", "a", 1)
    cache.put("B", "b", 1)
    assert cache.get("A") == "a"
    cache.put("C", "c", 1)
    assert (cache.get("A"), cache.get("B"), cache.get("C")) == ("a", None, "c")


def test_values_without_a_size_are_bounded_by_their_number_only() -> None:
    cache: BoundedCache[str] = BoundedCache(2, 0)
    for key in "ABC":
        cache.put(key, key.lower(), 0)
    assert [cache.get(key) for key in "ABC"] == [None, "b", "c"]
