"""Draws what monitoring found over time."""

from collections.abc import Callable, Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING

from markupsafe import Markup

from snowloop.lifecycle.report.monitoring.history import (
    DayOfRuns,
    DriftOfWindow,
    MonitoringHistory,
    PerformanceOfWindow,
    ScoreBin,
)
from snowloop.lifecycle.report.svg import BLUE, COLOURS, GREY, ORANGE, draw

if TYPE_CHECKING:
    from matplotlib.axes import Axes

RED = "#c44b5a"
LEVELS = (0.5, 0.8, 1.0, 2.5)
"""Shares of the bound at which the colour changes: 0.8 and 2.5 are those of alerts by default."""
LEVEL_COLOURS = ("#8a8f9833", "#3b82c455", "#3b82c4aa", ORANGE, RED)
LEVEL_WORDS = ("below half of the bound", "to 0.8", "to the bound", "over it", "over 2.5 times")
MOST_SUBJECTS = 20
"""Features in the plot of drift, those whose drift is nearest to their bound."""
TOTAL, SCORE = "(total)", "(score)"
WIDE, NARROW = 9.6, 4.7
DURATIONS = {
    1: "1 s", 10: "10 s", 60: "1 min", 600: "10 min", 3600: "1 h", 21_600: "6 h", 86_400: "1 day", 604_800: "7 days",
}  # fmt: skip
LONGEST_NAME = 28

DRIFT, SCORES, MEAN, PERFORMANCE, VOLUME, LATENCY = (
    "Drift by feature and window", "Distribution of the scores", "Mean score by day", "Performance on late labels",
    "Rows by day", "Latency from load to score, by day of the load",
)  # fmt: skip


def plots(history: MonitoringHistory) -> dict[str, Markup]:
    """Draw the plots for which there are points.

    Args:
        history: What monitoring found.

    Returns:
        SVG elements by title, in the order in which they are shown.
    """
    made: dict[str, Markup] = {}
    subjects = nearest_to_bound(history.drift)
    measured = [each for each in history.performance if each.value is not None or each.estimate is not None]
    waited = [each for each in history.latencies if each.half is not None]

    def add(title: str, shown: bool, fill: "Callable[[Axes], None]", height: float, width: float = NARROW) -> None:
        if shown:
            made[title] = draw(title, fill, height, width)

    height = 1.3 + 0.22 * len(subjects)
    add(DRIFT, bool(subjects), lambda axes: _drift(axes, history.drift, subjects), height, WIDE)
    add(PERFORMANCE, bool(measured), lambda axes: _performance(axes, history, measured), 3.0, WIDE)
    add(SCORES, any(each.rows for each in history.scores), lambda axes: _scores(axes, history.scores), 3.0)
    add(MEAN, bool(history.mean_scores), lambda axes: _mean_scores(axes, history), 3.0)
    add(VOLUME, bool(history.days), lambda axes: _volume(axes, history.days), 3.0)
    add(LATENCY, bool(waited), lambda axes: _latency(axes, history), 3.0)
    return made


def nearest_to_bound(drift: Sequence[DriftOfWindow]) -> list[str]:
    """What the plot of drift shows: the total, the scores, and the features that come nearest to their bound.

    Args:
        drift: Drift by window.

    Returns:
        At most MOST_SUBJECTS names, the total and the scores first.
    """
    highest: dict[str, float] = {}
    for each in drift:
        highest[each.subject] = max(highest.get(each.subject, 0.0), each.value / each.bound)
    order = sorted(highest, key=lambda name: (name != TOTAL, name != SCORE, -highest[name], name))
    return order[:MOST_SUBJECTS]


def _windows(drift: Sequence[DriftOfWindow]) -> list[tuple[datetime, datetime, str]]:
    return list(dict.fromkeys((each.start, each.end, each.version) for each in drift))


