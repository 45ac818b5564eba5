"""Answers period by period drawn for the terminal: trend, retention, stickiness, life cycle."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.markup import escape
from rich.text import Text

from pipeline.cli.output import out, share, table, written
from pipeline.cli.strokes import Answer, bar, foot, groups_of, range_of


def retention(answer: Answer) -> None:
    """A cohort a row: how many they are, and the share of them that came back so many periods later."""
    result, question = answer["result"], answer["question"]
    out.print(f"[bold]{written(result['customers'])} customers[/bold], {range_of(answer)}; * is unfinished")
    periods = [str(number) for number in range(question["periods"] + 1)]
    rows = [
        (
            cohort["period"],
            cohort["customers"],
            *(f"{share(cell['rate'])}{'*' if cell['unfinished'] else ''}" for cell in cohort["cells"]),
            *("" for _ in periods[len(cohort["cells"]) :]),
        )
        for cohort in result["cohorts"]
    ]
    rows.append(("all", result["customers"], *(share(point["rate"]) for point in result["curve"])))
    title = f"By {question['by']}{' from the start of each' if question.get('periods_from') == 'start' else ''}"
    table(title, (question["by"], "customers", *periods), rows, right=("customers", *periods))
    groups_of(
        answer, ("customers", *periods), lambda one: (one["customers"], *(share(each["rate"]) for each in one["curve"]))
    )  # fmt: skip
    foot(answer)


def trend(answer: Answer) -> None:
    """A bar for each period; * is unfinished. Below the groups, beside those of the time before, in their totals."""
    result, question = answer["result"], answer["question"]
    out.print(Text.assemble((_measured(question), "bold"), f", {range_of(answer)}; * is unfinished"))
    previous = result["previous"]
    before = previous["points"] if previous else []
    numbers = [point["measured"] for point in (*result["points"], *before)]
    most = max((number for number in numbers if number is not None), default=0)
    for place, point in enumerate(result["points"]):
        name = f"{point['period']}{'*' if point['unfinished'] else ''}"
        line = Text(f"{name:<12} ").append(bar(max(0, point["measured"] or 0), most), "cyan")
        line.append(f" {written(point['measured']):>9}")
        if previous:
            line.append(f"  before: {written(before[place]['measured'] if place < len(before) else None)}", "dim")
        out.print(line)
    told = f"in all: [bold]{written(result['total']['measured'])}[/bold]"
    if previous:
        told += f"; before: {written(previous['total']['measured'])}"
    out.print(told)
    told_groups(answer)
    foot(answer)


def told_groups(answer: Answer) -> None:
    """The groups of a trend, and what those of the same value measured before: nothing where there was none."""
    previous = answer["result"]["previous"]
    earlier = previous["groups"] if previous else []
    before = {(one["kind"], one["value"]): one["measured"] for one in earlier if one["kind"] != "other"}

    def numbers(one: Mapping[str, Any]) -> tuple[Any, ...]:
        told = (written(one["measured"]), one["events"])
        return (*told, written(before.get((one["kind"], one["value"])))) if previous else told

    groups_of(answer, ("measured", "events", *(["before"] if previous else [])), numbers)


def stickiness(answer: Answer) -> None:
    """A bar for each number of periods: how many customers did it in so many of them."""
    result, question = answer["result"], answer["question"]
    told = f"{written(result['customers'])} customers did {', '.join(question['events'])}"
    out.print(Text.assemble((told, "bold"), f", {range_of(answer)}"))
    most = max((row["customers"] for row in result["histogram"]), default=0)
    for row in result["histogram"]:
        name = f"{row['periods']} {question['by']}{'s' if row['periods'] > 1 else ''}"
        line = Text(f"{name:<12} ").append(bar(row["customers"], most), "cyan")
        out.print(line.append(f" {written(row['customers']):>9} {share(row['rate']):>8}"))
    daily_weekly, daily_monthly = share(result["mean_daily_weekly"]), share(result["mean_daily_monthly"])
    out.print(f"of those active in a week {daily_weekly} are active on a day, of those in a month {daily_monthly}")
    mean = f"mean {question['by']}s"
    groups_of(answer, ("customers", mean), lambda one: (one["customers"], f"{one['mean_periods'] or 0:.2f}"))
    foot(answer)


def lifecycle(answer: Answer) -> None:
    """A period a row; * is unfinished."""
    result, question = answer["result"], answer["question"]
    phases = ("new", "returning", "resurrecting", "dormant")
    rows = [
        (f"{point['period']}{'*' if point['unfinished'] else ''}", point["active"], *(point[name] for name in phases))
        for point in result["points"]
    ]
    title = f"{', '.join(question['events'])}, {range_of(answer)}; * is unfinished"
    table(escape(title), (question["by"], "active", *phases), rows, right=("active", *phases))
    groups_of(answer, ("last", "active", *phases), lambda one: _last(one["points"], phases))
    foot(answer)


def _last(points: Sequence[Mapping[str, Any]], phases: Sequence[str]) -> tuple[Any, ...]:
    """The last period of a group's."""
    if not points:
        return ("",) * (2 + len(phases))
    return points[-1]["period"], points[-1]["active"], *(points[-1][name] for name in phases)


def _measured(question: Mapping[str, Any]) -> str:
    """sum of price of Added / count of page."""
    series = {"A": question, "B": question["second"]}
    if question["formula"]:
        named = "; ".join(f"{name} = {_series(one)}" for name, one in series.items() if one)
        return f"{question['formula']} ({named})"
    return _series(question)


def _series(one: Mapping[str, Any]) -> str:
    of = f" of {one['property']}" if one["property"] else ""
    return f"{one['measure']}{of} of {', '.join(one['events'])}"
