import datetime
import zoneinfo

import pytest
from selenium.webdriver.support.ui import Select

from test_orders import hold


@pytest.fixture
def on_shift(rollcall, request):
    """An agent on shift whose session runs, one for each test."""
    agent = request.node.name.replace("test_", "")[:20].replace("_", "-")
    rollcall.add_agent(agent)
    rollcall.clock_in(agent)
    rollcall.wait_for(agent, observed="WORKING", condition="converged")
    return agent


def test_it_tells_how_an_agent_stands_why_and_what_happened(page, view_key, on_shift):
    page.sign_in(view_key)
    page.wait_live()
    page.find(f"{page.row(on_shift)} a").click()
    page.wait_text("#agreement", "on, as it should be")
    assert page.text("#observed") == "running" and page.observed() == "WORKING"
    assert page.text("#desired") == "running"
    assert page.text("#desired-since").startswith("for ")
    assert "running, as it should" in page.text("#reason")
    why = page.text("#why")
    assert "The agent is on shift, so the session should run." in why
    assert "By default it would be stopped." in why
    assert "A clock-in from api: it happened" in why
    assert "It told the engine to start the session" in why and "The engine's answer, after" in why
    assert "found the session running" in why
    assert "For nothing. The next check comes in" in why
    assert "A clock-out ends the shift" in why
    assert "clock-in" in page.text("#events")
    assert page.commands() == ["start"]
    assert "The session had to run." in page.text("#commands"), "the sentence behind the command"


def test_it_follows_what_happens_without_a_reload(rollcall, page, view_key, on_shift):
    page.sign_in(view_key, f"/agents/{on_shift}")
    page.wait_live()
    page.mark()
    began = page.run("return document.querySelector('#desired-since time').getAttribute('datetime')")
    rollcall.clock_out(on_shift)
    page.wait_observed("STOPPED")
    page.wait_text("#events", "clock-out")
    page.wait(lambda: page.commands() == ["stop", "start"])
    since = page.run("return document.querySelector('#desired-since time').getAttribute('datetime')")
    assert since > began and page.text("#desired") == "stopped", "it should be so since the clock-out alone"
    assert page.is_marked()


def test_a_key_that_only_looks_has_nothing_to_press(page, view_key, on_shift):
    page.sign_in(view_key, f"/agents/{on_shift}")
    page.wait_live()
    assert not page.has("#acts")
    assert [button.text for button in page.driver.find_elements("css selector", "button")] == ["Sign out", "Sign out everywhere"]


def test_without_script_nothing_is_offered_that_does_nothing_and_that_is_said(open_browser, manage_key, view_key, on_shift):
    page = open_browser(script=False)
    page.sign_in(manage_key)
    page.open(f"/agents/{on_shift}")
    assert page.has("#acts") and not page.find("#acts").is_displayed()
    assert "nothing can be done here" in said_without_script(page)
    other = open_browser(script=False)
    other.sign_in(view_key)
    other.open(f"/agents/{on_shift}")
    assert not other.has("#acts") and "nothing can be done here" not in said_without_script(other), "with this key nothing ever can"


def said_without_script(page):
    return " ".join(each.text for each in page.driver.find_elements("tag name", "noscript"))


def test_a_hold_is_set_shown_and_ended(rollcall, page, manage_key, on_shift):
    page.sign_in(manage_key, f"/agents/{on_shift}")
    page.wait_live()
    height = "return Math.round(document.querySelector(arguments[0]).getBoundingClientRect().height)"
    assert len({page.run(height, each) for each in ("#look", "#reboot", "#holding summary")}) == 1, "buttons in one line"
    page.find("#holding summary").click()
    # What is held, and that nobody works meanwhile, is said before it is done.
    page.wait_text("#hold", "Keep the session")
    page.wait_text("#hold", "the session stays as chosen here, whatever the clock says. While it is stopped the agent cannot work.")
    page.find("#hold [name=reason]").send_keys("number is being <b>moved</b>")
    page.find("#hold button").click()
    page.wait_text("#outcome", "It is held")
    page.wait_observed("STOPPED")
    page.wait_text("#why", "number is being <b>moved</b>")
    page.wait_text("[data-held]", "number is being <b>moved</b>")
    first = page.text("[data-held] [data-ahead]")
    assert first.startswith("in 59 min")
    page.wait(lambda: page.text("[data-held] [data-ahead]") != first, what="the countdown")
    page.wait(lambda: page.find("#release").is_displayed())
    assert rollcall.agent(on_shift)["hold"]["state"] == "stopped"
    page.find("#release").click()
    page.wait_text("#outcome", "The hold is over")
    page.wait_observed("WORKING")
    page.wait(lambda: not page.find("#release").is_displayed())


def test_a_hold_ends_by_itself_and_the_page_follows(rollcall, page, manage_key):
    rollcall.add_agent("ends", team="ending")
    rollcall.clock_in("ends")
    rollcall.wait_for("ends", observed="WORKING", condition="converged")
    page.sign_in(manage_key, "/agents/ends")
    page.wait_live()
    page.mark()
    page.find("#holding summary").click()
    page.find("#hold [name=reason]").send_keys("moving")
    page.find("#hold button").click()
    page.wait_text("#outcome", "It is held.")
    # No form sets one that ends so soon.
    assert hold(rollcall, "ends", seconds=20)[0] == 200
    page.wait(lambda: page.has("[data-held] [data-ahead]") and page.find("#release").is_displayed(), what="the hold")
    assert "moving" in page.text("[data-held]")
    page.wait(lambda: not page.has("[data-held]") and not page.find("#release").is_displayed(), 60, "its end")
    page.wait_observed("WORKING", 60)
    page.wait(lambda: page.agreement() == "fine", what="the agent being able to work")
    page.wait(lambda: page.text("#outcome") == "", what="the end of what was said of the hold")
    assert page.is_marked()
    assert rollcall.agent("ends")["hold"] is None


