"""How soon the page shows what a pass committed: part of Benchmarks/page.

The agents in view get sessions at an engine simulator. These stop by themselves (drift found; Rollcall confirms it after 2 s and starts
them: WORKING) and lose their pairing (must scan), until somebody scans (WORKING). Rollcall hears of it by the engine's webhook in
every other turn; in the others there is none, and looks find it.

A pass that changes an agent's condition dates it (`since`) by the database's clock inside its transaction, right before the commit,
so that the commit itself counts in. The row carries that instant, so every commit is known again in the page; the list of the API,
read ten times a second, says which ones there were.
"""

import http.client
import json
import re
import subprocess
import sys
import threading
import time
from datetime import datetime

from page_browser import call, person, post, spread
from page_pixels import IN_VIEW

SECRET = "a-secret-of-webhooks-for-measuring-only"
SETTINGS = {
    "ROLLCALL_ENGINE_MAIN_TOKEN": "tok_valid_0001", "ROLLCALL_ENGINE_MAIN_WEBHOOK_SECRET": SECRET,
    "ROLLCALL_SWEEP_INTERVAL": "2s", "ROLLCALL_OFF_SHIFT_SWEEP_INTERVAL": "2s", "ROLLCALL_CONFIRM_AFTER": "2s",
    # Falls are forgotten at once: sessions that fall again and again would be started later each time.
    "ROLLCALL_RESTART_WINDOW": "1s",
}
LASTING = ("drifted", "needs_pairing", "converged")  # conditions that last for longer than it takes to tell of them
PASSES = 4 * IN_VIEW  # commits of a turn that are counted
REST = 1.5  # seconds that a condition lasts at least before the next is brought about

WATCH = """
    window.seen = [];
    new MutationObserver((changes) => {
      for (const row of new Set(changes.map((change) => change.target))) {
        const { agent, condition, since } = row.dataset;
        requestAnimationFrame(() => window.seen.push([agent, condition, since, performance.timeOrigin + performance.now()]));
      }
    }).observe(document.getElementById("rows"), { subtree: true, attributeFilter: ["data-condition", "data-since"] });
"""


