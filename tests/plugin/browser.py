"""A headless Chromium, driven over its own protocol: what a person sees, clicks and types."""

import base64
import json
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

PATIENCE: Final = 20.0
"""Seconds until what a page should show counts as missing."""

_OPTIONS: Final = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--remote-debugging-port=0",
)
# What is looked for may be in the frame that shows a plugin's page; both are of one origin.
_MARGIN: Final = 16
_DOCUMENTS: Final = (
    "[document, ...[...document.querySelectorAll('iframe')].map(f => f.contentDocument).filter(Boolean)]"
)


def chromium() -> str | None:
    """Where it is installed, if it is."""
    return shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


class Moved(Exception):
    """The page that was asked went away."""


class Browser:
    """One window; a context manager.

    :ivar complaints: what the browser's console shows in red.
    """

    def __enter__(self) -> Self:
        from websockets.sync.client import connect

        self._home = tempfile.mkdtemp(prefix="rokt-chromium-")
        command = [chromium() or "chromium", *_OPTIONS, f"--user-data-dir={self._home}", "about:blank"]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        port_file = Path(self._home, "DevToolsActivePort")
        self.until(lambda: port_file.exists() and len(port_file.read_text().splitlines()) == 2, "chromium")
        port, path = port_file.read_text().splitlines()
        self._socket = connect(f"ws://127.0.0.1:{port}{path}", max_size=None, compression=None)
        self._number, self._session, self._loads = 0, "", 0
        self.complaints: list[str] = []
        target = self._call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self._call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log"):
            self._call(f"{domain}.enable")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._socket.close()
        self._process.terminate()
        self._process.wait(timeout=PATIENCE)
        shutil.rmtree(self._home, ignore_errors=True)

    def look(self, width: int = 1440, height: int = 900, theme: str = "light") -> None:
        """Sets the window's size and what its user prefers."""
        self._call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        features = [{"name": "prefers-color-scheme", "value": theme}]
        self._call("Emulation.setEmulatedMedia", features=features)

    def open(self, url: str) -> None:
        """Goes somewhere, and waits until all of it is loaded."""
        before = self._loads
        self._call("Page.navigate", url=url)
        # What the browser tells is heard while it is asked something.
        self.until(lambda: self.run("true") and self._loads > before, f"page at {url}")

    def run(self, script: str) -> Any:
        """What an expression comes to."""
        done = self._evaluated(script)
        assert "exceptionDetails" not in done, done["exceptionDetails"]
        return done["result"].get("value")

    def text(self) -> str:
        """All that the page shows, and the frames in it."""
        return str(self.run(f"{_DOCUMENTS}.map(d => d.body ? d.body.innerText : '').join('\\n')"))

    def shows(self, *words: str) -> str:
        """Waits until the page shows these words; gives all of its text."""
        self.until(lambda: all(word in self.text() for word in words), f"{words} in:\n", self.text)
        return self.text()

    def too_wide(self) -> list[str]:
        """The address of each window or frame that would have to be scrolled sideways."""
        roots = f"{_DOCUMENTS}.map(d => d.documentElement).filter(e => e.scrollWidth > e.clientWidth)"
        return list(self.run(f"{roots}.map(e => e.ownerDocument.location.href)"))

    def click(self, words: str) -> None:
        """Clicks on the link or button that reads so."""
        find = f"{_DOCUMENTS}.flatMap(d => [...d.querySelectorAll('a, button, [role=tab]')])"
        found = f"{find}.find(e => e.innerText.trim() === {json.dumps(words)})"
        script = f"(() => {{ const e = {found}; e && e.click(); return !!e }})()"
        self.until(lambda: self.run(script), f"something to click that reads {words!r} in:\n", self.text)

    def type(self, selector: str, words: str) -> None:
        """Types into a field."""
        found = f"document.querySelector({json.dumps(selector)})"
        self.until(lambda: self.run(f"{found} && ({found}.focus(), true)"), selector)
        self._call("Input.insertText", text=words)

    def rest(self) -> None:
        """Waits until nothing appears any more."""
        seen: list[str] = []

        def is_still() -> bool:
            seen.append(self.text())
            time.sleep(0.3)
            return len(seen) > 2 and len(set(seen[-3:])) == 1

        self.until(is_still, f"end of what appears at {self.run('location.href')}")

    def picture(self, path: Path, selector: str = "body", highest: int = 10_000) -> None:
        """What it looks like from the top of an element on, over the window's whole width, as a PNG file.

        :param highest: pixels; the picture ends with the last row that is whole.
        """
        script = f"""(() => {{
          const box = e => e.getBoundingClientRect(), from = box(document.querySelector({json.dumps(selector)})).top;
          const ends = [...document.querySelectorAll('body, tr')].map(e => box(e).bottom - from);
          return [from + scrollY, Math.max(...ends.filter(end => end <= {highest}))];
        }})()"""
        top, height = self.run(script)
        above = min(top, _MARGIN)
        place = {"x": 0, "y": top - above, "width": self.run("innerWidth"), "height": height + above, "scale": 1}
        taken = self._call("Page.captureScreenshot", format="png", clip=place, captureBeyondViewport=True)
        path.write_bytes(base64.b64decode(taken["data"]))

    @staticmethod
    def until(is_so: Callable[[], Any], what: str, told: Callable[[], str] = str) -> None:
        """Waits for something."""
        end = time.monotonic() + PATIENCE
        while not is_so():
            assert time.monotonic() < end, f"no {what}{told()}"
            time.sleep(0.1)

    def _note(self, event: dict[str, Any]) -> None:
        """Counts what was loaded; keeps what the browser complains of, such as what a page's policy forbids."""
        self._loads += event.get("method") == "Page.loadEventFired"
        entry = event.get("params", {}).get("entry", {})
        if event.get("method") == "Runtime.exceptionThrown" or entry.get("level") == "error":
            self.complaints.append(json.dumps(event["params"]))

    def _evaluated(self, script: str) -> Any:
        while True:
            try:
                return self._call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
            except Moved:
                # Another page came in its place before it had an answer: that one is asked.
                time.sleep(0.05)

    def _call(self, method: str, **parameters: Any) -> Any:
        self._number += 1
        call: dict[str, Any] = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            call["sessionId"] = self._session
        self._socket.send(json.dumps(call))
        while (answer := json.loads(self._socket.recv(timeout=PATIENCE))).get("id") != self._number:
            self._note(answer)
        if "navigated" in answer.get("error", {}).get("message", ""):
            raise Moved(method)
        assert "error" not in answer, f"{method}: {answer['error']}"
        return answer["result"]
