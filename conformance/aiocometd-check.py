"""Judge: the Python client aiocometd, on `websocket` or `long-polling`. A second client of this process publishes.

    python aiocometd-check.py URL TRANSPORT [--without CASE]...

Speaks to whoever runs it as `report.mjs` describes. The client takes an answer with the id of its question for a mere
reply, so the case asks a service that answers by an event. aiocometd takes the advised interval as seconds and its own time-out of lost connections needs
Python 3.9, so that time-out is off and the story's own bounds stand in for it.
"""

import argparse
import asyncio
import json
import sys
import time

from aiocometd_ng import Client, ConnectionType

CHANNEL = "/judge/numbers"
PATTERN = "/judge/*"
MESSAGES = 1_000
MESSAGES_AFTER_RECONNECT = 100
RUN_TIMEOUT_S = 90
RETURN_TIMEOUT_S = 60
PROBE_EVERY_S = 0.3
SETTLE_S = 0.5


def say(line):
    print(json.dumps(line), flush=True)


def fault(seen, wanted):
    """Says what is wrong with the numbers that came, or nothing when all came once and in order."""
    lost = sorted(set(range(wanted)) - set(seen))
    twice = sorted({number for number in seen if seen.count(number) > 1}) if len(seen) > len(set(seen)) else []
    late = [number for before, number in zip(seen, seen[1:]) if number < before]
    strange = sorted(set(seen) - set(range(wanted)))
    named = (("lost", lost), ("repeated", twice), ("out of order", late), ("unknown", strange))
    return ", ".join(f"{len(which)} {name} (first: {which[0]})" for name, which in named if which)


class Story:
    """One listener, one publisher, and what the listener hears."""

    def __init__(self, url, transport, without):
        self.transport = ConnectionType(transport)
        make = lambda: Client(url, self.transport, connection_timeout=0, max_pending_count=0)
        self.listener, self.publisher = make(), make()
        self.without = without
        self.failed = False
        self.hear = lambda message: None
        self.ear = None

    async def check(self, name, story):
        """Runs one case; after a failed one the rest is not tried."""
        if name in self.without:
            return
        verdict, words = "ok", ""
        if self.failed:
            verdict, words = "failed", "not reached"
        else:
            try:
                await story()
            except Exception as error:  # whatever the client raises is the case's verdict
                verdict, words = "failed", f"{type(error).__name__}: {error}"
                self.failed = name != "remote-call"
        say({"case": name, "verdict": verdict, "words": words})

    async def listen(self):
        async for message in self.listener:
            self.hear(message)

    async def handshake(self):
        await asyncio.wait_for(self.listener.open(), 20)
        await asyncio.wait_for(self.publisher.open(), 20)
        self.ear = asyncio.ensure_future(self.listen())

    async def subscribe(self):
        await asyncio.wait_for(self.listener.subscribe(PATTERN), 20)

    async def used_transport(self):
        if self.listener.connection_type != self.transport:
            raise ValueError(f"the client chose {self.listener.connection_type}")

    async def run(self, name, wanted):
        seen, complete = [], asyncio.Event()

        def hear(message):
            data = message["data"]
            if message["channel"] == CHANNEL and data.get("run") == name:
                seen.append(data["number"])
                if len(set(seen)) >= wanted:
                    complete.set()

        async def publish():
            for number in range(wanted):
                await self.publisher.publish(CHANNEL, {"run": name, "number": number})
            await complete.wait()

        self.hear = hear
        late = ""
        try:
            await asyncio.wait_for(publish(), RUN_TIMEOUT_S)
            await asyncio.sleep(SETTLE_S)
        except asyncio.TimeoutError:
            late = f"the run of {wanted} took longer than {RUN_TIMEOUT_S} s"
        words = "; ".join(part for part in (late, fault(seen, wanted)) if part)
        if words:
            raise ValueError(words)

    async def call(self):
        question, answer = {"text": "grüß dich \u2028", "deep": [1, None, {"yes": True}]}, asyncio.Future()

        def hear(message):
            if message["channel"] == "/service/echo/event" and not answer.done():
                answer.set_result(message.get("data"))

        self.hear = hear
        await self.listener.publish("/service/echo/event", question)
        got = await asyncio.wait_for(answer, 20)
        if got != question:
            raise ValueError(f"asked {question}, was answered {got}")

    async def reconnect(self):
        heard = asyncio.Event()

        def hear(message):
            if message["data"].get("run") == "probe":
                heard.set()

        self.hear = hear
        say({"ask": "restart"})
        line = await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)
        if line.strip() != "restarted":
            raise RuntimeError("nobody restarted the server")
        end = time.monotonic() + RETURN_TIMEOUT_S
        while not heard.is_set():
            if time.monotonic() > end:
                raise TimeoutError(f"nothing heard {RETURN_TIMEOUT_S} s after the restart")
            try:
                await asyncio.wait_for(self.publisher.publish(CHANNEL, {"run": "probe", "number": 0}), 5)
            except Exception as error:  # refused while the publisher is away; the next probe tries again
                print(f"probe: {error}", file=sys.stderr)
            await asyncio.sleep(PROBE_EVERY_S)

    async def disconnect(self):
        self.ear.cancel()
        await asyncio.wait_for(self.listener.close(), 20)
        await asyncio.wait_for(self.publisher.close(), 20)

    async def tell(self):
        await self.check("handshake", self.handshake)
        await self.check("wildcard-subscribe", self.subscribe)
        await self.check("transport", self.used_transport)
        await self.check("ordered-publishes", lambda: self.run("before", MESSAGES))
        await self.check("remote-call", self.call)
        await self.check("reconnect", self.reconnect)
        await self.check("ordered-publishes-after-reconnect", lambda: self.run("after", MESSAGES_AFTER_RECONNECT))
        await self.check("disconnect", self.disconnect)
        say({"done": True})


async def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("url")
    parser.add_argument("transport", choices=[kind.value for kind in ConnectionType])
    parser.add_argument("--without", action="append", default=[], metavar="CASE")
    # Given to every judge; there is no page here.
    parser.add_argument("--page-port", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    await Story(arguments.url, arguments.transport, set(arguments.without)).tell()


asyncio.run(main())
