"""How heavy the page is, and how long it takes to come: part of Benchmarks/page.

The first load is everything that comes before anything is pressed, compressed: the document, styles and scripts, and what they ask for,
of the list the first page (500 agents). So count the browser tests, whose lists have one page (`first_load` in Tests/browser/page.py).
"""

import contextlib
import http.client
import json
import sys
import time

from page_browser import call, person, post, rounded, spread

CROWD = 60  # agents at work who need somebody while loads are measured: more than the page shows cards (FleetModel.needLimit)

LOADED = """
    const [page] = performance.getEntriesByType("navigation");
    const all = [page, ...performance.getEntriesByType("resource")];
    return {
      load: page.loadEventEnd,
      cards: document.querySelectorAll("#need-list > li").length,
      parts: all.map((each) => [each.name.replace(location.origin, "").replace(/cursor=.*/, "cursor=…"), each.encodedBodySize, each.decodedBodySize]),
    };
"""


@contextlib.contextmanager
def crowded(port, agents):
    """Meanwhile the last agents are at work without a session, and need somebody."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    crowd = [person(number) for number in range(agents - CROWD, agents)]
    for agent in crowd:
        post(connection, agent, "clock-in")
    wait_for_needs(connection, CROWD)
    try:
        yield
    finally:
        for agent in crowd:
            post(connection, agent, "clock-out")
        wait_for_needs(connection, 0)


def wait_for_needs(connection, count):
    """Waits until so many need somebody by the counts, which many share for a while."""
    deadline = time.monotonic() + 60
    while (needing := json.loads(call(connection, "GET", "/v1/summary")[1])["needs_somebody"]) != count:
        if time.monotonic() > deadline:
            sys.exit(f"{needing} need somebody, and not {count}")
        time.sleep(0.1)


def measure_load(browser, path, loads, is_there):
    """From the start of a navigation to the end of the load event, and what came."""
    times, whole, loaded = [], [], {}
    for _ in range(loads):
        browser.command("Network.clearBrowserCache")
        browser.open(path)
        browser.wait("performance.getEntriesByType('navigation')[0].loadEventEnd > 0")
        browser.wait(is_there)
        whole.append(browser.run("return performance.now()"))
        loaded = browser.run(LOADED)
        times.append(loaded["load"])
    first = [part for part in loaded["parts"] if "cursor=" not in part[0]]
    rest = [part for part in loaded["parts"] if "cursor=" in part[0]]
    return {
        "load": spread(times),
        "complete": spread(whole),
        "cards": loaded["cards"],
        "compressed_kB": rounded(sum(size for _, size, _ in first) / 1000),
        "plain_kB": rounded(sum(size for _, _, size in first) / 1000),
        "rest_of_list_kB": rounded(sum(size for _, size, _ in rest) / 1000),
        "resources": {name: size for name, size, _ in first},
    }
