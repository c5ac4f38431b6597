"""The first load of a bad morning, for who may do everything: as many cards as the page shows, an incident, a change that waits."""

import datetime

import pytest

import story
from rollcall import wait_until

SETTINGS = story.SETTINGS

CARDS = 50  # `FleetModel.needLimit`
LIMIT = 60_000  # bytes, compressed

# What befalls some at work: how many, and the condition they are in then. None of them is so many that an incident says it of all.
KINDS = {
    "scan": (9, "needs_pairing"), "lost": (6, "needs_attention"), "odd": (6, "unknown"), "mute": (9, "drifted"), "held": (6, "held"),
    "none": (18, "unassigned"),
}
FAULTS = {"scan": ("needs_qr", {}), "lost": ("vanish", {}), "odd": ("stale_read", {"word": "MAINTENANCE"}), "mute": ("self_stop", {})}
FINE = [f"fine-{number}" for number in range(8)]  # those whom the change that waits is about: more than may be held at once

FIRST = "Ada Bruno Chen Dilara Emil فرح Goran Hana Inés Jonas Kofi Lena Mara Noel Olga Pavel Quinn Rosa".split()
LAST = "Mbeki Sá Li Aydın Novák حداد Ilić Sato Prieto Weber Annor Olsen Stein".split()
TEAMS = ["front-desk", "support", "late-shift"]


def members(kind):
    return [f"{kind}-{number}" for number in range(KINDS[kind][0])]


def add(rollcall, number, agent, with_instance=True):
    name = f"{FIRST[number % len(FIRST)]} {LAST[number % len(LAST)]}"
    rollcall.add_agent(agent, name=name, team=TEAMS[number % len(TEAMS)], with_instance=with_instance)


@pytest.fixture(scope="module", autouse=True)
def morning(rollcall):
    agents = [agent for kind in KINDS for agent in members(kind)]
    for number, agent in enumerate(agents + FINE):
        add(rollcall, number, agent, with_instance=not agent.startswith("none"))
    # Off shift nothing changes by it, so that the guard lets it pass.
    for agent in members("held"):
        story.hold(rollcall, agent, "stopped")
    for minutes, agent in enumerate(agents + FINE, start=5):
        story.clock_in(rollcall, agent, minutes)
    for agent in FINE + [agent for kind in FAULTS for agent in members(kind)]:
        rollcall.wait_for(agent, observed="WORKING", condition="converged")
    for kind, (fault, params) in FAULTS.items():
        rollcall.fault(fault, [f"I-{agent}" for agent in members(kind)], **({"params": params} if params else {}))
    for kind, (_, condition) in KINDS.items():
        for agent in members(kind):
            rollcall.wait_for(agent, condition=condition)
    wait_for_somebody(rollcall)
    fall_silent(rollcall)


def wait_for_somebody(rollcall):
    """Has a change wait until somebody decides."""
    until = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=1)
    hold = {"state": "stopped", "until": until.isoformat(), "reason": "the office moves"}
    rollcall.must("POST", "/v1/actions", {"action": "hold", "agents": FINE, "hold": hold})


def fall_silent(rollcall):
    """Has a clock source be heard once, and then no more."""
    rollcall.must("PUT", "/v1/sources/quiet/aliases/somebody", {"agent_id": FINE[0]})
    at = datetime.datetime.now(datetime.timezone.utc).isoformat()
    assert rollcall.deliver("quiet", {"agent_id": "somebody", "kind": "clock_in", "occurred_at": at, "event_id": "q1"}) == 200
    wait_until(lambda: {each["kind"] for each in rollcall.must("GET", "/v1/incidents")["items"]} >= {"source_silent", "change_held"}, what="the incident")


def test_fifty_cards_an_incident_and_a_change_that_waits_come_in_a_small_first_load(rollcall, page):
    page.sign_in(rollcall.admin_key)
    loads = {}
    for language in ("en", "es", "ar"):
        page.driver.execute_cdp_cmd("Network.clearBrowserCache", {})
        page.open(f"/?lang={language}")
        assert page.find("html").get_attribute("lang") == language
        page.wait_live()
        page.wait_loaded()
        page.wait(lambda: page.has("#guard-list [data-open]"), what="the card of the change that waits")
        assert len(page.needs()) == CARDS and page.find("#need-more").is_displayed()
        agreements = page.run("return [...new Set([...document.querySelectorAll('#need-list > li')].map((card) => card.dataset.agreement))]")
        assert {"stuck", "must_scan", "here_unmapped", "here_unsure", "mute"} <= set(agreements), agreements
        assert page.has("#incidents .incident:not([data-scripted-away])")
        total, plain, sizes = page.first_load()
        print(f"first load of a bad morning, {language}: {total} bytes compressed, {plain} plain, {len(sizes)} requests")
        for address in ("/v1/agents?", "/v1/guard?"):
            assert any(name.startswith(address) and size > 0 for name, size, _ in sizes), f"{address} is counted too"
        loads[language] = total
    assert all(total < LIMIT for total in loads.values()), loads
