"""What a funnel's steps are left for, drawn for the terminal."""

from rich.text import Text

from pipeline.cli.output import duration, out, share, written
from pipeline.cli.strokes import Answer, bar, foot, range_of

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
