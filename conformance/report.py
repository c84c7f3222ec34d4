"""How a judge written in Python speaks to whoever runs it: see `report.mjs`, which says the same for JavaScript."""

import argparse
import asyncio
import json
import sys


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


def options(about, transports):
    """Reads the command line all judges share."""
    parser = argparse.ArgumentParser(description=about.splitlines()[0])
    parser.add_argument("url")
    parser.add_argument("transport", choices=transports)
    parser.add_argument("--without", action="append", default=[], metavar="CASE")
    # Given to every judge; there is no page here.
    parser.add_argument("--page-port", help=argparse.SUPPRESS)
    return parser.parse_args()


class Report:
    """The verdicts of one judge. After a failed case the rest is not tried, unless nothing hangs on it."""

    def __init__(self, without, harmless=()):
        self.without = set(without)
        self.harmless = harmless
        self.failed = False

    async def check(self, name, story):
        """Runs one case; the text it returns, if any, is kept."""
        if name in self.without:
            return
        verdict, words = "ok", ""
        if self.failed:
            verdict, words = "failed", "not reached"
        else:
            try:
                words = await story() or ""
            except Exception as error:  # whatever the client raises is the case's verdict
                verdict, words = "failed", f"{type(error).__name__}: {error}"
                self.failed = name not in self.harmless
        say({"case": name, "verdict": verdict, "words": words})

    async def restart(self):
        """Asks for a restart and waits for the answer."""
        say({"ask": "restart"})
        line = await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)
        if line.strip() != "restarted":
            raise RuntimeError("nobody restarted the server")

    def end(self):
        say({"done": True})
