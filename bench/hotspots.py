"""The functions that a profile spent its time in: python -m bench.hotspots FILE [COUNT]

FILE is what `python -m bench.pipeline --profile FILE` wrote: samples of threads that hold the interpreter's lock.
`own`: percent of all samples in the function itself, with the C code that it calls; `all`: with what it calls.
"""

import re
import sys
from collections import Counter
from pathlib import Path

_LINE = re.compile(r":\d+\)$")


def main() -> None:
    path, count = Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 50
    own: Counter[str] = Counter()
    whole: Counter[str] = Counter()
    for line in path.read_text().splitlines():
        stack, _, samples = line.rpartition(" ")
        frames = [_LINE.sub(")", frame) for frame in stack.split(";")]
        own[frames[-1]] += int(samples)
        for frame in set(frames):
            whole[frame] += int(samples)
    total = sum(own.values())
    print(f"{total} samples\n{'own %':>6}{'all %':>7}")
    for frame, samples in own.most_common(count):
        print(f"{100 * samples / total:6.1f}{100 * whole[frame] / total:7.1f}  {frame}")


if __name__ == "__main__":
    main()
