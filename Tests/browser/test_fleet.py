import datetime

from selenium.webdriver.common.keys import Keys

from rollcall import wait_until


def test_a_clock_in_becomes_working_without_a_reload(rollcall, page, view_key):
    rollcall.add_agent("anna", name="Anna Ito", team="desk")
    rollcall.wait_for("anna", observed="STOPPED")
    page.sign_in(view_key, "/?team=desk")
    page.wait_live()
    page.mark()
    page.wait_cell("anna", "observed", "stopped")
    page.wait(lambda: counts(page) == {"agents": 1, "in": 0, "out": 1, "converged": 1})
    assert page.cell("anna", "name") == "Anna Ito"
    assert page.cell("anna", "team") == "desk"
    page.wait_agreement("anna", "off")
    page.record("anna", "reason")
    rollcall.clock_in("anna")
    page.wait_cell("anna", "shift", "on shift")
    page.wait_cell("anna", "observed", "running")
    page.wait_cell("anna", "agreement", "on, as it should be")
    assert page.word("anna") == "WORKING"
    assert page.cell("anna", "reason") == "The session is running, as it should."
    assert "The engine was told to start the session; it counts once it is seen running." in page.recorded()
    assert "s ago" in page.cell("anna", "as_of")
    for field in ("shift_since", "since"):
        assert page.cell("anna", field).startswith("for "), "since then it is so, and not then it was"
    page.wait(lambda: counts(page) == {"agents": 1, "in": 1, "out": 0, "converged": 1})
    rollcall.clock_out("anna")
    page.wait_cell("anna", "shift", "off shift")
    page.wait_cell("anna", "observed", "stopped")
    page.wait(lambda: counts(page) == {"agents": 1, "in": 0, "out": 1, "converged": 1})
    assert page.is_marked()


def test_a_row_says_what_a_break_asks_of_the_session_where_the_shift_does_not(rollcall, page, view_key):
    rollcall.add_agent("bree", team="pause")
    rollcall.clock_in("bree")
    rollcall.wait_for("bree", observed="WORKING", condition="converged")
    page.sign_in(view_key, "/?team=pause")
    page.wait_live()
    assert page.cell("bree", "wanted") == ""
    rollcall.must("POST", "/v1/agents/bree/break-start")
    page.wait_cell("bree", "shift", "on break")
    page.wait_cell("bree", "wanted", "should be running")
    page.open("/?team=pause")
    assert page.cell("bree", "wanted") == "should be running", "the server says it, too"
    rollcall.clock_out("bree")
    page.wait_cell("bree", "shift", "off shift")
    page.wait(lambda: page.cell("bree", "wanted") == "")


def test_drift_is_shown_explained_and_repaired(rollcall, page, view_key):
    rollcall.add_agent("dora")
    rollcall.clock_in("dora")
    rollcall.wait_for("dora", observed="WORKING", condition="converged")
    page.sign_in(view_key)
    page.wait_live()
    page.mark()
    page.wait_agreement("dora", "fine")
    page.record("dora", "reason")
    rollcall.fault("self_stop", ["I-dora"])
    page.wait_agreement("dora", "mute")
    page.wait(lambda: "dora" in page.needs(), what="her card")
    page.wait_cell("dora", "observed", "running")
    page.wait_agreement("dora", "fine")
    page.wait(lambda: "dora" not in page.needs(), what="her card going")
    assert "The session no longer seems to run; it is looked at again before anything is done." in page.recorded()
    assert page.recorded()[-1] == "The session is running, as it should."
    assert page.is_marked()
    page.open("/agents/dora")
    assert page.commands() == ["start", "start"]
    assert "The session had gone down by itself." in page.text("#commands")


