"""Changes that the guard holds, as the tests of the page make them and decide on them."""

import datetime
import itertools

import pytest

NAMES = ["Ana", "Ben", "Chen", "Dalia", "Emre", "Fay", "Gita", "Hugo"]
REASON = "the <b>office</b> moves"
numbers = itertools.count(1)


def hold(state):
    until = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=2)
    return {"state": state, "until": until.isoformat(), "reason": REASON}


@pytest.fixture
def team(rollcall):
    """Eight agents on shift in a team of their own, more than may be held at once."""
    name = f"cards-{next(numbers)}"
    agents = [f"{name}-{number}" for number in range(len(NAMES))]
    for agent, called in zip(agents, NAMES):
        rollcall.add_agent(agent, name=called, team=name)
        rollcall.clock_in(agent)
    return name, agents


def order(rollcall, manage_key, action, agents):
    """Orders the same for all of them, which waits; gives the number of the change."""
    wanted = {"action": action, "agents": agents}
    if action == "hold":
        wanted["hold"] = hold("stopped")
    (change,) = {result["change"] for result in rollcall.must("POST", "/v1/actions", wanted, key=manage_key)["results"]}
    return change


def came(page, agent):
    """What came of an agent's part: the sign and the words, as they are shown."""
    part = f'#guard-parts [data-agent="{agent}"]'
    sign = page.run(
        "const icon = document.querySelector(arguments[0]); return icon && getComputedStyle(icon, '::before').content", f"{part} .icon"
    )
    return sign, page.text(part)


def look(page, change):
    page.click(f'#guard-list [data-change="{change}"] [data-open]')
    page.wait(lambda: page.find("#guard-dialog").is_displayed(), what="the change")


def decide(page, decision):
    button = f"#guard-dialog [data-decide={decision}]"
    page.wait(lambda: page.find(button).is_displayed() and not page.has(f"{button}[aria-disabled]"), what="that somebody may decide")
    page.find(button).click()
