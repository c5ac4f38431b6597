"""Chromium, started once for many tests: to start one costs as much as most tests do."""

import json
import urllib.request

import websocket
from selenium import webdriver
from selenium.common.exceptions import WebDriverException
from selenium.webdriver.chrome.service import Service


def start_chromium(script=True, width=1280, height=900):
    """Starts a browser; with `script=False` one that runs no script."""
    options = webdriver.ChromeOptions()
    options.binary_location = "/usr/bin/chromium"
    for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", f"--window-size={width},{height}"):
        options.add_argument(argument)
    # It keeps a process ready for the next page, which costs half a second to start, and seldom comes.
    options.add_argument("--disable-features=SpareRendererForSitePerProcess")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    if not script:
        options.add_experimental_option("prefs", {"profile.managed_default_content_settings.javascript": 2})
    driver = webdriver.Chrome(options=options, service=Service("/usr/bin/chromedriver"))
    driver.set_page_load_timeout(30)
    return driver


class Browser:
    """A browser that shows one window at a time, in a context of its own: cookies, stores and caches begin empty, as in one just started."""

    def __init__(self):
        self.driver = start_chromium()
        self._home = self.driver.current_window_handle
        self._context = None
        self._calls = 0
        address = self.driver.capabilities["goog:chromeOptions"]["debuggerAddress"]
        with urllib.request.urlopen(f"http://{address}/json/version", timeout=30) as answer:
            place = json.load(answer)["webSocketDebuggerUrl"]
        # The driver's own connection is to a window; contexts are made by the browser.
        self._socket = websocket.create_connection(place, timeout=30, suppress_origin=True)

    def open_window(self, width, height):
        """Opens a window, which the driver drives from now on."""
        self._context = self._call("Target.createBrowserContext")["browserContextId"]
        window = {"browserContextId": self._context, "newWindow": True, "width": width, "height": height}
        self.driver.switch_to.window(self._call("Target.createTarget", url="about:blank", **window)["targetId"])
        for log in ("browser", "performance"):
            self.driver.get_log(log)

    def close_window(self):
        """Ends the window with all that it kept; says whether the browser is as good as new."""
        try:
            self._call("Target.disposeBrowserContext", browserContextId=self._context)
            self.driver.switch_to.window(self._home)
            return True
        except (WebDriverException, websocket.WebSocketException, OSError, RuntimeError):
            return False

    def quit(self):
        self._socket.close()
        self.driver.quit()

    def _call(self, method, **parameters):
        self._calls += 1
        self._socket.send(json.dumps({"id": self._calls, "method": method, "params": parameters}))
        while True:
            answer = json.loads(self._socket.recv())
            if answer.get("id") == self._calls:
                if "result" not in answer:
                    raise RuntimeError(f"{method}: {answer}")
                return answer["result"]