def test_a_hold_keeps_a_session_running_until_the_time_that_is_chosen(rollcall, page, manage_key):
    rollcall.add_agent("night")
    rollcall.wait_for("night", observed="STOPPED", condition="converged")
    # Not where the server's clock is read: what is chosen is a time where the reader is.
    zone = zoneinfo.ZoneInfo("Asia/Kolkata")
    page.driver.execute_cdp_cmd("Emulation.setTimezoneOverride", {"timezoneId": zone.key})
    page.sign_in(manage_key, "/agents/night")
    page.wait_live()
    page.find("#holding summary").click()
    field = page.find("#hold [name=until]")
    assert not field.is_displayed()
    Select(page.find("#hold [name=state]")).select_by_value("running")
    Select(page.find("#hold [name=hours]")).select_by_visible_text("until a time")
    page.wait(field.is_displayed, what="the time")
    proposed = datetime.datetime.fromisoformat(field.get_attribute("value")).replace(tzinfo=zone)
    assert datetime.timedelta(minutes=58) < proposed - datetime.datetime.now(zone) <= datetime.timedelta(minutes=60)
    page.find("#hold [name=reason]").send_keys("a call from overseas")
    chosen = datetime.datetime.now(zone).replace(second=0, microsecond=0)
    choose(page, field, chosen - datetime.timedelta(minutes=1))
    page.find("#hold button").click()
    page.wait_text("#outcome", "Say until when; it has to lie ahead")
    assert rollcall.agent("night")["hold"] is None
    chosen += datetime.timedelta(hours=2, minutes=17)
    choose(page, field, chosen)
    page.find("#hold button").click()
    page.wait_text("#outcome", "It is held")
    hold = rollcall.agent("night")["hold"]
    assert hold["state"] == "running" and hold["reason"] == "a call from overseas"
    assert datetime.datetime.fromisoformat(hold["until"]) == chosen
    page.wait_observed("WORKING")
    assert rollcall.agent("night")["shift"] == "out"


def choose(page, field, instant):
    """Sets a field as the browser's own picker does."""
    script = "arguments[0].value = arguments[1]; arguments[0].dispatchEvent(new Event('change', { bubbles: true }))"
    page.run(script, field, instant.strftime("%Y-%m-%dT%H:%M"))


def test_look_now_and_reboot_are_done_and_their_refusal_is_explained(rollcall, page, manage_key, on_shift):
    page.provoke("409")
    page.sign_in(manage_key, f"/agents/{on_shift}")
    page.wait_live()
    page.find("#look").click()
    page.wait_text("#outcome", "being checked")
    assert page.driver.switch_to.active_element.get_attribute("id") == "look", "what was pressed keeps the focus"
    page.find("#reboot").click()
    page.find("#sure-yes").click()
    page.wait_text("#outcome", "being rebooted")
    page.wait(lambda: page.commands() == ["start", "stop", "start"], what="the start after the stop")
    page.wait(lambda: page.agreement() == "fine" and page.observed() == "WORKING", what="the boot")
    rollcall.clock_out(on_shift)
    page.wait_observed("STOPPED")
    page.find("#reboot").click()
    page.find("#sure-yes").click()
    page.wait_text("#outcome", "not on shift")


def test_what_was_done_is_said_for_a_while_and_what_was_refused_until_the_next_order(rollcall, page, manage_key):
    page.provoke("409")
    rollcall.add_agent("word")
    rollcall.wait_for("word", observed="STOPPED", condition="converged")
    page.sign_in(manage_key, "/agents/word")
    page.wait_live()
    page.hasten(5000)
    page.find("#look").click()
    page.wait(lambda: page.text("#outcome") == "The session is being checked.", what="that it is done")
    page.wait(lambda: page.text("#outcome") == "", what="the end of that")
    page.find("#reboot").click()
    page.find("#sure-yes").click()
    page.wait_text("#outcome", "not on shift")
    page.count_rereads()
    page.wait_rereads(2)
    assert "not on shift" in page.text("#outcome")


def test_nothing_is_ordered_twice_while_an_order_is_on_its_way(rollcall, page, manage_key):
    rollcall.add_agent("once", with_instance=False)
    page.sign_in(manage_key, "/agents/once")
    page.wait_live()
    page.run(
        """
        const ask = window.fetch;
        window.orders = 0;
        window.fetch = async (address, wish) => {
          if (!String(address).endsWith("/reconcile")) return ask(address, wish);
          window.orders += 1;
          await new Promise((resolve) => (window.answer = resolve));
          return new Response("{}", { status: 202 });
        };
        """
    )
    page.find("#look").click()
    page.wait(lambda: page.run("return window.answer !== undefined"), what="the order")
    look = page.find("#look")
    assert look.get_attribute("aria-disabled") == "true"
    look.click()
    page.find("#reboot").click()
    assert not page.find("#sure").is_displayed()
    page.run("window.answer()")
    page.wait_text("#outcome", "being checked")
    assert page.run("return window.orders") == 1 and look.get_attribute("aria-disabled") is None
