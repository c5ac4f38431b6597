"""A real installation per file and a real browser's window per test, which knows of no other. What the browser showed last stays in test-output/browser/.

Whatever a test is about: a browser that complained, or that asked anybody but Rollcall for anything, makes it fail.
"""

import json
import os
import re

import pytest

from browser import Browser, start_chromium
from page import Page
from rollcall import OUTPUT, Rollcall, migrated_database


@pytest.fixture(scope="session")
def original():
    """What each file's database is a copy of: making one takes seconds."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "alone")
    with migrated_database(f"database-{worker}") as folder:
        yield folder


@pytest.fixture(scope="module")
def rollcall(request, original):
    stack = Rollcall(request.module.__name__, getattr(request.module, "SETTINGS", None), original)
    try:
        stack.start()
        yield stack
    finally:
        stack.stop()


@pytest.fixture(scope="session")
def browsers():
    """Those that run and are free."""
    free = []
    yield free
    for browser in free:
        browser.quit()


@pytest.fixture
def open_browser(request, rollcall, browsers):
    """Opens a window of a browser of its own, closed after the test; with `script=False` in one that runs no script."""
    pages, shared, others = [], [], []

    def open_one(script=True, width=1280, height=900):
        if script:
            shared.append(browsers.pop() if browsers else Browser())
            shared[-1].open_window(width, height)
            driver = shared[-1].driver
        else:
            others.append(start_chromium(script, width, height))
            driver = others[-1]
        pages.append(Page(driver, rollcall))
        return pages[-1]

    yield open_one
    complaints = []
    try:
        for number, page in enumerate(pages):
            driver = page.driver
            name = re.sub(r"[^\w-]+", "-", request.node.name)
            OUTPUT.mkdir(parents=True, exist_ok=True)
            driver.save_screenshot(str(OUTPUT / f"{name}{'-%d' % number if number else ''}.png"))
            complaints += [entry for entry in errors(driver) if not any(word in entry for word in page.provoked)]
            complaints += [f"a request to {address}" for address in addresses(driver) if not is_own(address, rollcall)]
    finally:
        for browser in shared:
            if browser.close_window():
                browsers.append(browser)
            else:
                browser.quit()
        for driver in others:
            driver.quit()
    assert not complaints


def errors(driver):
    """What the policy refused, what a script threw, what failed to load."""
    return [entry["message"] for entry in driver.get_log("browser") if entry["level"] == "SEVERE"]


def addresses(driver):
    """Whatever the browser asked for."""
    messages = [json.loads(entry["message"])["message"] for entry in driver.get_log("performance")]
    return [each["params"]["request"]["url"] for each in messages if each["method"] == "Network.requestWillBeSent"]


def is_own(address, rollcall):
    return address.startswith((f"{rollcall.address}/", "data:"))


@pytest.fixture
def page(open_browser):
    return open_browser()


@pytest.fixture(scope="module")
def view_key(rollcall):
    return rollcall.key("view")["key"]


@pytest.fixture(scope="module")
def manage_key(rollcall):
    return rollcall.key("manage")["key"]


@pytest.fixture(scope="module")
def long_team(rollcall):
    """The agents of the team `long`: more than a page of a list, and than a screen shows."""
    agents = [f"k{number:03}" for number in range(150)]
    for agent in agents:
        rollcall.add_agent(agent, name=f"Person number {agent}", team="long", with_instance=False)
    return agents
