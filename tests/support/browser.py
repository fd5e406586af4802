"""One Chromium for the tests, driven through its debugging pipe: messages are JSON, each ended by a zero byte."""

from __future__ import annotations

import fcntl
import json
import os
import select
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

LAUNCH = (
    "import os, sys; os.dup2(int(sys.argv[1]), 3); os.dup2(int(sys.argv[2]), 4); os.execv(sys.argv[3], sys.argv[3:])"
)
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
)
PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
LOCAL = ("file:", "data:", "about:", "blob:")
_KEYS = {"Tab": 9, "Enter": 13, "Escape": 27, "Space": 32, "ArrowLeft": 37, "ArrowUp": 38, "ArrowRight": 39}
_KEYS |= {"ArrowDown": 40}
_SHIFT = 8
_WAIT_S = 300
_GONE = ("navigated or closed", "context was destroyed", "Cannot find context")
"""What Chromium answers about a page that gives way to another."""


class Browser:
    """A page of a headless Chromium.

    Attributes
    ----------
    events : list of dict
        What the browser said since the last `open`: requests, console, exceptions.
    """

    def __init__(self, program: str, folder: Path) -> None:
        pairs = [tuple(fcntl.fcntl(end, fcntl.F_DUPFD, 10) for end in os.pipe()) for _ in range(2)]
        (their_in, self.our_out), (self.our_in, their_out) = pairs
        flags = [*FLAGS, f"--user-data-dir={folder / 'profile'}", "--remote-debugging-pipe"]
        command = [sys.executable, "-c", LAUNCH, str(their_in), str(their_out), program, *flags, "about:blank"]
        quiet = subprocess.DEVNULL
        self.process = subprocess.Popen(command, pass_fds=(their_in, their_out), stdout=quiet, stderr=quiet)  # noqa: S603
        for end in (their_in, their_out):
            os.close(end)
        self.rest, self.number, self.session = b"", 0, ""
        self.events: list[dict[str, Any]] = []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self.rest:
            ready, _, _ = select.select([self.our_in], [], [], _WAIT_S)
            assert ready, "Chromium does not answer"
            read = os.read(self.our_in, 1 << 20)
            assert read, "Chromium stopped"
            self.rest += read
        message, self.rest = self.rest.split(b"\0", 1)
        return json.loads(message)

    def call(self, method: str, **params: object) -> dict[str, Any]:
        """Send a command of the DevTools protocol and return its result."""
        self.number += 1
        sent = {"id": self.number, "method": method, "params": params} | (
            {"sessionId": self.session} if self.session else {}
        )
        content = json.dumps(sent).encode() + b"\0"
        while content:
            content = content[os.write(self.our_out, content) :]
        while True:
            message = self._next()
            if message.get("id") == self.number:
                assert "error" not in message, message
                return message["result"]
            self.events.append(message)

    def open(self, url: str) -> None:
        """Go to a local page and wait until it is loaded."""
        self.call("Page.navigate", url="about:blank")
        self.events.clear()
        self.call("Page.navigate", url=url)
        last = time.monotonic() + _WAIT_S
        while time.monotonic() < last:
            answer = self.ask("document.readyState + ' ' + location.protocol")
            if answer.get("result", {}).get("value") == "complete file:":
                return
            time.sleep(0.05)
        pytest.fail("the page never ended loading")

    def ask(self, expression: str) -> dict[str, Any]:
        """Evaluate an expression; empty where the page gave way to another one meanwhile."""
        try:
            return self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        except AssertionError as error:
            if not any(words in str(error) for words in _GONE):
                raise
            return {}

    def value(self, expression: str) -> Any:  # noqa: ANN401 - any JSON value
        """Evaluate an expression in the page; a promise is awaited, an exception fails the test."""
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def press(self, key: str, *, text: str = "", shift: bool = False) -> None:
        """Press a key and let it go."""
        named = {
            "key": text or key,
            "code": key,
            "windowsVirtualKeyCode": _KEYS.get(key) or ord((text or "x").upper()[0]),
            "modifiers": _SHIFT if shift else 0,
        }
        self.call("Input.dispatchKeyEvent", type="keyDown", **named, **({"text": text} if text else {}))
        self.call("Input.dispatchKeyEvent", type="keyUp", **named)

    def resize(self, width: int, height: int = 720) -> None:
        """Give the page the size of a screen, in CSS pixels."""
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)

    def complaints(self) -> list[dict[str, Any]]:
        """Exceptions, console messages and security errors since the page was opened."""
        named = ("Runtime.exceptionThrown", "Log.entryAdded", "Runtime.consoleAPICalled")
        return [event for event in self.events if event.get("method") in named]

    def asked(self) -> list[str]:
        """Addresses requested since the page was opened, this page's included."""
        sent = [event for event in self.events if event.get("method") == "Network.requestWillBeSent"]
        return [event["params"]["request"]["url"] for event in sent]

    def close(self) -> None:
        """End Chromium."""
        with suppress(OSError, AssertionError, ValueError):
            self.session = ""
            self.call("Browser.close")
        try:
            self.process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        os.close(self.our_in)
        os.close(self.our_out)


@contextmanager
def chromium(folder: Path) -> Iterator[Browser]:
    """Start Chromium with its profile in a folder, and end it; the test is skipped where there is none."""
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if program is None:
        pytest.skip("Chromium is not installed: pages were checked as text only")
    browser = Browser(program, folder)
    try:
        yield browser
    finally:
        browser.close()
