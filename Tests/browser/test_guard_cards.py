"""The card of a change that waits: what is asked for, by whom, for whom and what comes of it; what came of its parts; and that nobody
decides about more than they were shown."""

import datetime
import itertools

import axe
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


def check(page, card):
    """What the card says, whoever put it there."""
    text = page.text(card)
    for words in (
        "The session would be held stopped until", "because", REASON, "8 agents: Ana · Ben · Chen · And 5 more.",
        "An order by", "8 agents wait.", "Asked", " ago.", "It is dropped", "if nobody decides.",
        "sessions, counting those that changed in the five minutes before.", "A manager's turn: look and decide.",
    ):
        assert words in text, (words, text)
    # Nothing of it is so yet, and what that is stands above it, to be seen.
    assert "is held" not in text and "Asked for" not in text
    assert page.text("#guards-title") == "Changes that wait for somebody"
    assert page.run("return document.getElementById('guards-title').getBoundingClientRect().height") > 10
    # Somebody's words are text, and run for themselves.
    assert page.run("return document.querySelector(arguments[0]).textContent", f"{card} .ask q") == REASON
    assert page.run("return getComputedStyle(document.querySelector(arguments[0])).unicodeBidi", f"{card} .ask q") == "isolate"
    assert not page.has(f"{card} b")
    assert page.run("return [...document.querySelectorAll(arguments[0])].map((each) => each.textContent).slice(-4, -1)", f"{card} bdi") == NAMES[:3]
    assert "Approved, it happens at once; refused, or if nobody decides, everything stays as it is." in page.text("#guards")


def test_a_card_says_what_is_asked_for_live_and_after_a_reload_and_without_a_script(rollcall, open_browser, view_key, manage_key, team):
    page = open_browser()
    page.sign_in(view_key)
    page.wait_live()
    page.mark()
    change = order(rollcall, manage_key, "hold", team[1])
    card = f'#guard-list [data-change="{change}"]'
    page.wait(lambda: "8 agents wait." in page.text(card), what="the card of all eight, who come one after the other")
    check(page, card)
    assert page.is_marked()
    assert axe.violations(page.driver) == []
    page.shoot("guard-card")
    page.open()
    page.wait_live()
    page.wait(lambda: page.find(f"{card} [data-open]").is_displayed(), what="the card after a reload")
    check(page, card)
    plain = open_browser(script=False)
    plain.sign_in(view_key)
    text = plain.find(card).text
    for words in ("The session would be held stopped until", "A manager's turn: look and decide.", REASON, "8 agents: Ana · Ben · Chen · And 5 more.", "8 agents wait."):
        assert words in text, (words, text)
    rollcall.must("POST", f"/v1/guard/{change}/refuse")
    page.wait(lambda: not page.has(card), what="the end of the change")


@pytest.mark.parametrize(
    "language, words", [("es", ["quedaría retenida", "Le toca a un responsable", "8 agentes: Ana · Ben · Chen", "Y 5 más."]), ("ar", ["ستُثبَّت الجلسة متوقفة", "الدور على مدير", "و5 غيرهم."])]
)
def test_a_card_speaks_the_reader_s_language(rollcall, page, view_key, manage_key, team, language, words):
    change = order(rollcall, manage_key, "hold", team[1])
    card = f'#guard-list [data-change="{change}"]'
    page.sign_in(view_key, f"/?lang={language}")
    page.wait_live()
    page.wait(lambda: words[-1] in page.text(card), what="the card of all eight")
    for word in words:
        assert word in page.text(card), (word, page.text(card))
    assert axe.violations(page.driver) == []
    for width in (1280, 360):
        screen = {"width": width, "height": 740, "deviceScaleFactor": 1, "mobile": width == 360}
        page.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen)
        page.wait(lambda: page.run("return innerWidth") == width)
        assert page.run("return document.documentElement.scrollWidth - innerWidth") <= 0
        place = page.run(
            """
            const [list, ask] = [arguments[0], arguments[1]].map((each) => document.querySelector(each).getBoundingClientRect());
            return ask.top >= list.top && ask.bottom <= list.bottom;
            """,
            "#guard-list",
            f"{card} .ask",
        )
        assert place, "what is asked for is seen without scrolling"
        assert page.run("return document.getElementById('guards-title').getBoundingClientRect().height") > 10
        page.shoot(f"guard-card-{language}-{width}")
    rollcall.must("POST", f"/v1/guard/{change}/refuse")


def came(page, agent):
    """What came of an agent's part: the sign and the words, as they are shown."""
    part = f'#guard-parts [data-agent="{agent}"]'
    sign = page.run(
        "const icon = document.querySelector(arguments[0]); return icon && getComputedStyle(icon, '::before').content", f"{part} .icon"
    )
    return sign, page.text(part)


def test_what_came_of_a_part_has_a_sign_and_a_word_of_its_own(rollcall, page, manage_key, team):
    _, agents = team
    change = order(rollcall, manage_key, "hold", agents)
    rollcall.must("POST", f"/v1/guard/{change}/refuse", {"agents": agents[:1]})
    rollcall.must("PUT", f"/v1/agents/{agents[1]}/hold", hold("running"))
    page.sign_in(manage_key)
    page.wait_live()
    card = f'#guard-list [data-change="{change}"]'
    page.wait(lambda: "6 agents wait." in page.text(card), what="the card of those who wait still")
    # Whose part waits no more is not among those whom it is about.
    assert "6 agents: Chen · Dalia · Emre · And 3 more." in page.text(card)
    assert "Your turn: look and decide." in page.text(card)
    page.click(f"{card} [data-open]")
    page.wait(lambda: page.find("#guard-dialog").is_displayed(), what="the change")
    refused, superseded, waits = (came(page, agent) for agent in agents[:3])
    assert refused[0] == '"–"' and refused[1].endswith("(refused)"), refused
    assert superseded[0] == '"→"' and superseded[1].endswith("(a newer change took its place)"), superseded
    assert waits[0] is None and waits[1].endswith("Then the session should be stopped."), waits
    page.find("#guard-dialog [data-decide=approve]").click()
    page.wait(lambda: came(page, agents[2])[1].endswith("(approved and done)"), what="what came of it")
    assert came(page, agents[2])[0] == '"✓"'
    assert [came(page, agent) for agent in agents[:2]] == [refused, superseded]
    # Only what waits still would be so; of the rest the deed is named.
    assert "The session would be held stopped until" in waits[1]
    for agent in agents[:3]:
        text = came(page, agent)[1]
        assert "Hold the session stopped until" in text and "would" not in text, text
    assert axe.violations(page.driver) == []
    page.shoot("guard-parts")


# A change is shown as it was when less of it waited, until somebody approves it.
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


def look(page, change):
    page.click(f'#guard-list [data-change="{change}"] [data-open]')
    page.wait(lambda: page.find("#guard-dialog").is_displayed(), what="the change")


def decide(page, decision):
    button = f"#guard-dialog [data-decide={decision}]"
    page.wait(lambda: page.find(button).is_displayed() and not page.has(f"{button}[aria-disabled]"), what="that somebody may decide")
    page.find(button).click()


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