class Simulator:
    """An engine simulator on a free port, until it is closed."""

    def __init__(self, binary):
        self.process = subprocess.Popen(
            [binary, "simulate-engine", "--port", "0", "--boot", "300-600"], stdout=subprocess.PIPE, text=True
        )
        found = re.search(r"http://127\.0\.0\.1:(\d+)", self.process.stdout.readline())
        if not found:
            sys.exit("the engine simulator did not start")
        self.port = int(found.group(1))
        self.address = f"http://127.0.0.1:{self.port}"

    def tell(self, method, path, body):
        """Moves its world."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        connection.request(method, path, json.dumps(body), {"Content-Type": "application/json"})
        answer = connection.getresponse()
        text = answer.read()
        connection.close()
        if answer.status >= 300:
            sys.exit(f"the engine simulator refused {path}: {text}")

    def close(self):
        self.process.terminate()
        self.process.wait(60)


class Book:
    """Which commits of passes there were, by the list of the first agents, until it is closed."""

    def __init__(self, port, agents):
        self.port = port
        self.agents = set(agents)
        self.states = {}  # by agent: condition and the engine's word, as last read
        self.commits = {}  # by agent, condition and since: milliseconds
        self.old = set()  # those of before the beginning
        self.is_open = True
        self.thread = threading.Thread(target=self.follow)
        self.thread.start()

    def follow(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        while self.is_open:
            for agent in json.loads(call(connection, "GET", f"/v1/agents?limit={IN_VIEW}")[1])["items"]:
                agent_id, condition, since = agent["agent_id"], agent["condition"], agent["since"]
                self.states[agent_id] = (condition, agent["observed"])
                if agent_id in self.agents and condition in LASTING:
                    self.commits.setdefault((agent_id, condition, since), milliseconds(since))
            time.sleep(0.1)
        connection.close()

    def begin(self):
        """Counts what is committed from now on."""
        self.old = set(self.commits)

    def new(self):
        """What was committed since, with when."""
        return {commit: at for commit, at in list(self.commits.items()) if commit not in self.old}

    def wait(self, condition, word):
        """Waits until all of them are in a condition, by a word of the engine."""
        self.wait_until(lambda: {agent for agent, state in list(self.states.items()) if state == (condition, word)}, condition)

    def wait_for_commits(self, condition, since):
        """Waits until a commit brought a condition to each of them, since an instant in milliseconds."""
        self.wait_until(lambda: {commit[0] for commit, at in self.new().items() if commit[1] == condition and at >= since}, condition)

    def wait_until(self, fitting, what, seconds=120):
        deadline = time.monotonic() + seconds
        while not fitting() >= self.agents:
            if time.monotonic() > deadline or not self.thread.is_alive():
                sys.exit(f"not all sessions came to be {what}: {self.states}")
            time.sleep(0.1)

    def close(self):
        self.is_open = False
        self.thread.join()


def milliseconds(instant):
    return datetime.fromisoformat(instant.replace("Z", "+00:00")).timestamp() * 1000


def map_agents(connection, simulator, agents):
    """Gives agents who are off shift a session each, and has them clock in."""
    sessions = [{"instance_id": f"I-{agent}", "status": "STOPPED"} for agent in agents]
    simulator.tell("PUT", "/_sim/sessions", {"sessions": sessions})
    for number, agent in enumerate(agents):
        post(connection, agent, "clock-out")
        instance = {"engine": "main", "instance_id": f"I-{agent}", "session_name": f"wawp-{agent}"}
        body = {"name": f"Person {number:05}", "team": f"team {number:02}", "instance": instance}
        status, text = call(connection, "PUT", f"/v1/agents/{agent}", body)
        if status not in (200, 201, 204):
            sys.exit(f"{agent} got no session: {status} {text}")
    for agent in agents:
        post(connection, agent, "clock-in")


def paced(rate, agents, act):
    for agent in agents:
        act(agent)
        time.sleep(1 / rate)


def bring_about(simulator, book, agents, rate, turns):
    """Has sessions stop, lose their pairing and be paired again, all of them, turn by turn."""
    webhook = f"http://127.0.0.1:{book.port}/v1/engines/main/events?secret={SECRET}"
    strike = lambda kind: lambda agent: simulator.tell("PUT", "/_sim/faults", {"kind": kind, "scope": [f"I-{agent}"]})
    scan = lambda agent: simulator.tell("POST", "/_sim/scan", {"scope": [f"I-{agent}"]})
    for turn in range(turns):
        simulator.tell("PUT", "/_sim/webhooks", {"urls": [webhook] if turn % 2 == 0 else []})
        struck = time.time() * 1000
        paced(rate, agents, strike("self_stop"))
        book.wait_for_commits("drifted", struck)
        book.wait("converged", "WORKING")
        time.sleep(REST)
        paced(rate, agents, strike("needs_qr"))
        book.wait("needs_pairing", "SCAN_QR_CODE")
        time.sleep(REST)
        paced(rate, agents, scan)
        book.wait("converged", "WORKING")
        time.sleep(REST)


def measure_passes(browser, port, simulator, events, rate):
    """How soon the browser shows in the rows of the table what passes committed."""
    agents = [person(number) for number in range(IN_VIEW)]
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    map_agents(connection, simulator, agents)
    book = Book(port, agents)
    try:
        book.wait("converged", "WORKING")
        browser.open_fleet()
        browser.run("document.getElementById('agents').scrollIntoView()")
        browser.wait(f"document.querySelector('tr[data-agent={agents[-1]}][data-condition=converged]')")
        time.sleep(2)  # the page settles; nothing is measured yet
        browser.run(WATCH)
        book.begin()
        bring_about(simulator, book, agents, rate, turns=max(2, round(events / PASSES)))
    finally:
        book.close()
    return lags(browser, book.new())


def lags(browser, commits):
    """How soon the browser showed what was committed."""
    deadline = time.monotonic() + 30
    while True:
        first = {}
        for agent, condition, since, at in browser.run("return window.seen"):
            first.setdefault((agent, condition, since), at)
        unseen = [commit for commit in commits if commit not in first]
        if not unseen or time.monotonic() > deadline:
            break
        time.sleep(0.1)
    return {
        "commit_to_pixel": spread([first[commit] - at for commit, at in commits.items() if commit in first]),
        "passes": {name: sum(1 for commit in commits if commit[1] == name) for name in LASTING},
        "unseen": len(unseen),
    }
