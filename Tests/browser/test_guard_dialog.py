"""The dialog in which somebody decides on a change: about nobody that they were not shown, for as long as it may be decided on.

Apart from the cards: each of its tests brings eight agents, and of ten times as many eight are no longer held."""

import axe
from held_changes import came, decide, look, order, team

EARLIER = """
  const [number, waiting, parts] = arguments;
  const ask = window.fetch;
  let isEarlier = true;
  window.fetch = async (address, wish) => {
    if (String(address).endsWith("/approve")) isEarlier = false;
    const answer = await ask(address, wish);
    if (!isEarlier || String(address) !== `/v1/guard/${number}`) return answer;
    const change = await answer.json();
    return Response.json({ ...change, waiting, agents: waiting, parts: change.parts.slice(0, parts) });
  };
"""
NEWS = "Something else waits now than was shown. Look again before you decide."


def shown(page):
    return page.run("return document.querySelectorAll('#guard-parts [data-agent]').length")


def waiting(rollcall, change):
    return rollcall.must("GET", f"/v1/guard/{change}")["waiting"]


def test_an_approval_is_of_those_who_are_shown_and_of_nobody_who_came_to_it_meanwhile(rollcall, page, manage_key, team):
    change = order(rollcall, manage_key, "hold", team[1])
    page.sign_in(manage_key)
    page.wait_live()
    page.wait(lambda: page.has(f'#guard-list [data-change="{change}"]'), what="the card")
    page.run(EARLIER, change, 6, 6)
    look(page, change)
    assert shown(page) == 6 and page.text("#guard-count") == "6 agents:"
    decide(page, "approve")
    page.wait(lambda: shown(page) == 8, what="who came to it meanwhile")
    assert page.text("#guard-refusal") == NEWS and waiting(rollcall, change) == 2
    decide(page, "refuse")
    page.wait_text("#guard-parts", "(refused)")
    assert waiting(rollcall, change) == 0
    assert sum(rollcall.agent(agent)["hold"] is not None for agent in team[1]) == 6


def test_where_not_all_are_shown_more_of_them_are_shown_anew_and_asked_about_again(rollcall, page, manage_key, team):
    page.provoke("409")
    change = order(rollcall, manage_key, "hold", team[1])
    page.sign_in(manage_key)
    page.wait_live()
    page.wait(lambda: page.has(f'#guard-list [data-change="{change}"]'), what="the card")
    page.run(EARLIER, change, 6, 5)
    look(page, change)
    assert shown(page) == 5 and "And 1 more." in page.text("#guard-parts")
    # Who presses once more just as it is shown anew has not read it.
    page.run(
        """
        const [refusal, approve] = ["#guard-refusal", "[data-decide=approve]"].map((each) => document.querySelector(each));
        const watch = new MutationObserver(() => {
          watch.disconnect();
          window.hasPressed = !approve.disabled;
          approve.click();
        });
        watch.observe(refusal, { childList: true });
        """
    )
    decide(page, "approve")
    page.wait(lambda: shown(page) == 8, what="all of them")
    assert page.text("#guard-refusal") == NEWS and page.run("return window.hasPressed") is True
    assert page.run("return document.activeElement.dataset.decide") == "approve", "the focus stays"
    assert axe.violations(page.driver) == []
    page.wait(lambda: not page.has("#guard-dialog [data-decide][aria-disabled]"), what="that somebody may decide")
    assert waiting(rollcall, change) == 8
    assert all(rollcall.agent(agent)["hold"] is None for agent in team[1])
    page.shoot("guard-more")
    decide(page, "approve")
    page.wait(lambda: page.text("#guard-parts").count("(approved and done)") == 8, what="what came of it")
    assert page.text("#guard-refusal") == ""


def test_a_change_that_is_open_is_shown_anew_when_it_changes_and_that_is_said(rollcall, page, manage_key, team):
    _, agents = team
    change = order(rollcall, manage_key, "hold", agents)
    page.sign_in(manage_key)
    page.wait_live()
    look(page, change)
    page.run("document.querySelector(arguments[0]).focus()", f'#guard-parts [data-agent="{agents[2]}"] a')
    assert page.text("#guard-refusal") == ""
    rollcall.must("POST", f"/v1/guard/{change}/refuse", {"agents": agents[:1]})
    page.wait(lambda: came(page, agents[0])[1].endswith("(refused)"), what="what came of one of them")
    assert page.text("#guard-refusal") == NEWS
    assert page.run("return document.activeElement.closest('[data-agent]')?.dataset.agent") == agents[2], "the focus stays"
    rollcall.must("POST", f"/v1/guard/{change}/refuse")
    page.wait_text("#guard-refusal", "Nothing of the change waits any more.")
    assert not any(page.find(f"#guard-dialog [data-decide={decision}]").is_displayed() for decision in ("approve", "refuse"))


# A change is shown as it was first, until somebody approves it.
FIRST = """
  const [number] = arguments;
  const ask = window.fetch;
  let isFirst = true;
  let first = null;
  window.fetch = async (address, wish) => {
    if (String(address).endsWith("/approve")) isFirst = false;
    if (!isFirst || String(address) !== `/v1/guard/${number}`) return ask(address, wish);
    first ??= await (await ask(address, wish)).json();
    return Response.json(first);
  };
"""


def test_who_decides_what_somebody_else_decided_stands_at_the_title(rollcall, page, manage_key, team):
    page.provoke("409")
    change = order(rollcall, manage_key, "hold", team[1])
    page.sign_in(manage_key)
    page.wait_live()
    page.wait(lambda: page.has(f'#guard-list [data-change="{change}"]'), what="the card")
    page.run(FIRST, change)
    look(page, change)
    rollcall.must("POST", f"/v1/guard/{change}/refuse")
    decide(page, "approve")
    page.wait_text("#guard-refusal", "Nothing of the change waits any more.")
    page.wait(lambda: page.run("return document.activeElement.id") == "guard-title", what="the focus at the title")
    assert page.find("#guard-dialog").is_displayed() and not page.find("#guard-dialog [data-decide=approve]").is_displayed()


