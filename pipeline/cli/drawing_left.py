"""Who left a funnel and for what, and what divides them from those who went through, drawn for the terminal."""

from rich.text import Text

from pipeline.cli.output import duration, out, share, table, written
from pipeline.cli.strokes import Answer, bar, foot, label_of, moment, range_of

BAR = 24
NAMES = {"nothing": "(nothing)", "other": "(other)"}


def drop_off(answer: Answer) -> None:
    """A step a heading, and under it a bar for each thing that those who left did next."""
    result, question = answer["result"], answer["question"]
    out.print(f"[bold]Drop-off[/bold] of {question['count']}, {range_of(answer)}")
    names = [NAMES.get(one["kind"], one["name"]) for step in result["steps"] for one in step["followed"]]
    width = max(map(len, names), default=0)
    for step in result["steps"]:
        line = Text.assemble((f"\n{step['step']:>2} ", "dim"), (step["label"], "bold"))
        line.append(f"  {written(step['left'])} of {written(step['reached'])} left", "red")
        out.print(line.append(f" ({share(step['rate'])})" if step["rate"] is not None else ""))
        for one in step["followed"]:
            name = NAMES.get(one["kind"], one["name"])
            row = Text(f"   {name:<{width}} ").append(bar(one["count"], step["left"], BAR), "cyan")
            row.append(f" {written(one['count']):>9} {share(one['rate']):>8}")
            out.print(row.append(f"  {duration(one['median_ms'])}" if one["median_ms"] is not None else "", "dim"))
    out.print(f"\n{written(result['converted'])} of {written(result['entered'])} went through")
    foot(answer)


def divide(answer: Answer) -> None:
    """A row each value, what divides most first; * is significant."""
    result = answer["result"]
    through = f"{written(result['converted'])} of {written(result['entered'])} went through"
    out.print(f"[bold]{through}[/bold], {range_of(answer)}")
    rows = [
        (
            f"{each['property']} = {each['value']}",
            f"{share(each['rate'])} of {written(each['converted'] + each['not_converted'])}",
            share(each["others_rate"]),
            f"{each['odds_ratio']:.2f} ({each['interval'][0]:.2f} to {each['interval'][1]:.2f})",
            f"{each['adjusted']:.4f}{'*' if each['significant'] else ' '}",
        )
        for each in result["rows"]
    ]
    columns = ("went through", "others", "odds ratio", "p, corrected")
    table(
        f"Of {written(result['tested'])} values; * is significant", ("at the first step", *columns), rows, right=columns
    )
    foot(answer)


def before(answer: Answer) -> None:
    """A funnel's steps in the time before, and how they have changed; rates in points of a hundred."""
    result = answer["result"]
    earlier = result.get("previous")
    if not earlier:
        return
    rows = [
        (
            label_of(step),
            one["count"],
            f"{one['count_change']:+,}",
            share(one["rate"]),
            f"{one['rate_change'] * 100:+.1f}" if one["rate_change"] is not None else "-",
        )
        for step, one in zip(result["steps"], earlier["steps"], strict=True)
    ]
    columns = ("count", "change", "rate", "points")
    table(f"Before, {moment(earlier['from'])} to {moment(earlier['to'])} UTC", ("step", *columns), rows, right=columns)
