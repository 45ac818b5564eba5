"""A process that appends numbered lines for ever, and prints each number once it is acknowledged."""

import asyncio
import os
import sys

from pipeline.log import open_log
from schemas.log import EVENTS


async def main(url: str, prefix: str) -> None:
    writer = open_log(url, group=prefix, prefix=prefix).writer()

    async def append(number: int) -> None:
        await writer.append(EVENTS, number % 4, [b"%d" % number])
        os.write(1, b"%d\n" % number)

    start = 0
    while True:
        await asyncio.gather(*(append(number) for number in range(start, start + 10)))
        start += 10


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
