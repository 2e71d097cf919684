"""Chromium, started without a window, for tests and benchmarks."""

from __future__ import annotations

import shutil
from pathlib import Path

from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service

BROWSERS, DRIVERS = ("chromium", "chromium-browser", "google-chrome"), ("chromedriver",)
FLAGS = (
    *("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    # A mouse, as at a desk: without a window there is none.
    "--blink-settings=primaryHoverType=2,availableHoverTypes=2,primaryPointerType=4,availablePointerTypes=4",
    # No name leads anywhere: what asks for more than this machine has is complained of.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
    *("--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage"),
)


def _found(names: tuple[str, ...]) -> str | None:
    return next(filter(None, map(shutil.which, names)), None)


def missing() -> str:
    """Return what to install where there is no browser, or no driver of it; empty where both are there."""
    if _found(BROWSERS) and _found(DRIVERS):
        return ""
    return "This needs Chromium and its driver. On Debian and Ubuntu: apt-get install chromium chromium-driver"


def started(profile: Path) -> webdriver.Chrome:
    """Start it with a new, empty profile in a folder; what it complains of is kept."""
    options = Options()
    options.binary_location = _found(BROWSERS) or ""
    for flag in (*FLAGS, f"--user-data-dir={profile}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    return webdriver.Chrome(options=options, service=Service(_found(DRIVERS)))
