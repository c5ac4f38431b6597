"""What the buttons of a card and of many agents at once have the engine do, by the engine's own log."""

# A session that fails again after its only restart stays so until somebody asks for another look.
SETTINGS = {"ROLLCALL_RESTART_LIMIT": "1"}


def calls(rollcall, agent, since):
    """What changed the agent's session since a number of the engine's log, in order: operation and what it did."""
    answer = rollcall.sim("GET", f"/_sim/calls?since={since}")
    own = [each for each in answer["calls"] if each["instance_id"] == f"I-{agent}"]
    return [(each["operation"], each["effect"]) for each in own if each["effect"] != "none"]


def log_end(rollcall):
    return rollcall.sim("GET", "/_sim/calls?limit=0")["total"]


def test_look_now_on_a_card_has_a_session_tried_again_that_was_given_up(rollcall, page, manage_key):
    rollcall.add_agent("liam", name="Liam")
    rollcall.fault("failed", ["I-liam"])
    rollcall.clock_in("liam")
    page.sign_in(manage_key)
    page.wait_live()
    rollcall.wait_for("liam", condition="needs_attention", observed="FAILED")
    card = '.need[data-agent="liam"]'
    page.wait(lambda: page.find(f"{card} [data-look]").is_displayed(), what="the button")
    assert not page.find(f"{card} [data-pair]").is_displayed()
    assert page.text(f"{card} [data-look]") == "Check now"
    # Whatever was wrong is mended; nobody knows of it yet.
    rollcall.mend()
    since = log_end(rollcall)
    page.click(f"{card} [data-look]")
    page.wait(lambda: calls(rollcall, "liam", since) == [("restart", "restarted")], 60, "the restart")
    page.wait(lambda: "liam" not in page.needs(), 60, "the end of the card")
    page.wait_agreement("liam", "fine")
    assert calls(rollcall, "liam", since) == [("restart", "restarted")]


def test_look_now_that_did_not_help_says_from_when_it_would_again(rollcall, page, manage_key):
    rollcall.add_agent("lena", name="Lena")
    rollcall.fault("failed", ["I-lena"])
    rollcall.clock_in("lena")
    page.sign_in(manage_key, "/agents/lena")
    page.wait_live()
    page.wait_text("#why", "“Check now” frees it at once.", 60)
    since = log_end(rollcall)
    page.click("#look")
    page.wait_text("#why", "“Check now” freed it")
    page.wait(lambda: calls(rollcall, "lena", since) == [("restart", "restarted")], 60, "the restart")
    rollcall.wait_for("lena", condition="needs_attention", observed="FAILED", reason="restart_budget_used")
    page.wait_text("#why", "and can do so again from")
    # A second press looks, and does nothing else; the page says no other.
    pressed = log_end(rollcall)
    page.click("#look")
    page.wait(lambda: log_end(rollcall) > pressed, what="the look")
    assert "frees it at once" not in page.text("#why")
    assert calls(rollcall, "lena", since) == [("restart", "restarted")]
    rollcall.mend()


def test_look_now_on_a_card_says_that_it_is_done_and_may_be_pressed_again(rollcall, page, manage_key):
    rollcall.add_agent("lara", name="Lara")
    rollcall.clock_in("lara")
    rollcall.wait_for("lara", observed="WORKING", condition="converged")
    rollcall.fault("needs_qr", ["I-lara"])
    rollcall.wait_for("lara", condition="needs_pairing")
    page.sign_in(manage_key)
    page.wait_live()
    button = '.need[data-agent="lara"] [data-look]'
    page.wait(lambda: page.find(button).is_displayed(), what="the button")
    page.click(button)
    # To who looks and to who listens, who is still where they pressed.
    said = '.need[data-agent="lara"] [role=status]'
    page.wait_text(said, "The session is being checked.")
    is_focused = "return document.activeElement === document.querySelector(arguments[0])"
    assert page.run(is_focused, button)
    assert page.text(button) == "Check now" and page.find(button).get_attribute("aria-disabled") == "true"
    page.click(button)
    assert len(page.driver.find_elements("css selector", said)) == 1, "it is not pressed twice"
    page.wait(lambda: not page.has(said) and page.find(button).get_attribute("aria-disabled") is None, what="the button as it was")
    assert page.run(is_focused, button)


def test_a_reboot_of_two_stops_and_starts_each_of_them_once(rollcall, page, manage_key):
    agents = ["reno", "rosa", "rune"]
    for agent in agents:
        rollcall.add_agent(agent, team="reboot")
        rollcall.clock_in(agent)
    for agent in agents:
        rollcall.wait_for(agent, observed="WORKING", condition="converged")
    page.sign_in(manage_key, "/?team=reboot")
    page.wait_live()
    page.wait_loaded()
    since = log_end(rollcall)
    for agent in agents[:2]:
        page.pick(agent)
    page.find("[data-bulk=reboot]").click()
    page.wait_text("#bulk-title", "2 agents")
    assert "cannot work meanwhile" in page.text("#bulk-words") and calls(rollcall, "reno", since) == []
    page.find("#bulk-yes").click()
    lines = "return [...document.querySelectorAll('#bulk-list li')].map((line) => [line.dataset.agent, line.dataset.done])"
    page.wait(lambda: sorted(page.run(lines)) == [["reno", "later"], ["rosa", "later"]], what="a result for each")
    # It says of what, also where it opens over something else, and its marks stand apart.
    assert page.text("#bulk-done") == "Reboot: what came of it"
    gap = """
        const [mark, name] = document.querySelector("#bulk-list li").children;
        return name.getBoundingClientRect().left - mark.getBoundingClientRect().right;"""
    assert page.run(gap) > 2
    page.find("#bulk-results [data-close]").click()
    for agent in agents[:2]:
        page.wait(lambda: calls(rollcall, agent, since) == [("stop", "stopped"), ("start", "started")], 60, "the stop and the start")
    for agent in agents:
        page.wait_agreement(agent, "fine")
    assert calls(rollcall, "rune", since) == []