def _drift(axes: "Axes", drift: Sequence[DriftOfWindow], subjects: Sequence[str]) -> None:
    """A cell for each subject and window, coloured by the share of the bound; a line where the version changes."""
    from matplotlib.patches import Patch

    windows = _windows(drift)
    column = {window: place for place, window in enumerate(windows)}
    for row, subject in enumerate(subjects):
        cells = {column[each.start, each.end, each.version]: each for each in drift if each.subject == subject}
        for level, colour in enumerate(LEVEL_COLOURS):
            places = [place for place, each in cells.items() if _level(each) == level]
            axes.broken_barh([(place - 0.46, 0.92) for place in places], (row - 0.42, 0.84), facecolors=colour)
    axes.set_yticks(range(len(subjects)), [_short(name) for name in subjects])
    axes.set(ylim=(len(subjects) - 0.5, -0.5), xlim=(-0.6, max(len(windows), 12) - 0.4))
    axes.tick_params(axis="y", length=0)
    axes.grid(visible=False)
    every = max(1, -(-len(windows) // 10))
    shown = range(0, len(windows), every)
    axes.set_xticks(list(shown), [f"{windows[place][0]:%b %d}" for place in shown])
    for place in range(1, len(windows)):
        if windows[place][2] != windows[place - 1][2]:
            axes.axvline(place - 0.5, color=GREY, linewidth=1.4)
    used = {_level(each) for each in drift if each.subject in set(subjects)}
    handles = [
        Patch(color=colour, label=words)
        for level, (colour, words) in enumerate(zip(LEVEL_COLOURS, LEVEL_WORDS, strict=True))
        if level in used
    ]
    axes.legend(handles=handles, loc="lower left", bbox_to_anchor=(0, 1.0), ncols=5, borderaxespad=0.2)


def _level(each: DriftOfWindow) -> int:
    """Which colour; what is not judged stays pale."""
    if each.passed is None:
        return 0
    return sum(each.value > level * each.bound for level in LEVELS)


def _short(name: str) -> str:
    return name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1]}…"


def _dates(axes: "Axes", most: int = 7) -> None:
    """Days on the horizontal axis, at most so many."""
    from matplotlib.dates import AutoDateLocator, DateFormatter

    axes.xaxis.set_major_locator(AutoDateLocator(minticks=3, maxticks=most, interval_multiples=False))
    axes.xaxis.set_major_formatter(DateFormatter("%b %d"))


def _places(moments: Sequence[date]) -> list[float]:
    """Where moments are on a horizontal axis of days."""
    from matplotlib.dates import date2num

    return [float(date2num(each)) for each in moments]


def _performance(axes: "Axes", history: MonitoringHistory, windows: Sequence[PerformanceOfWindow]) -> None:
    """A point with its interval for each window; hollow where it is not mature."""
    if history.reference is not None:
        axes.axhline(history.reference, color=GREY, linewidth=1, linestyle="--", label="champion, held-out rows")
    if history.worst is not None:
        axes.axhline(history.worst, color=RED, linewidth=1, linestyle="--", label="worst that is allowed")
    names = list(dict.fromkeys(each.version for each in windows))
    for place, name in enumerate(names):
        colour = COLOURS[place % len(COLOURS)]
        for mature in (True, False):
            known = [each for each in windows if each.version == name and each.value is not None]
            own = [each for each in known if each.mature == mature]
            if own:
                words = _short(name) if mature else f"{_short(name)}, not mature"
                _intervals(axes, own, colour, words, filled=mature)
        estimated = [each for each in windows if each.version == name and each.estimate is not None]
        if estimated:
            places = _places([each.start + (each.end - each.start) / 2 for each in estimated])
            values = [each.estimate or 0.0 for each in estimated]
            words = f"{_short(name)}, estimated without labels"
            axes.plot(places, values, "x", markersize=5, color=colour, alpha=0.6, label=words)
    _dates(axes, most=12)
    axes.set(ylabel=history.metric)
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1.0), ncols=3, borderaxespad=0.2)


def _intervals(axes: "Axes", windows: Sequence[PerformanceOfWindow], colour: str, words: str, *, filled: bool) -> None:
    """Points in the middle of windows that have a value; one without an interval has no bar."""
    values = [each.value or 0.0 for each in windows]
    lows = [0.0 if each.low is None else value - each.low for each, value in zip(windows, values, strict=True)]
    highs = [0.0 if each.high is None else each.high - value for each, value in zip(windows, values, strict=True)]
    axes.errorbar(
        _places([each.start + (each.end - each.start) / 2 for each in windows]),
        values,
        yerr=[lows, highs],
        fmt="o",
        markersize=5,
        capsize=2.5,
        linewidth=1.2,
        color=colour,
        markerfacecolor=colour if filled else "none",
        label=words,
    )