# Notes when a decision was answered, and when after it was first asked what waits; chance has a page wait for what others did.
DECIDED = """
  const ask = window.fetch;
  Math.random = () => 0.999;
  window.fetch = async (address, wish) => {
    if (window.decidedAt && address === "/v1/guard?state=held") window.askedAt ??= performance.now();
    const answer = await ask(address, wish);
    if (String(address).endsWith("/refuse")) window.decidedAt = performance.now();
    return answer;
  };
"""


def test_who_decides_sees_at_once_what_waits_then_and_not_when_others_do(rollcall, page, manage_key, team):
    change = order(rollcall, manage_key, "hold", team[1])
    page.sign_in(manage_key)
    page.wait_live()
    page.wait(lambda: page.has(f'#guard-list [data-change="{change}"]'), what="the card")
    look(page, change)
    page.run(DECIDED)
    decide(page, "refuse")
    page.wait(lambda: not page.has(f'#guard-list [data-change="{change}"]'), what="the end of the card")
    assert page.run("return window.askedAt - window.decidedAt") < 700


# Somebody is called something else by now, and there are more sessions: nothing of which is decided about.
RENAMED = """
  const [number, name] = arguments;
  const ask = window.fetch;
  window.fetch = async (address, wish) => {
    const answer = await ask(address, wish);
    if (String(address) !== `/v1/guard/${number}`) return answer;
    const change = await answer.json();
    const parts = change.parts.map((part, index) => (index ? part : { ...part, name }));
    return Response.json({ ...change, instances: change.instances + 1, parts });
  };
"""
AGAIN = """
  const [done] = arguments;
  import(`${location.origin}/assets/guard-dialog.js`).then((inside) => inside.lookAgain()).then(() => done(true), (error) => done(String(error)));
"""


def test_what_says_nothing_of_what_waits_is_shown_and_keeps_nobody_from_deciding(rollcall, page, manage_key, team):
    change = order(rollcall, manage_key, "hold", team[1])
    page.sign_in(manage_key)
    page.wait_live()
    page.wait(lambda: page.has(f'#guard-list [data-change="{change}"]'), what="the card")
    look(page, change)
    page.run(RENAMED, change, "Zoe")
    assert page.driver.execute_async_script(AGAIN) is True
    assert "Zoe" in page.text("#guard-parts")
    assert page.text("#guard-refusal") == "" and not page.has("#guard-dialog [data-decide][aria-disabled]")
    decide(page, "refuse")
    page.wait_text("#guard-parts", "(refused)")


def test_who_may_not_decide_is_told_nothing_of_deciding(rollcall, page, view_key, manage_key, team):
    change = order(rollcall, manage_key, "hold", team[1])
    page.sign_in(view_key)
    page.wait_live()
    page.wait(lambda: page.has(f'#guard-list [data-change="{change}"]'), what="the card")
    look(page, change)
    rollcall.must("POST", f"/v1/guard/{change}/refuse")
    page.wait_text("#guard-parts", "(refused)")
    assert page.text("#guard-refusal") == ""


def test_nobody_is_offered_an_approval_once_the_time_of_a_change_is_over(rollcall, page, manage_key, team):
    change = order(rollcall, manage_key, "hold", team[1])
    page.sign_in(manage_key)
    page.wait_live()
    page.wait(lambda: page.has(f'#guard-list [data-change="{change}"]'), what="the card")
    page.run(
        """
        const [number] = arguments;
        const ask = window.fetch;
        window.fetch = async (address, wish) => {
          const answer = await ask(address, wish);
          if (String(address) !== `/v1/guard/${number}`) return answer;
          window.over ??= new Date(Date.now() + 3000).toISOString();
          return Response.json({ ...(await answer.json()), expires_at: window.over });
        };
        """,
        change,
    )
    look(page, change)
    approve = page.find("#guard-dialog [data-decide=approve]")
    assert approve.is_displayed()
    page.run("arguments[0].focus()", approve)
    page.wait(lambda: not approve.is_displayed(), 10, "the end of its time")
    assert page.run("return document.activeElement.id") == "guard-title", "nobody stands nowhere"
    assert page.text("#guard-refusal") == "Nothing of the change waits any more."
    rollcall.must("POST", f"/v1/guard/{change}/refuse")


def test_what_shows_a_change_is_loaded_when_somebody_looks_and_again_where_that_failed(rollcall, page, manage_key, team):
    change = order(rollcall, manage_key, "hold", team[1])
    card = f'#guard-list [data-change="{change}"]'
    page.sign_in(manage_key)
    page.wait_live()
    page.wait(lambda: page.has(f"{card} [data-open]"), what="the card")
    loaded = "return performance.getEntriesByType('resource').some((each) => each.name.includes('/assets/guard-dialog.js'))"
    assert page.run(loaded) is False, "most people never need it"
    page.driver.execute_cdp_cmd("Network.enable", {})
    page.driver.execute_cdp_cmd("Network.setBlockedURLs", {"urls": ["*/assets/guard-dialog.js*"]})
    page.click(f"{card} [data-open]")
    page.wait_text(card, "Rollcall did not answer, so this cannot be shown.")
    page.driver.execute_cdp_cmd("Network.setBlockedURLs", {"urls": []})
    look(page, change)
    assert shown(page) == 8
    decide(page, "refuse")
    page.wait_text("#guard-parts", "(refused)")
