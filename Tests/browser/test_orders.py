"""What becomes of an order: done, kept by the guard, told of to who has closed the dialog, of a team alone."""

import datetime

import pytest


def ahead(**span):
    return (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(**span)).isoformat()


def hold(rollcall, agent, **span):
    return rollcall.call("PUT", f"/v1/agents/{agent}/hold", {"state": "stopped", "until": ahead(**span), "reason": "moving"})


def test_a_manager_of_a_team_acts_in_it_and_nowhere_else(rollcall, page):
    page.provoke("404")
    for agent, team in (("own-1", "own"), ("other-1", "another")):
        rollcall.add_agent(agent, team=team)
        rollcall.clock_in(agent)
        rollcall.wait_for(agent, observed="WORKING", condition="converged")
    page.sign_in(rollcall.key("manage", teams=["own"])["key"])
    page.wait_live()
    page.wait_loaded()
    assert page.agents() == ["own-1"]
    page.pick("own-1")
    page.find("[data-bulk=hold]").click()
    page.wait(lambda: page.find("#bulk-form").is_displayed())
    page.find("#bulk-hold [name=reason]").send_keys("training")
    page.find("#bulk-yes").click()
    page.wait_text("#bulk-list", "own-1: done")
    page.find("#bulk-results [data-close]").click()
    page.wait_agreement("own-1", "here_held_off")
    page.open("/agents/own-1")
    page.wait_live()
    page.wait(lambda: page.find("#release").is_displayed())
    page.find("#release").click()
    page.wait_text("#outcome", "The hold is over.")
    page.wait_observed("WORKING")
    page.open("/agents/other-1")
    assert page.text("h1") == "There is no such thing."
    assert rollcall.agent("other-1")["hold"] is None


def stall(page):
    """Keeps the answer to an order back until `window.answer` is called, with whether it comes at all."""
    page.driver.execute_script(
        """
        const ask = window.fetch;
        window.fetch = async (address, wish) => {
          const answer = await ask(address, wish);
          if (String(address) !== "/v1/actions") return answer;
          if (await new Promise((resolve) => (window.answer = resolve))) return answer;
          throw new TypeError("no connection");
        };
        """
    )


def test_an_order_is_told_of_also_to_who_closed_its_dialog(rollcall, page, manage_key):
    agents = [f"late-{number}" for number in range(3)]
    for agent in agents:
        rollcall.add_agent(agent, team="late")
        assert hold(rollcall, agent, days=60)[0] == 200
    page.sign_in(manage_key, "/?team=late")
    page.wait_live()
    page.wait_loaded()
    stall(page)
    for agent in agents[:2]:
        page.pick(agent)
    order(page)
    page.wait_text("#picked", "2 agents are chosen. The order is being carried out.")
    page.wait(lambda: page.driver.execute_script("return window.answer !== undefined"), what="the order")
    page.find("#bulk-form [data-close]").click()
    assert not page.find("#bulk-dialog").is_displayed()
    # Nothing else is ordered meanwhile, and who is chosen meanwhile stays so.
    assert not page.find("[data-bulk=reboot]").is_enabled()
    page.pick(agents[2])
    page.driver.execute_script("window.answer(true)")
    page.wait(lambda: page.find("#bulk-results").is_displayed(), what="what came of it")
    lines = "return [...document.querySelectorAll('#bulk-list li')].map((line) => [line.dataset.agent, line.dataset.done])"
    assert page.driver.execute_script(lines) == [[agent, "true"] for agent in agents[:2]]
    assert page.driver.execute_script("return document.activeElement.id") == "bulk-done"
    page.find("#bulk-results [data-close]").click()
    assert page.text("#picked") == "1 agent is chosen."
    assert page.find(f"{page.row(agents[2])} [data-pick]").is_selected()
    # An order that nobody answered is told of as well, and what was chosen stays.
    page.driver.execute_script("delete window.answer")
    order(page)
    page.wait(lambda: page.driver.execute_script("return window.answer !== undefined"), what="the order")
    page.find("#bulk-form [data-close]").click()
    page.driver.execute_script("window.answer(false)")
    page.wait(lambda: page.find("#bulk-form").is_displayed(), what="the refusal")
    assert "Rollcall did not answer" in page.text("#bulk-refusal")
    page.find("#bulk-form [data-close]").click()
    assert page.text("#picked") == "1 agent is chosen." and page.find("[data-bulk=reboot]").is_enabled()


