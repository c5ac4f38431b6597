"""What every view shows while engines and clock sources are away, in light and in dark: nothing that axe-core finds."""

import datetime
import secrets

import pytest

import axe
from rollcall import TOKEN, wait_until

# Slow enough for a morning to be seen on its way.
SETTINGS = {"ROLLCALL_ENGINE_MAIN_CALLS_PER_SECOND": "2"}

MORNING = [f"early-{number}" for number in range(40)]


def engines(rollcall, *names):
    """Starts the server anew with these engine accounts, all on the one simulator."""
    rollcall.stop_server()
    settings = SETTINGS | {"ROLLCALL_ENGINES": ",".join(names)}
    for name in names:
        account = f"ROLLCALL_ENGINE_{name.upper()}_"
        address = f"http://127.0.0.1:{rollcall.simulator_port}"
        settings |= {f"{account}KIND": "wawp", f"{account}URL": address, f"{account}TOKEN": TOKEN}
    rollcall.settings = settings
    rollcall.start_server()


@pytest.fixture(scope="module")
def outage(rollcall):
    """Nobody acts for one engine, another one is away, and of the sources one refuses and one is silent."""
    engines(rollcall, "main", "spare")
    rollcall.sim("PUT", "/_sim/sessions", {"sessions": [{"instance_id": "I-there", "status": "STOPPED"}]})
    instance = {"engine": "spare", "instance_id": "I-there", "session_name": "wawp-there"}
    rollcall.must("PUT", "/v1/agents/there", {"name": "There", "team": "support", "instance": instance})
    rollcall.wait_for("there", observed="STOPPED", condition="converged")
    engines(rollcall, "main")
    at = datetime.datetime.now(datetime.timezone.utc).isoformat()
    event = {"agent_id": "nobody", "kind": "clock_in", "event_id": secrets.token_hex(4), "occurred_at": at}
    assert rollcall.deliver("quiet", event) == 200
    assert rollcall.deliver("hr", event, secret="another-secret-than-that") == 401
    rollcall.fault("outage", mode="503")
    yield
    rollcall.mend()


def colours(page, scheme):
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    page.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})


def look(page, name):
    return [f"{name}: {each}" for each in axe.violations(page.driver)]


def test_axe_finds_nothing_while_a_morning_is_on_its_way(rollcall, page):
    for agent in MORNING:
        rollcall.add_agent(agent, team="early")
    page.sign_in(rollcall.admin_key, "/?team=early")
    page.wait_live()
    page.wait_loaded()
    for agent in MORNING:
        rollcall.clock_in(agent)
    page.wait_text("#bursts", "on their way to where people want them")
    found = []
    for scheme in ("light", "dark"):
        colours(page, scheme)
        assert page.has("#bursts .busy"), "it is still on its way"
        found += look(page, scheme)
    assert found == []
    wait_until(lambda: rollcall.agent(MORNING[0])["observed"] == "WORKING", 120, "somebody being able to work")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_while_engines_and_sources_are_away(rollcall, outage, page, scheme):
    colours(page, scheme)
    page.sign_in(rollcall.admin_key)
    page.wait_live()
    page.wait_loaded()
    page.wait_text("#pulse", "Engine main has not answered since", 60)
    page.wait_text("#pulse", "Nobody acts for engine spare")
    page.wait_text("#incidents", "Engine main: no call to it succeeds", 60)
    page.wait_text("#incidents", "Clock source quiet: nothing genuine comes from it any more")
    found = look(page, "fleet")
    for agent in ("there", MORNING[0]):
        page.open(f"/agents/{agent}")
        page.wait_live()
        page.wait(lambda: page.find("#agent").get_attribute("data-uncertain") == "true", what="the grey")
        found += look(page, agent)
    page.open("/sources")
    page.wait_live()
    for source, state in (("quiet", "silent"), ("hr", "refusing")):
        page.wait(lambda: page.has(f'tr[data-source="{source}"] [data-source-state="{state}"]'), what=f"{source} being {state}")
    found += look(page, "sources")
    for source in ("quiet", "hr"):
        page.open(f"/sources/{source}")
        page.wait_live()
        found += look(page, source)
    # Figures are shared for a while, and hours grow slowly.
    page.wait(lambda: page.has("#unread-hours") or page.open("/stats"), 180, "the hours of which nothing is known")
    page.wait_live()
    assert page.has("#stages")
    found += look(page, "stats")
    assert found == []
