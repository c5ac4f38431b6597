"""A real installation per file and a real browser per test. What the browser showed last stays in test-output/browser/.

Whatever a test is about: a browser that complained, or that asked anybody but Rollcall for anything, makes it fail.
"""

import json
import re

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.service import Service

from page import Page
from rollcall import OUTPUT, Rollcall


@pytest.fixture(scope="module")
def rollcall(request):
    stack = Rollcall(request.module.__name__, getattr(request.module, "SETTINGS", None))
    try:
        stack.start()
        yield stack
    finally:
        stack.stop()


@pytest.fixture
def open_browser(request, rollcall):
    """Opens browsers that are closed after the test; with `script=False` one that runs no script."""
    pages = []

    def open_one(script=True, width=1280, height=900):
        options = webdriver.ChromeOptions()
        options.binary_location = "/usr/bin/chromium"
        for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", f"--window-size={width},{height}"):
            options.add_argument(argument)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        if not script:
            options.add_experimental_option("prefs", {"profile.managed_default_content_settings.javascript": 2})
        driver = webdriver.Chrome(options=options, service=Service("/usr/bin/chromedriver"))
        driver.set_page_load_timeout(30)
        pages.append(Page(driver, rollcall))
        return pages[-1]

    yield open_one
    complaints = []
    for number, page in enumerate(pages):
        driver = page.driver
        name = re.sub(r"[^\w-]+", "-", request.node.name)
        OUTPUT.mkdir(parents=True, exist_ok=True)
        driver.save_screenshot(str(OUTPUT / f"{name}{'-%d' % number if number else ''}.png"))
        complaints += [entry for entry in errors(driver) if not any(word in entry for word in page.provoked)]
        complaints += [f"a request to {address}" for address in addresses(driver) if not is_own(address, rollcall)]
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