def order(page):
    """Orders a hold of who is chosen; each of them is held the same for longer, so nothing changes that the guard would keep."""
    page.find("[data-bulk=hold]").click()
    page.wait(lambda: page.find("#bulk-form").is_displayed())
    reason = page.find("#bulk-hold [name=reason]")
    reason.clear()
    reason.send_keys("moving")
    page.find("#bulk-yes").click()


def test_what_the_guard_keeps_is_not_said_to_be_done(rollcall, page, manage_key):
    agents = [f"kept-{number}" for number in range(9)]
    for agent in agents:
        rollcall.add_agent(agent, team="kept")
        rollcall.clock_in(agent)
    # One by one, until it is too much.
    kept = next(number for number, agent in enumerate(agents[:-1]) if hold(rollcall, agent, hours=1)[0] == 202)
    assert kept > 0
    page.sign_in(manage_key, f"/agents/{agents[-1]}")
    page.wait_live()
    page.find("#holding summary").click()
    page.find("#hold [name=reason]").send_keys("moving")
    page.find("#hold button").click()
    page.wait_text("#outcome", "It is not held yet: the change waits until somebody approves it.")
    page.wait_text("#why", "waits for somebody; once it is approved, the session should be stopped")
    assert not page.has("[data-held]") and not page.find("#release").is_displayed()
    assert rollcall.agent(agents[-1])["hold"] is None
    page.open(f"/agents/{agents[0]}")
    page.wait_live()
    page.wait(lambda: page.find("#release").is_displayed())
    page.find("#release").click()
    page.wait_text("#outcome", "The hold is not over yet: the change waits until somebody approves it.")
    assert rollcall.agent(agents[0])["hold"] is not None


def waiting(rollcall):
    """The numbers of the changes that wait."""
    return {change["change"] for change in rollcall.must("GET", "/v1/guard")["items"] if change["waiting"]}


def keep(rollcall, team):
    """Orders a hold of seven agents, which is too much at once; gives the number of the change that waits, and the agents."""
    agents = [f"{team}-{number}" for number in range(7)]
    for agent in agents:
        rollcall.add_agent(agent, team=team)
        rollcall.clock_in(agent)
    before = waiting(rollcall)
    wanted = {"state": "stopped", "until": ahead(hours=1), "reason": "moving"}
    rollcall.must("POST", "/v1/actions", {"action": "hold", "agents": agents, "hold": wanted})
    (change,) = waiting(rollcall) - before
    return change, agents


# What waits cannot be asked for, be it refused or without an answer.
BROKEN_GUARD = """
  const ask = window.fetch;
  window.broken = "HOW";
  window.fetch = (address, wish) => {
    if (!window.broken || address !== "/v1/guard?state=held") return ask(address, wish);
    if (window.broken === "refused") return Promise.resolve(new Response("", { status: 503 }));
    return new Promise((_, refuse) => wish.signal.addEventListener("abort", () => refuse(wish.signal.reason)));
  };
"""


@pytest.mark.parametrize("how", ["refused", "hang"])
def test_a_change_that_cannot_be_asked_for_is_shown_all_the_same_and_the_page_says_that_it_is_old(rollcall, page, view_key, how):
    change, _ = keep(rollcall, f"mute-{how}")
    card = f'#guard-list [data-change="{change}"]'
    line = "#incidents [data-scripted-away]"
    page.sign_in(view_key)
    page.before_scripts(BROKEN_GUARD.replace("HOW", how))
    page.open()
    page.wait_live()
    page.wait(lambda: page.find("#unread").is_displayed(), what="the warning")
    assert "could not be read again" in page.text("#unread")
    assert page.find(line).is_displayed() and page.find(card).is_displayed(), "what the server says stays"
    assert not page.has(f"{card} [data-open]")
    page.driver.execute_script("window.broken = null")
    page.wait(lambda: page.find(f"{card} [data-open]").is_displayed(), what="the script's card")
    page.wait(lambda: not page.find("#unread").is_displayed(), what="the end of the warning")
    assert not page.has(line)
    rollcall.must("POST", f"/v1/guard/{change}/refuse")


# An approval is answered once the test lets it.
LATE_ANSWER = """
  const ask = window.fetch;
  const goes = new Promise((resolve) => (window.answer = resolve));
  window.fetch = async (address, wish) => {
    const answer = await ask(address, wish);
    if (!String(address).endsWith("/approve")) return answer;
    window.isAnswered = true;
    await goes;
    return answer;
  };
"""


