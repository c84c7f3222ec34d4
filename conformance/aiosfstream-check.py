"""Judge: aiosfstream, the Python client of Salesforce's streaming, on `websocket` or `long-polling`.

    python aiosfstream-check.py URL TRANSPORT [--without CASE]...

It is pointed at the server by an authenticator that asks nobody. A client of aiocometd publishes, which writes nothing of
Salesforce's into its data: what the listener replays from is the server's alone.
"""

import asyncio
import secrets
from http import HTTPStatus
from urllib.parse import urlsplit

from aiocometd_ng import Client as Publisher
from aiocometd_ng import ConnectionType
from aiosfstream_ng import Client, ReplayMarker, ReplayOption
from aiosfstream_ng.auth import AuthenticatorBase
from aiosfstream_ng.exceptions import ServerError
from aiosfstream_ng.replay import DefaultMappingStorage

from report import Report, fault, options

EACH = 60
STEP_TIMEOUT_S = 20
SETTLE_S = 0.3


class NoAuthenticator(AuthenticatorBase):
    """Lets everybody in, and says where the server is."""

    def __init__(self, instance_url):
        super().__init__()
        self.url = instance_url

    async def _authenticate(self):
        return HTTPStatus.OK, {"access_token": "judge", "token_type": "Bearer", "instance_url": self.url}


class Story:
    """Listeners that come and go, and one publisher that stays."""

    def __init__(self, url, transport):
        parts = urlsplit(url)
        self.instance = f"{parts.scheme}://{parts.netloc}"
        kind = ConnectionType(transport)
        # The client takes no list of transports but that of its class.
        self.client = type("OneWire", (Client,), {"_DEFAULT_CONNECTION_TYPES": [kind]})
        self.kind = kind
        self.publisher = Publisher(url, kind, connection_timeout=0, max_pending_count=0)
        self.markers = {}
        # A server that was asked before remembers what was said then.
        self.run = secrets.token_hex(4)

    def listener(self, **wishes):
        wishes = {"connection_timeout": 0, "max_pending_count": 0, **wishes}
        return self.client(NoAuthenticator(self.instance), **wishes)

    async def publish(self, channel, first, count):
        for number in range(first, first + count):
            await self.publisher.publish(channel, {"payload": {"number": number}})

    async def receive(self, listener, count):
        """The numbers of so many messages, each of which has the id after that of the one before."""
        numbers, last = [], None
        for _ in range(count):
            message = await asyncio.wait_for(listener.receive(), STEP_TIMEOUT_S)
            event = message["data"]["event"]
            if last is not None and event["replayId"] != last + 1:
                raise ValueError(f"id {event['replayId']} follows id {last}")
            last = event["replayId"]
            numbers.append(message["data"]["payload"]["number"])
        await asyncio.sleep(SETTLE_S)
        if listener.has_pending_messages:
            raise ValueError(f"{listener.pending_count} more than the {count} that were published")
        return numbers

    async def handshake(self):
        await asyncio.wait_for(self.publisher.open(), STEP_TIMEOUT_S)
        async with self.listener() as listener:
            if listener.connection_type != self.kind:
                raise ValueError(f"the client chose {listener.connection_type}")

    async def new_events(self):
        channel = f"/u/new-{self.run}"
        await self.publish(channel, 0, 5)
        async with self.listener(replay=ReplayOption.NEW_EVENTS) as listener:
            await listener.subscribe(channel)
            await self.publish(channel, 5, EACH)
            self.expect(await self.receive(listener, EACH), 5, EACH)

    async def all_events(self):
        channel = f"/topic/All-{self.run}"
        await self.publish(channel, 0, EACH)
        async with self.listener(replay=ReplayOption.ALL_EVENTS) as listener:
            await listener.subscribe(channel)
            await self.publish(channel, EACH, EACH)
            self.expect(await self.receive(listener, 2 * EACH), 0, 2 * EACH)

    async def stored_markers(self):
        """Four clients in a row, each of which goes on where the last one stopped."""
        channel, seen = f"/event/Stored{self.run}__e", []
        for part in range(4):
            storage = DefaultMappingStorage(self.markers, ReplayOption.NEW_EVENTS)
            async with self.listener(replay=storage) as listener:
                await listener.subscribe(channel)
                await self.publish(channel, (2 * part) * EACH, EACH)
                seen += await self.receive(listener, EACH if part == 0 else 2 * EACH)
            if part < 3:
                await self.publish(channel, (2 * part + 1) * EACH, EACH)
        self.expect(seen, 0, 7 * EACH)
        if not isinstance(self.markers[channel], ReplayMarker):
            raise ValueError(f"the marker is {self.markers[channel]!r}")

    async def unknown_marker(self):
        channel = f"/data/Fallback{self.run}Event"
        await self.publish(channel, 0, EACH)
        marker = {channel: ReplayMarker(date="2020-01-01T00:00:00.000Z", replay_id=10**9)}
        async with self.listener(replay=dict(marker)) as listener:
            try:
                await listener.subscribe(channel)
            except ServerError as error:
                if error.error_code != HTTPStatus.BAD_REQUEST:
                    raise
            else:
                raise ValueError("an id that nobody gave out is taken")
        wishes = {"replay": dict(marker), "replay_fallback": ReplayOption.ALL_EVENTS}
        async with self.listener(**wishes) as listener:
            await listener.subscribe(channel)
            self.expect(await self.receive(listener, EACH), 0, EACH)

    async def disconnect(self):
        await asyncio.wait_for(self.publisher.close(), STEP_TIMEOUT_S)

    def expect(self, numbers, first, count):
        words = fault([number - first for number in numbers], count)
        if words:
            raise ValueError(words)

    async def tell(self, report):
        await report.check("handshake", self.handshake)
        await report.check("replay-new-events", self.new_events)
        await report.check("replay-all-events", self.all_events)
        await report.check("replay-stored-markers", self.stored_markers)
        await report.check("replay-fallback", self.unknown_marker)
        await report.check("disconnect", self.disconnect)
        report.end()


async def main():
    arguments = options(__doc__, [kind.value for kind in ConnectionType])
    await Story(arguments.url, arguments.transport).tell(Report(arguments.without))


asyncio.run(main())
