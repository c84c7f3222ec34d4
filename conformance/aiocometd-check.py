"""Judge: the Python client aiocometd, on `websocket` or `long-polling`. A second client of this process publishes.

    python aiocometd-check.py URL TRANSPORT [--without CASE]...

Speaks to whoever runs it as `report.py` does. The client takes an answer with the id of its question for a mere
reply, so the case asks a service that answers by an event. aiocometd takes the advised interval as seconds and its own time-out of lost connections needs
Python 3.9, so that time-out is off and the story's own bounds stand in for it.
"""

import asyncio
import sys
import time

from aiocometd_ng import Client, ConnectionType

from report import Report, fault, options

CHANNEL = "/judge/numbers"
PATTERN = "/judge/*"
MESSAGES = 1_000
MESSAGES_AFTER_RECONNECT = 100
RUN_TIMEOUT_S = 90
RETURN_TIMEOUT_S = 60
PROBE_EVERY_S = 0.3
SETTLE_S = 0.5


class Story:
    """One listener, one publisher, and what the listener hears."""

    def __init__(self, url, transport, without):
        self.transport = ConnectionType(transport)
        make = lambda: Client(url, self.transport, connection_timeout=0, max_pending_count=0)
        self.listener, self.publisher = make(), make()
        self.report = Report(without, harmless=("remote-call",))
        self.hear = lambda message: None
        self.ear = None

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
        await self.report.restart()
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
        check = self.report.check
        await check("handshake", self.handshake)
        await check("wildcard-subscribe", self.subscribe)
        await check("transport", self.used_transport)
        await check("ordered-publishes", lambda: self.run("before", MESSAGES))
        await check("remote-call", self.call)
        await check("reconnect", self.reconnect)
        await check("ordered-publishes-after-reconnect", lambda: self.run("after", MESSAGES_AFTER_RECONNECT))
        await check("disconnect", self.disconnect)
        self.report.end()


async def main():
    arguments = options(__doc__, [kind.value for kind in ConnectionType])
    await Story(arguments.url, arguments.transport, arguments.without).tell()


asyncio.run(main())