def _scores(axes: "Axes", bins: Sequence[ScoreBin]) -> None:
    """The share of each bin, of the held-out rows and of the window, side by side; bins without rows are left out."""
    from matplotlib.ticker import MaxNLocator

    shown = [each for each in bins if each.trained or each.rows]
    totals = [sum(each.trained for each in shown) or 1, sum(each.rows for each in shown) or 1]
    places = range(len(shown))
    trained = [each.trained / totals[0] for each in shown]
    now = [each.rows / totals[1] for each in shown]
    axes.bar(
        [place - 0.2 for place in places], trained, 0.4, color=GREY, alpha=0.7, label="held-out rows of its training"
    )
    axes.bar([place + 0.2 for place in places], now, 0.4, color=BLUE, label="newest window")
    axes.set_xticks(places, [_edges(each) for each in shown], rotation=45, ha="right", fontsize=7)
    axes.yaxis.set_major_locator(MaxNLocator(steps=[1, 2, 5, 10]))
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
    axes.set(ylabel="share of the rows", xlabel="score")
    axes.grid(visible=False, axis="x")
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1.0), ncols=2, borderaxespad=0.2)


def _edges(each: ScoreBin) -> str:
    if each.name == "NULL":
        return "no score"
    if each.lower is None:
        return f"below {each.upper:.3g}"
    return f"{each.lower:.3g} and more" if each.upper is None else f"{each.lower:.3g} to {each.upper:.3g}"


def _mean_scores(axes: "Axes", history: MonitoringHistory) -> None:
    for place, name in enumerate(dict.fromkeys(each.version for each in history.mean_scores)):
        own = [each for each in history.mean_scores if each.version == name]
        colour = COLOURS[place % len(COLOURS)]
        days, means = _places([each.day for each in own]), [each.mean for each in own]
        axes.plot(days, means, color=colour, linewidth=1.2, marker="o", markersize=3, label=_short(name))
    _dates(axes)
    axes.set(ylabel="mean score")
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1.0), ncols=1, borderaxespad=0.2)


def _volume(axes: "Axes", days: Sequence[DayOfRuns]) -> None:
    """Rows that were scored, and on top those that were quarantined; unusual days have another colour."""
    for usual, colour, words in ((True, BLUE, "rows"), (False, RED, "unusual for the weekday")):
        own = [each for each in days if each.rows and (each.usual is not False) == usual]
        if own:
            heights = [each.rows - each.quarantined for each in own]
            axes.bar(_places([each.day for each in own]), heights, 0.8, color=colour, alpha=0.85, label=words)
    bad = [each for each in days if each.quarantined]
    if bad:
        heights, below = [each.quarantined for each in bad], [each.rows - each.quarantined for each in bad]
        axes.bar(_places([each.day for each in bad]), heights, 0.8, bottom=below, color=ORANGE, label="quarantined")
    empty = [each.day for each in days if not each.rows]
    if empty:
        axes.plot(_places(empty), [0.0] * len(empty), "x", color=RED, markersize=6, clip_on=False, label="no rows")
    _dates(axes)
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    axes.set(ylabel="rows read by the loop")
    axes.grid(visible=False, axis="x")
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1.0), ncols=2, borderaxespad=0.2)


def _latency(axes: "Axes", history: MonitoringHistory) -> None:
    """Half and 95 % of the rows, on a logarithmic scale with units that people use."""
    shown = [each for each in history.latencies if each.half is not None and each.most is not None]
    days = _places([each.day for each in shown])
    values = [max(each.half or 0.0, 0.1) for each in shown], [max(each.most or 0.0, 0.1) for each in shown]
    axes.plot(days, values[1], color=ORANGE, linewidth=1.2, marker="o", markersize=3, label="95 % of the rows")
    axes.plot(days, values[0], color=BLUE, linewidth=1.2, marker="o", markersize=3, label="half of the rows")
    axes.axhline(history.max_latency, color=RED, linewidth=1, linestyle="--", label="allowed for 95 %")
    axes.set_yscale("log")
    axes.set_ylim(min(*values[0], *values[1]) / 2, 2 * max(*values[1], history.max_latency))
    axes.set_yticks(list(DURATIONS), list(DURATIONS.values()))
    axes.set_ylim(min(*values[0], *values[1]) / 2, 2 * max(*values[1], history.max_latency))
    axes.minorticks_off()
    _dates(axes)
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1.0), ncols=2, borderaxespad=0.2)
