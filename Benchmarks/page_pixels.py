"""How soon the page shows clock events: part of Benchmarks/page."""

import http.client
import time

from page_browser import person, post, spread

IN_VIEW = 20  # agents that events are about
CARDS = 12  # agents whose cards come and go: as many as are in view together
OWN = IN_VIEW  # the number of the agent whose page is open

WATCH = """
    window.seen = [];
    const rows = document.getElementById("rows");
    new MutationObserver((changes) => {
      const cells = new Set(changes.map((change) => change.target.parentElement?.closest("[data-field=shift]") ?? change.target.closest?.("[data-field=shift]")));
      for (const cell of cells) {
        if (!cell) continue;
        requestAnimationFrame(() => window.seen.push([cell.closest("tr").dataset.agent, cell.dataset.shift, performance.timeOrigin + performance.now()]));
      }
    }).observe(rows, { subtree: true, childList: true, characterData: true });
"""
CARD_WATCH = """
    window.seen = [];
    new MutationObserver((changes) => {
      for (const card of changes.flatMap((change) => [...change.addedNodes])) {
        if (!card.dataset?.agent) continue;
        requestAnimationFrame(() => window.seen.push([card.dataset.agent, card.dataset.agreement, performance.timeOrigin + performance.now()]));
      }
    }).observe(document.getElementById("need-list"), { childList: true });
"""
AGENT_WATCH = """
    window.seen = [];
    const view = document.getElementById("agent");
    const shift = () => document.getElementById("shift").dataset.shift;
    let last = shift();
    new MutationObserver(() => {
      if (shift() === last) return;
      last = shift();
      const shown = last;
      requestAnimationFrame(() => window.seen.push([view.dataset.agent, shown, performance.timeOrigin + performance.now()]));
    }).observe(view, { subtree: true, childList: true, characterData: true, attributes: true });
"""


def send(connection, rate, events):
    """Posts events at a rate: of each the agent, the kind, and the word that the page then shows, `None` where nobody looks.

    Of those that are looked at: agent, word, and when the event was due and was answered, in milliseconds.
    """
    sent = []
    started = time.time() + 0.5
    for number, (agent, kind, word) in enumerate(events):
        due = started + number / rate
        time.sleep(max(0, due - time.time()))
        post(connection, agent, kind)
        if word:
            sent.append((agent, word, due * 1000, time.time() * 1000))
    return sent


def first_seen(sent, seen):
    """When each was seen first, before the agent's next that shows the same was due; `None` of those that were not."""
    found, until = [], {}
    for agent, word, due, _ in reversed(sent):
        end = until.get((agent, word), float("inf"))
        found.append(next((at for who, what, at in seen if (who, what) == (agent, word) and due <= at < end), None))
        until[agent, word] = due
    return found[::-1]


def lags(browser, sent):
    """How soon the browser showed what was sent, from when it was due and from when it was answered."""
    deadline = time.monotonic() + 30
    found = first_seen(sent, browser.run("return window.seen"))
    while None in found and time.monotonic() < deadline:
        time.sleep(0.1)
        found = first_seen(sent, browser.run("return window.seen"))
    shown = [(at, due, answered) for at, (_, _, due, answered) in zip(found, sent) if at is not None]
    return {
        "due_to_pixel": spread([at - due for at, due, _ in shown]),
        # The stream may be ahead of the answer.
        "answer_to_pixel": spread([max(0, at - answered) for at, _, answered in shown]),
        "due_to_answer": spread([answered - due for _, _, due, answered in sent]),
        "unseen": found.count(None),
    }


def break_of(agent, turn):
    """An event that takes an agent on shift to a break, and the next time back; with the word for what the shift is then."""
    return (agent, "break-start", "break") if turn % 2 == 0 else (agent, "break-end", "in")


def measure_pixels(browser, port, events, rate):
    """How soon the browser shows events in the rows of the table."""
    agents = [person(number) for number in range(IN_VIEW)]
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    for agent in agents:
        post(connection, agent, "clock-in")
    browser.open_fleet()
    browser.wait(f"document.querySelector('tr[data-agent={agents[-1]}] [data-shift=in]')")
    # What comes on top of the table stands there already; the rows that change are in view.
    browser.run("document.getElementById('agents').scrollIntoView()")
    browser.wait(f"document.querySelector('tr[data-agent={agents[-1]}]')")
    time.sleep(2)  # the page settles; nothing is measured yet
    browser.run(WATCH)
    breaks = [break_of(agents[number % IN_VIEW], number // IN_VIEW) for number in range(events)]
    return lags(browser, send(connection, rate, breaks))


def measure_cards(browser, port, events, rate):
    """How soon the browser shows the card of somebody who came and needs somebody."""
    agents = [person(number) for number in range(CARDS)]
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    for number in range(OWN + 1):
        post(connection, person(number), "clock-out")
    browser.open_fleet()
    browser.run("document.getElementById('needs').scrollIntoView()")
    browser.wait("document.querySelector('#need-list > *') === null")
    time.sleep(2)  # the page settles; nothing is measured yet
    browser.run(CARD_WATCH)
    rounds = [("clock-in", "here_unmapped"), ("clock-out", None)]
    comings = [(agents[number % CARDS], *rounds[number // CARDS % 2]) for number in range(events)]
    return lags(browser, send(connection, rate, comings))


def measure_agent(browser, port, events, rate):
    """How soon the browser shows on an agent's page what the agent does, while others do as much as before."""
    own, agents = person(OWN), [person(number) for number in range(IN_VIEW)]
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    for agent in [own, *agents]:
        post(connection, agent, "clock-out")
        post(connection, agent, "clock-in")
    browser.open(f"/agents/{own}")
    browser.wait("document.getElementById('live').dataset.state === 'live'")
    browser.wait("document.querySelector('#shift[data-shift=in]')")
    time.sleep(2)  # the page settles; nothing is measured yet
    browser.run(AGENT_WATCH)
    every = max(1, round(rate))  # of so many events one is about the agent
    breaks = []
    for number in range(events):
        agent, kind, word = break_of(agents[number % IN_VIEW], number // IN_VIEW)
        breaks.append(break_of(own, number // every) if number % every == 0 else (agent, kind, None))
    return lags(browser, send(connection, rate, breaks))