def look(page, change):
    page.click(f'#guard-list [data-change="{change}"] [data-open]')
    page.wait(lambda: page.find("#guard-dialog").is_displayed(), what="the change")


def test_an_answer_that_comes_late_is_not_shown_over_another_change(rollcall, page, manage_key):
    first, _ = keep(rollcall, "late")
    second, agents = keep(rollcall, "next")
    page.sign_in(manage_key)
    page.wait_live()
    page.driver.execute_script(LATE_ANSWER)
    look(page, first)
    page.find("#guard-dialog [data-decide=approve]").click()
    page.wait(lambda: page.driver.execute_script("return window.isAnswered === true"), what="the answer")
    page.find("#guard-dialog [data-close]").click()
    look(page, second)
    refuse = page.find("#guard-dialog [data-decide=refuse]")
    assert refuse.get_attribute("aria-disabled") == "true"
    refuse.click()
    assert second in waiting(rollcall), "one decision after the other"
    page.driver.execute_script("window.answer()")
    page.wait(lambda: refuse.get_attribute("aria-disabled") is None, what="the end of the approval")
    parts = "return [...document.querySelectorAll('#guard-parts [data-agent]')].map((part) => part.dataset.agent)"
    assert sorted(page.driver.execute_script(parts)) == agents
    refuse.click()
    page.wait_text("#guard-parts", "refused")
    assert second not in waiting(rollcall)


# Of two changes that are asked for, the first is answered once the test lets it; or none is.
LATE_CHANGE = """
  const ask = window.fetch;
  window.fetch = async (address, wish) => {
    const isChange = String(address).startsWith("/v1/guard/") && !wish.method;
    if (isChange && window.broken) throw new TypeError("no connection");
    if (!isChange || window.isAsked) return ask(address, wish);
    window.isAsked = true;
    await new Promise((resolve) => (window.answer = resolve));
    return ask(address, wish);
  };
"""


def test_a_change_that_is_answered_late_does_not_take_the_place_of_the_one_that_is_decided_on(rollcall, page, manage_key):
    first, _ = keep(rollcall, "slow")
    second, agents = keep(rollcall, "swift")
    page.sign_in(manage_key)
    page.wait_live()
    page.wait(lambda: page.has(f'#guard-list [data-change="{first}"]') and page.has(f'#guard-list [data-change="{second}"]'))
    page.run(LATE_CHANGE)
    page.click(f'#guard-list [data-change="{first}"] [data-open]')
    page.wait(lambda: page.run("return window.answer !== undefined"), what="the question")
    look(page, second)
    page.driver.execute_async_script("window.answer(); setTimeout(arguments[0], 1000)")
    parts = "return [...document.querySelectorAll('#guard-parts [data-agent]')].map((part) => part.dataset.agent)"
    assert sorted(page.run(parts)) == agents
    page.find("#guard-dialog [data-decide=refuse]").click()
    page.wait_text("#guard-parts", "refused")
    assert second not in waiting(rollcall) and first in waiting(rollcall)
    # That it cannot be shown is said where it was asked for.
    page.find("#guard-dialog [data-close]").click()
    page.run("window.broken = true")
    page.click(f'#guard-list [data-change="{first}"] [data-open]')
    page.wait_text(f'#guard-list [data-change="{first}"]', "Rollcall did not answer, so this cannot be shown.")
    page.run("window.broken = false")
    look(page, first)
    assert "did not answer" not in page.text(f'#guard-list [data-change="{first}"]')
    page.find("#guard-dialog [data-decide=refuse]").click()
    page.wait_text("#guard-parts", "refused")


@pytest.mark.parametrize("body", ["", "<h1>Bad gateway</h1>", '{"error": "bad gateway"}', "null"])
def test_a_refusal_by_whatever_stands_between_is_said_in_words_of_ours(rollcall, page, manage_key, body):
    rollcall.add_agent("between", with_instance=False)
    page.sign_in(manage_key, "/agents/between")
    page.wait_live()
    page.run(
        """
        const [body] = arguments;
        const ask = window.fetch;
        window.fetch = (address, wish) =>
          String(address).endsWith("/reconcile") ? Promise.resolve(new Response(body, { status: 502 })) : ask(address, wish);
        """,
        body,
    )
    page.find("#look").click()
    page.wait_text("#outcome", "Rollcall did not answer. Nobody knows whether it was done")
