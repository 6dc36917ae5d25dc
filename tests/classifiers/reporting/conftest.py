"""A real Chromium, Debian's, that says what it complains of and what it asks for."""

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest


@dataclass
class Opened:
    """A page in a browser.

    Attributes:
        page: Playwright's.
        complaints: what the console and uncaught errors said.
        requests: what was asked for besides the page itself and what is in it.
    """

    page: Any
    complaints: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def open(self, file: Path) -> float:
        """Open a page; returns the milliseconds until it is ready."""
        address = file.as_uri()
        self.page.on("console", lambda said: self.complaints.append(said.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on(
            "request",
            lambda asked: (
                None
                if asked.url == address or asked.url.startswith("data:")
                else self.requests.append(asked.url)
            ),
        )
        self.page.goto(address)
        self.page.wait_for_selector("html[data-ready=yes]", timeout=30_000)
        return float(
            self.page.evaluate("performance.getEntriesByType('navigation')[0].domInteractive")
        )


def _missing(what: str) -> None:
    message = f"no {what}, so that pages cannot be looked at in a browser"
    if os.environ.get("CI"):
        pytest.fail(message)
    pytest.skip(message)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    path = shutil.which("chromium")
    if path is None:
        _missing("chromium (Debian's package of that name)")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        _missing("playwright (of the extra dev)")
    with sync_playwright() as playwright:
        # Its sandbox takes rights that root in a container has not; the pages are ours.
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def browser(chromium) -> Iterator[Opened]:
    page = chromium.new_page(viewport={"width": 1280, "height": 900})
    yield Opened(page)
    page.close()
