"""That nobody needs anything is said only while nothing else waits for somebody either."""

import datetime
import secrets
import time

HELD = 7  # agents, too many to be held at once

# Whether the page ever said from now on that nobody needs anything.
WATCH_CALM = """
  window.wasCalm = false;
  const calm = document.getElementById("calm");
  new MutationObserver(() => (window.wasCalm ||= !calm.hidden)).observe(calm, { attributes: true });
"""


def now():
    return datetime.datetime.now(datetime.timezone.utc)


def is_calm(page):
    return page.find("#calm").is_displayed()


def source_says(page):
    """Whether the page as the server sends it, with no script of its own, says that nobody needs anything."""
    return page.run("return fetch('/').then((answer) => answer.text())").count('<p id="calm" class="calm" >') == 1


def open_calm(page, key):
    page.sign_in(key)
    page.wait_live()
    page.wait_loaded()
    page.wait(lambda: is_calm(page), what="calm")
    assert source_says(page)


def test_a_change_that_asks_somebody_is_no_calm(rollcall, page, view_key):
    agents = [f"calm-{number}" for number in range(HELD)]
    for agent in agents:
        rollcall.add_agent(agent)
        rollcall.clock_in(agent)
    for agent in agents:
        rollcall.wait_for(agent, condition="converged", observed="WORKING")
    open_calm(page, view_key)
    until = now() + datetime.timedelta(hours=1)
    hold = {"state": "stopped", "until": until.isoformat(), "reason": "moving"}
    rollcall.must("POST", "/v1/actions", {"action": "hold", "agents": agents, "hold": hold})
    (change,) = [each["change"] for each in rollcall.must("GET", "/v1/guard")["items"] if each["waiting"]]
    page.wait(lambda: page.has("#guard-list [data-change]"), what="the change")
    assert not is_calm(page) and page.needs() == [] and not source_says(page)
    rollcall.must("POST", f"/v1/guard/{change}/refuse")
    page.wait(lambda: not page.has("#guard-list [data-change]"), what="the end of the change")
    page.wait(lambda: is_calm(page), what="calm")


def test_clock_events_of_nobody_are_no_calm_and_say_since_when_they_wait(rollcall, page, view_key):
    open_calm(page, view_key)
    rollcall.must("POST", "/v1/clock-events", {"agent_id": "E-77", "kind": "clock_out", "occurred_at": now().isoformat()})
    page.wait(lambda: page.has("#unmatched a"), 10, "the name that nobody knows, told of by the stream")
    assert not is_calm(page) and page.needs() == [] and not source_says(page)
    line = page.text("#unmatched")
    assert "An administrator's turn, for " in line and line.endswith(" s.")
    since = page.find("#unmatched time").get_attribute("datetime")
    assert abs(now() - datetime.datetime.fromisoformat(since)) < datetime.timedelta(minutes=1)
    above = "return document.getElementById('unmatched').compareDocumentPosition(document.getElementById('need-list'))"
    assert page.run(above) & 4, "it stands above the cards"
    # The server's page has the same line.
    page.open()
    assert page.find("#unmatched time").get_attribute("datetime") == since and "An administrator's turn" in page.text("#unmatched")
    page.wait_live()
    rollcall.add_agent("late", with_instance=False)
    rollcall.must("PUT", "/v1/sources/api/aliases/E-77", {"agent_id": "late"})
    page.wait(lambda: not page.has("#unmatched a"), 10, "that it is somebody's now")


def test_an_incident_is_no_calm(rollcall, page, view_key):
    """The last one: a source that was heard once falls silent again and again."""
    open_calm(page, view_key)
    rollcall.add_agent("somebody", with_instance=False)
    rollcall.must("PUT", "/v1/sources/quiet/aliases/somebody", {"agent_id": "somebody"})
    hear(rollcall)
    page.wait(lambda: page.has("#incidents .incident"), what="the incident")
    assert not is_calm(page) and page.needs() == [] and not source_says(page)
    page.open()
    page.wait_live()
    assert not is_calm(page) and page.has("#incidents .incident")
    page.run(WATCH_CALM)
    last = [0]

    def is_over():
        if time.monotonic() - last[0] > 1:
            last[0] = time.monotonic()
            hear(rollcall)
        return page.run("return window.wasCalm")

    page.wait(is_over, what="calm once the source is heard")


def hear(rollcall):
    """Has the source say something that concerns nobody's session."""
    event = {"agent_id": "somebody", "kind": "clock_out", "occurred_at": now().isoformat(), "event_id": secrets.token_hex(4)}
    assert rollcall.deliver("quiet", event) == 200