def test_a_session_that_comes_up_off_shift_is_shown_explained_and_stopped(rollcall, page, view_key):
    rollcall.add_agent("dino")
    rollcall.wait_for("dino", observed="STOPPED", condition="converged")
    page.sign_in(view_key, "/agents/dino")
    page.wait_live()
    rollcall.fault("self_start", ["I-dino"])
    page.wait(lambda: page.commands() == ["stop"], what="the stop")
    assert "The session had to stop." in page.text("#commands")
    page.wait(lambda: page.agreement() == "off" and page.observed() == "STOPPED", what="the repair")


def test_who_needs_somebody_stands_on_top_worst_first_and_goes_again(rollcall, page, view_key):
    for agent in ("a-first", "z-last"):
        rollcall.add_agent(agent, team="order")
        rollcall.clock_in(agent)
        rollcall.wait_for(agent, condition="converged", observed="WORKING")
    page.sign_in(view_key, "/?team=order")
    page.wait_live()
    page.wait(lambda: page.agents() == ["a-first", "z-last"])
    assert page.needs() == [] and page.find("#calm").is_displayed()
    rollcall.fault("needs_qr", ["I-z-last"])
    page.wait_cell("z-last", "agreement", "must scan")
    page.wait(lambda: page.needs() == ["z-last"])
    card = '.need[data-agent="z-last"]'
    assert "The agent's turn: scan the code" in page.text(card) and "for " in page.text(f"{card} .since")
    assert not page.find("#calm").is_displayed()
    # Somebody at work without an instance is worse off than somebody held, and better off than who must scan.
    rollcall.add_agent("m-none", team="order", with_instance=False)
    rollcall.clock_in("m-none")
    page.wait(lambda: page.needs() == ["z-last", "m-none"])
    rollcall.must("PUT", "/v1/agents/a-first/hold", {"state": "stopped", "until": in_an_hour(), "reason": "moving"})
    page.wait(lambda: page.needs() == ["z-last", "m-none", "a-first"])
    page.wait_text('.need[data-agent="a-first"]', "moving")
    page.wait(lambda: page.count("needs_somebody") == 3 and page.count("needs_pairing") == 1)
    page.shoot("needs")
    rollcall.sim("POST", "/_sim/scan", {"scope": ["I-z-last"]})
    rollcall.must("DELETE", "/v1/agents/a-first/hold")
    rollcall.clock_out("m-none")
    page.wait(lambda: page.needs() == [], what="everybody being able to work")
    page.wait(lambda: page.count("needs_somebody") == 0)
    assert page.find("#calm").is_displayed()


def test_counts_by_team_follow_and_lead_to_the_team(rollcall, page, view_key):
    for agent in ("t-1", "t-2"):
        rollcall.add_agent(agent, team="tally")
    page.sign_in(view_key)
    page.wait_live()
    page.wait(lambda: tally(page, "tally") == ["2", "0", "0", "0"])
    rollcall.clock_in("t-1")
    page.wait(lambda: tally(page, "tally") == ["2", "1", "1", "0"], what="who can work")
    page.find('#teams tr[data-team="tally"] a').click()
    page.wait(lambda: "team=tally" in page.driver.current_url)
    page.wait(lambda: page.agents() == ["t-1", "t-2"])


def test_agents_come_and_go_without_a_reload(rollcall, page, view_key):
    rollcall.add_agent("stays", team="coming")
    page.sign_in(view_key, "/?team=coming")
    page.wait_live()
    page.mark()
    rollcall.add_agent("comes", team="coming", with_instance=False)
    page.wait(lambda: set(page.agents()) == {"stays", "comes"})
    page.wait_cell("comes", "agreement", "off, no session")
    rollcall.must("DELETE", "/v1/agents/comes")
    page.wait(lambda: page.agents() == ["stays"])
    rollcall.must("PUT", "/v1/agents/stays", {"team": "elsewhere"})
    page.wait(lambda: page.agents() == [])
    assert page.is_marked()


