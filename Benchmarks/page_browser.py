"""The browser that Benchmarks/page measures in, and what all of its parts need."""

import json
import sys
import time

from selenium import webdriver
from selenium.webdriver.chrome.service import Service as Driver
from selenium.webdriver.common.by import By

from service import KEY


def call(connection, method, path, body=None):
    """Calls the API on a connection that is kept; returns status and bytes."""
    headers = {"Authorization": f"Bearer {KEY}"} | ({"Content-Type": "application/json"} if body is not None else {})
    connection.request(method, path, json.dumps(body) if body is not None else None, headers)
    answer = connection.getresponse()
    return answer.status, answer.read()


def person(number):
    return f"p{number:05}"


def post(connection, agent, kind):
    status, text = call(connection, "POST", f"/v1/agents/{agent}/{kind}", {})
    if status >= 300:
        sys.exit(f"an event was refused: {text}")


def spread(values, unit="ms"):
    """Median, 99 of 100 and the worst, of milliseconds."""
    ranked = sorted(values)
    at = lambda share: ranked[min(len(ranked) - 1, int(share * len(ranked)))] if ranked else None
    return {"count": len(ranked), "p50": rounded(at(0.5)), "p99": rounded(at(0.99)), "max": rounded(ranked[-1] if ranked else None), "unit": unit}


def rounded(value):
    return None if value is None else round(value, 1)


class Browser:
    def __init__(self, port):
        self.address = f"http://127.0.0.1:{port}"
        options = webdriver.ChromeOptions()
        options.binary_location = "/usr/bin/chromium"
        for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--window-size=1280,900"):
            options.add_argument(argument)
        self.driver = webdriver.Chrome(options=options, service=Driver("/usr/bin/chromedriver"))
        self.driver.set_page_load_timeout(120)
        self.driver.set_script_timeout(600)

    def run(self, script, *arguments):
        return self.driver.execute_script(script, *arguments)

    def command(self, name, **parameters):
        return self.driver.execute_cdp_cmd(name, parameters)

    def open(self, path):
        self.driver.get(self.address + path)

    def wait(self, script, seconds=120):
        deadline = time.monotonic() + seconds
        while not self.run(f"return Boolean({script})"):
            if time.monotonic() > deadline:
                sys.exit(f"the page never came to: {script}")
            time.sleep(0.02)

    def sign_in(self):
        self.open("/")
        self.driver.find_element(By.ID, "key").send_keys(KEY)
        self.driver.find_element(By.CSS_SELECTOR, "#sign-in button").click()
        self.wait("document.getElementById('sign-out')")

    def open_fleet(self, path="/"):
        self.open(path)
        self.wait("document.getElementById('live').dataset.state === 'live'")
        self.wait("Number(document.getElementById('agents').getAttribute('aria-rowcount')) > 0")
