"""A manager's morning from beginning to end, without a mouse: who cannot work, why, and what is done about it."""

from keys import focused, press, tab_to
from selenium.webdriver.common.keys import Keys


def test_a_morning_by_the_keyboard(rollcall, page, manage_key):
    page.provoke("net::ERR_")
    for agent, name in (("mia", "Mia Lund"), ("noel", "Noel Park"), ("olga", "Olga Brandt")):
        rollcall.add_agent(agent, name=name, team="morning")
        rollcall.clock_in(agent)
    for agent in ("mia", "noel", "olga"):
        rollcall.wait_for(agent, observed="WORKING", condition="converged")
    # Nine o'clock: sign in, and see at one glance that nobody needs anything.
    page.open("/?team=morning")
    assert focused(page, "#key")
    press(page, manage_key, Keys.ENTER)
    page.wait(lambda: page.has("#sign-out"), what="the sign-in")
    page.wait_live()
    page.wait_loaded()
    assert page.find("#calm").is_displayed() and page.agents() == ["mia", "noel", "olga"]
    page.shoot("morning-calm")
    # A session goes down by itself: it is seen, explained and repaired without anybody.
    page.record("noel", "reason")
    rollcall.fault("self_stop", ["I-noel"])
    page.wait(lambda: page.needs() == ["noel"], what="the drift")
    assert "Somebody is needed only if it lasts: Rollcall is dealing with it." in page.text('.need[data-agent="noel"]')
    page.wait(lambda: page.needs() == [], what="the repair")
    assert "it is looked at again before anything is done" in " ".join(page.recorded())
    # A phone loses its link: whose turn it is stands there, and the code is a key away.
    rollcall.fault("needs_qr", ["I-olga"])
    page.wait(lambda: page.needs() == ["olga"], what="who must scan")
    page.driver.execute_script("document.getElementById('main').tabIndex = -1; document.getElementById('main').focus()")
    tab_to(page, ".need [data-pair]")
    press(page, Keys.ENTER)
    page.wait(lambda: page.has("#pairing-place img"), what="the QR code")
    page.shoot("morning-pairing")
    rollcall.sim("POST", "/_sim/scan", {"scope": ["I-olga"]})
    page.wait(lambda: not page.find("#pairing").is_displayed(), what="the pairing")
    page.wait(lambda: page.needs() == [], what="everybody being able to work")
    # The server is restarted in between; the page finds it again and counts everybody once.
    rollcall.stop_server()
    page.wait(lambda: page.find("#silence").is_displayed(), 20, "the warning")
    rollcall.start_server()
    page.wait_live(60)
    page.wait(lambda: page.agents() == ["mia", "noel", "olga"] and page.count("agents") == 3, what="everybody once")
    page.wait_agreement("mia", "fine")
    # Search by the keyboard, open somebody, read why, and hold the session while the number is being moved.
    page.driver.execute_script("document.getElementById('main').tabIndex = -1; document.getElementById('main').focus()")
    tab_to(page, "#search")
    press(page, "mia", Keys.ENTER)
    page.wait(lambda: "q=mia" in page.driver.current_url)
    page.wait_live()
    page.wait_loaded()
    page.wait(lambda: page.agents() == ["mia"])
    tab_to(page, "#rows [data-field=name]", 80)
    press(page, Keys.ENTER)
    page.wait(lambda: page.has("#why"), what="her page")
    page.wait_live()
    assert "The agent is on shift, so the session should run." in page.text("#why")
    tab_to(page, "#holding summary", 80)
    press(page, Keys.ENTER)
    tab_to(page, "#hold [name=reason]", 80)
    press(page, "the number is being moved", Keys.ENTER)
    page.wait_text("#outcome", "It is held.")
    page.wait_observed("STOPPED")
    page.wait_text("[data-held]", "the number is being moved")
    page.shoot("morning-held")
    tab_to(page, "#release", 80)
    press(page, Keys.ENTER)
    page.wait_text("#outcome", "The hold is over.")
    page.wait_observed("WORKING")
