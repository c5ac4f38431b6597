"""Pages that stay open beside what is measured: streams that are followed in a process of their own.

Real pages are open on other machines. Here their reading takes processor time of the machine that is measured, so it has the lowest
priority against all else that runs there, and nothing is done with what comes but to count it.
"""

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path

from service import KEY

CHANGE = b"\nevent: agent\n"


class Streams:
    """Follows so many streams until it is closed."""

    def __init__(self, port, count):
        self.process = subprocess.Popen(
            [sys.executable, __file__, str(port), str(count)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True,
        )
        if self.process.stdout.readline().strip() != "ready":
            sys.exit("the streams did not begin")

    def close(self):
        """How many changes of agents each stream has told."""
        told, _ = self.process.communicate("", timeout=60)
        if self.process.returncode != 0:
            sys.exit("the streams did not end well")
        return json.loads(told)


async def follow(port):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    head = f"GET /v1/stream?snapshot=false HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {KEY}\r\n\r\n"
    writer.write(head.encode())
    await writer.drain()
    if b" 200 " not in await reader.readline():
        sys.exit("a stream was refused")
    return reader, writer


async def count_changes(reader, told, number):
    rest = b""
    while part := await reader.read(1 << 20):
        part = rest + part
        told[number] += part.count(CHANGE)
        # A mark that the network cut in two is whole with the next part, and none is counted twice.
        rest = part[-len(CHANGE) + 1 :]


async def main(port, count):
    streams = [await follow(port) for _ in range(count)]
    told = [0] * count
    readers = [
        asyncio.create_task(count_changes(reader, told, number)) for number, (reader, _) in enumerate(streams)
    ]
    print("ready", flush=True)
    closing = asyncio.create_task(asyncio.to_thread(sys.stdin.read))
    await asyncio.wait([closing, *readers], return_when=asyncio.FIRST_COMPLETED)
    if not closing.done():
        sys.exit("a stream ended")
    print(json.dumps(told))
    for reader in readers:
        reader.cancel()
    await asyncio.gather(*readers, return_exceptions=True)


def give_way():
    """Gives this process the lowest priority.

    Where the kernel schedules by session (sched_autogroup_enabled), nice counts within a session only, and the session, which is
    this process's own, has a nice value of its own against PostgreSQL's.
    """
    os.nice(19)
    group = Path("/proc/self/autogroup")
    if group.exists():
        group.write_text("19")


if __name__ == "__main__":
    give_way()
    asyncio.run(main(int(sys.argv[1]), int(sys.argv[2])))
