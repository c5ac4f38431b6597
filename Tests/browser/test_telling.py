"""What befalls the fleet is said once to who listens: incidents, changes that wait, names that nobody knows."""

import datetime

from held_changes import order, team
from told_stream import streamed

# Keeps in `spoken` whatever is said in the place where it is said politely.
LISTEN = """
  window.spoken = [];
  new MutationObserver((all) => {
    for (const { addedNodes } of all) for (const node of addedNodes) if (node.nodeName === "SPAN") window.spoken.push(node.textContent);
  }).observe(document.getElementById("pulse"), { childList: true });
"""


def listen(page):
    page.run(LISTEN)
    place = page.run("const { role, ariaAtomic } = document.getElementById('pulse'); return [role, ariaAtomic]")
    assert place == ["status", "false"], "each is said alone"


def spoken(page):
    return page.run("return window.spoken")


def ticks(page):
    return page.has("#pulse time")


def test_an_incident_is_said_once_and_one_that_the_pulse_tells_is_not_said_twice(streamed):
    page = streamed()
    listen(page)
    opened = datetime.datetime.now(datetime.timezone.utc).isoformat()

    def tell(number, kind, closed=None, **whose):
        page.run("window.tell('incident', arguments[0])", {"id": number, "kind": kind, "opened_at": opened, "closed_at": closed, **whose})

    tell(71, "source_silent", source="hr")
    page.wait(lambda: page.has("[data-incident='71']"), what="the banner")
    tell(71, "source_silent", source="hr")
    tell(72, "engine_outage", engine="main")
    tell(73, "account_unattended", engine="main")
    tell(74, "account_refused", engine="main")
    page.wait(lambda: page.has("[data-incident='74']"), what="the last banner")
    tell(71, "source_silent", closed=opened, source="hr")
    page.wait(lambda: not page.has("[data-incident='71']"), what="the end of the first")
    first, second = spoken(page)
    assert first.startswith("Clock source hr: nothing genuine comes from it any more")
    assert second.startswith("Engine main: it refuses our credential")
    assert "It began" in first and not ticks(page)


def test_a_change_that_waits_is_said_once(rollcall, page, view_key, manage_key, team):
    page.sign_in(view_key)
    page.wait_live()
    # What waits was asked for, so that what comes is news.
    page.wait(lambda: page.run("return performance.getEntriesByType('resource').some((each) => each.name.includes('/v1/guard?'))"))
    listen(page)
    change = order(rollcall, manage_key, "hold", team[1])
    card = f'#guard-list [data-change="{change}"]'
    page.wait(lambda: "8 agents wait." in page.text(card), what="the card of all eight")
    (said,) = spoken(page)
    for words in ("The session would be held stopped until", "A manager's turn: look and decide.", "It waits because much would change at once"):
        assert words in said, (words, said)
    assert "Asked" not in said and not ticks(page)
    # Who finds it on the page is not told of it.
    page.before_scripts(f"document.addEventListener('DOMContentLoaded', () => {{ {LISTEN} }});")
    page.open()
    page.wait_live()
    page.wait(lambda: page.find(f"{card} [data-open]").is_displayed(), what="the card after a reload")
    assert spoken(page) == []
    rollcall.must("POST", f"/v1/guard/{change}/refuse")


def test_names_that_nobody_knows_are_said_when_there_were_none(rollcall, page, view_key):
    page.sign_in(view_key)
    page.wait_live()
    listen(page)
    for name in ("N-first", "N-second"):
        at = datetime.datetime.now(datetime.timezone.utc).isoformat()
        rollcall.must("POST", "/v1/clock-events", {"agent_id": name, "kind": "clock_in", "occurred_at": at})
        page.wait_text("#unmatched", "Under 1 name" if name == "N-first" else "Under 2 names")
    assert spoken(page) == ["Under 1 name there are clock events that nobody could match to an agent."]
