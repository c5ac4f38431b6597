"""A real installation per file and a real browser per test. What the browser showed last stays in test-output/browser/."""

import re

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.service import Service

from page import Page
from rollcall import OUTPUT, Rollcall


@pytest.fixture(scope="module")
def rollcall(request):
    stack = Rollcall(request.module.__name__)
    try:
        stack.start()
        yield stack
    finally:
        stack.stop()


@pytest.fixture
def open_browser(request, rollcall):
    """Opens browsers that are closed after the test; with `script=False` one that runs no script."""
    drivers = []

    def open_one(script=True, width=1280, height=900):
        options = webdriver.ChromeOptions()
        options.binary_location = "/usr/bin/chromium"
        for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", f"--window-size={width},{height}"):
            options.add_argument(argument)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        if not script:
            options.add_experimental_option("prefs", {"profile.managed_default_content_settings.javascript": 2})
        driver = webdriver.Chrome(options=options, service=Service("/usr/bin/chromedriver"))
        driver.set_page_load_timeout(30)
        drivers.append(driver)
        return Page(driver, rollcall)

    yield open_one
    complaints = []
    for number, driver in enumerate(drivers):
        name = re.sub(r"[^\w-]+", "-", request.node.name)
        OUTPUT.mkdir(parents=True, exist_ok=True)
        driver.save_screenshot(str(OUTPUT / f"{name}{'-%d' % number if number else ''}.png"))
        # What the policy refused, or what a script threw, is a defect on any page.
        for entry in driver.get_log("browser"):
            if "Content Security Policy" in entry["message"] or "Uncaught" in entry["message"]:
                complaints.append(entry["message"])
        driver.quit()
    assert not complaints


@pytest.fixture
def page(open_browser):
    return open_browser()


@pytest.fixture(scope="module")
def view_key(rollcall):
    return rollcall.key("view")["key"]


@pytest.fixture(scope="module")
def manage_key(rollcall):
    return rollcall.key("manage")["key"]
