"""Without a mouse: the picture of a day, an order about chosen agents, a change that waits, a question before something is done.

Nothing is clicked or focused by a script: after a page is opened there is Tab, and what is pressed.
"""

import story
from held_changes import order, team
from keys import focused, press, tab_to
from selenium.webdriver.common.keys import Keys


def working(rollcall, *agents, name):
    for agent in agents:
        rollcall.add_agent(agent, team=name)
        rollcall.clock_in(agent)
    for agent in agents:
        rollcall.wait_for(agent, observed="WORKING", condition="converged")


def test_the_picture_of_a_day_is_zoomed_and_read_as_a_table(rollcall, page, view_key):
    rollcall.add_agent("tina", team="day")
    story.clock_in(rollcall, "tina", minutes=150)
    rollcall.wait_for("tina", observed="WORKING", condition="converged")
    page.sign_in(view_key, "/agents/tina")
    page.open("/agents/tina")
    page.wait_live()
    assert not page.has("#timeline-table[open]")
    tab_to(page, "[data-span=hour]")
    press(page, Keys.ENTER)
    page.wait(lambda: "span=hour" in page.driver.current_url, what="the hour")
    page.wait_live()
    assert page.find("[data-span=hour]").get_attribute("aria-current") == "true"
    tab_to(page, "#timeline-table summary")
    press(page, Keys.ENTER)
    page.wait(lambda: page.has("#timeline-table[open]"), what="the table")
    assert "on shift" in page.text("#timeline-table tbody")
    # It is still there, and so is the focus, once the page has read itself again.
    page.count_rereads()
    page.wait_rereads(1)
    assert page.has("#timeline-table[open]") and focused(page, "#timeline-table summary")
    press(page, Keys.ENTER)
    page.wait(lambda: not page.has("#timeline-table[open]"), what="the end of the table")


def test_single_agents_are_chosen_and_held(rollcall, page, manage_key):
    agents = [f"row-{number}" for number in range(3)]
    working(rollcall, *agents, name="rows")
    page.sign_in(manage_key, "/?team=rows")
    page.open("/?team=rows")
    page.wait_live()
    page.wait_loaded()
    for agent in (agents[0], agents[2]):
        tab_to(page, f"{page.row(agent)} [data-pick]", 100)
        press(page, Keys.SPACE)
        page.wait(lambda: page.find(f"{page.row(agent)} [data-pick]").is_selected(), what="the choice")
    assert page.text("#picked") == "2 agents are chosen."
    tab_to(page, "[data-bulk=hold]")
    press(page, Keys.ENTER)
    page.wait(lambda: page.find("#bulk-form").is_displayed(), what="what is asked")
    tab_to(page, "#bulk-hold [name=reason]")
    press(page, "training", Keys.ENTER)
    lines = "return [...document.querySelectorAll('#bulk-list li')].map((line) => [line.dataset.agent, line.dataset.done]).sort()"
    page.wait(lambda: page.run(lines) == [[agents[0], "true"], [agents[2], "true"]], what="a result for each")
    tab_to(page, "#bulk-results [data-close]")
    press(page, Keys.ENTER)
    page.wait(lambda: not page.find("#bulk-dialog").is_displayed(), what="the end of the dialog")
    for agent in (agents[0], agents[2]):
        page.wait_agreement(agent, "here_held_off")
    assert rollcall.agent(agents[1])["hold"] is None


def test_a_change_that_waits_is_looked_at_and_refused(rollcall, page, manage_key, team):
    change = order(rollcall, manage_key, "hold", team[1])
    card = f'#guard-list [data-change="{change}"]'
    page.sign_in(manage_key)
    page.open()
    page.wait_live()
    page.wait(lambda: "8 agents wait." in page.text(card) and page.has(f"{card} [data-open]"), what="the card of all eight")
    tab_to(page, f"{card} [data-open]")
    press(page, Keys.ENTER)
    page.wait(lambda: page.find("#guard-dialog").is_displayed(), what="the change")
    refuse = "#guard-dialog [data-decide=refuse]"
    tab_to(page, refuse)
    page.wait(lambda: not page.has(f"{refuse}[aria-disabled]"), what="that somebody may decide")
    press(page, Keys.ENTER)
    page.wait_text("#guard-parts", "(refused)")
    tab_to(page, "#guard-dialog [data-close]")
    press(page, Keys.ENTER)
    page.wait(lambda: not page.find("#guard-dialog").is_displayed(), what="the end of the dialog")
    page.wait(lambda: not page.has(card), what="the end of the change")
    assert all(rollcall.agent(agent)["hold"] is None for agent in team[1])


def test_a_reboot_is_asked_about_called_off_and_done(rollcall, page, manage_key):
    working(rollcall, "rhea", name="boots")
    page.sign_in(manage_key, "/agents/rhea")
    page.open("/agents/rhea")
    page.wait_live()
    tab_to(page, "#reboot")
    press(page, Keys.ENTER)
    page.wait_text("#sure-words", "Stop the session, and start it again?")
    press(page, Keys.ESCAPE)
    page.wait(lambda: not page.find("#sure").is_displayed(), what="the end of the question")
    assert focused(page, "#reboot") and page.commands() == ["start"]
    press(page, Keys.ENTER)
    page.wait(lambda: page.find("#sure").is_displayed(), what="the question")
    tab_to(page, "#sure-yes")
    press(page, Keys.ENTER)
    page.wait_text("#outcome", "The session is being rebooted.")
    page.wait(lambda: page.commands() == ["start", "stop", "start"], 60, "the stop and the start")
    page.wait_observed("WORKING")