def test_a_phone_shows_everything_without_scrolling_sideways(rollcall, open_browser, view_key):
    rollcall.add_agent("narrow-with-quite-a-long-identifier-of-an-agent", name="Maximiliane von Hohenstein-Mustermann")
    page = open_browser(width=500, height=900)
    page.driver.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride", {"width": 360, "height": 740, "deviceScaleFactor": 2, "mobile": True}
    )
    page.sign_in(view_key)
    page.wait_live()
    for path in ("/", "/agents/narrow-with-quite-a-long-identifier-of-an-agent"):
        page.open(path)
        page.wait_live()
        assert page.driver.execute_script("return innerWidth") == 360
        assert page.driver.execute_script("return document.documentElement.scrollWidth") <= 360


def test_it_can_be_read_in_the_dark(rollcall, page, view_key):
    page.driver.execute_cdp_cmd(
        "Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": "dark"}]}
    )
    page.sign_in(view_key)
    page.wait_live()
    colours = page.driver.execute_script(
        "const style = getComputedStyle(document.documentElement); return [style.backgroundColor, style.color]"
    )
    background, ink = (sum(int(part) for part in colour[4:-1].split(",")) for colour in colours)
    assert background < 150 < 500 < ink


def test_thousands_of_agents_do_not_freeze_it(rollcall, page, view_key):
    for number in range(450):
        rollcall.add_agent(f"m{number:04}", team="many", with_instance=False)
    rollcall.add_agent("zz-needs", team="many")
    rollcall.clock_in("zz-needs")
    rollcall.fault("needs_qr", ["I-zz-needs"])
    rollcall.wait_for("zz-needs", condition="needs_pairing")
    wait_until(lambda: team_summary(rollcall, "many")["condition"]["needs_pairing"] == 1)
    page.sign_in(view_key, "/?team=many")
    page.wait_live()
    assert page.needs() == ["zz-needs"]
    page.wait(lambda: page.find("#agents").get_attribute("aria-rowcount") == "452", what="everybody")
    assert page.count("agents") == 451
    assert len(page.agents()) < 250, "only what is in view exists"
    for language in ("es", "ar", "en"):
        page.driver.execute_cdp_cmd("Network.clearBrowserCache", {})
        page.open(f"/?team=many&lang={language}")
        page.wait_live()
        page.wait_loaded()
        total, _, sizes = page.first_load()
        print(f"first load of 451 agents, {language}: {total} bytes compressed, {len(sizes)} requests")
        assert any(name.startswith("/v1/agents?") and size > 0 for name, size, _ in sizes), "the list is counted too"
        assert total < 60_000, sizes
    assert page.agents()[0] == "m0000"
    # To the end, and back, by the keyboard alone.
    page.find("body").send_keys(Keys.END)
    page.wait(lambda: page.agents()[-1] == "zz-needs", what="the end of the list")
    row = page.find(page.row("zz-needs"))
    assert row.get_attribute("aria-rowindex") == "452"
    link = row.find_element("css selector", "a")
    link.send_keys(Keys.ARROW_UP)
    focused = "return document.activeElement.closest('tr')?.dataset.agent"
    assert page.driver.execute_script(focused) == "m0449"
    for _ in range(100):
        page.driver.switch_to.active_element.send_keys(Keys.ARROW_UP)
    assert page.driver.execute_script(focused) == "m0349"
    assert page.find(page.row("m0349")).is_displayed()
    page.find("body").send_keys(Keys.HOME)
    page.wait(lambda: page.agents()[0] == "m0000", what="the beginning")
    # What happens below stays below, and what changes in view changes.
    rollcall.must("PUT", "/v1/agents/m0001", {"name": "Changed", "team": "many"})
    page.wait_cell("m0001", "name", "Changed")


def tally(page, team):
    script = "return [...document.querySelectorAll(`#teams tr[data-team=${arguments[0]}] td`)].map((cell) => cell.textContent)"
    return page.driver.execute_script(script, team)


def in_an_hour():
    return (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=1)).isoformat()


def counts(page):
    return {word: page.count(word) for word in ("agents", "in", "out", "converged")}


def team_summary(rollcall, team):
    return next(part for part in rollcall.must("GET", "/v1/summary")["teams"] if part["team"] == team)
