"""Sessions of an engine for which nobody acts: what stands here of them is said to be old, and what is asked for to wait."""

from rollcall import TOKEN

# Whether a page that is opened ever says that nobody needs anything.
WATCH_CALM = """
  window.wasCalm = false;
  const look = () => {
    const calm = document.getElementById("calm");
    if (calm && !calm.hidden) window.wasCalm = true;
  };
  new MutationObserver(look).observe(document, { attributes: true, childList: true, subtree: true });
"""


def is_calm(page):
    return page.find("#calm").is_displayed()


def source_says(page):
    """Whether the page as the server sends it, with no script of its own, says that nobody needs anything."""
    return page.run("return fetch('/').then((answer) => answer.text())").count('<p id="calm" class="calm" >') == 1


def engines(rollcall, *names):
    """Starts the server anew with these engine accounts, all on the one simulator."""
    rollcall.stop_server()
    rollcall.settings = {"ROLLCALL_ENGINES": ",".join(names)}
    for name in names:
        account = f"ROLLCALL_ENGINE_{name.upper()}_"
        address = f"http://127.0.0.1:{rollcall.simulator_port}"
        rollcall.settings |= {f"{account}KIND": "wawp", f"{account}URL": address, f"{account}TOKEN": TOKEN}
    rollcall.start_server()


def test_sessions_for_which_nobody_acts_are_grey_and_the_engine_is_named(rollcall, page, view_key):
    page.provoke("net::ERR_")
    engines(rollcall, "main", "spare")
    rollcall.add_agent("here")
    rollcall.sim("PUT", "/_sim/sessions", {"sessions": [{"instance_id": "I-there", "status": "STOPPED"}]})
    instance = {"engine": "spare", "instance_id": "I-there", "session_name": "wawp-there"}
    rollcall.must("PUT", "/v1/agents/there", {"name": "There", "team": "support", "instance": instance})
    for agent in ("here", "there"):
        rollcall.wait_for(agent, observed="STOPPED", condition="converged")
    page.sign_in(view_key)
    page.wait_live()
    page.wait_agreement("there", "off")
    assert page.text("#pulse") == ""
    page.wait(lambda: is_calm(page), what="calm")
    assert not page.is_grey("counts") and source_says(page)
    # The account is no longer set up, and nobody else has it.
    engines(rollcall, "main")
    page.wait_live(60)
    # The last beat for it came before the server ended; counted from when the page is live again.
    page.wait_text("#pulse", "Nobody acts for engine spare at the moment", 10)
    page.wait(lambda: page.find(page.row("there")).get_attribute("data-uncertain") == "true", what="the grey")
    assert "main" not in page.text("#pulse")
    assert page.find(page.row("here")).get_attribute("data-uncertain") != "true"
    # Nobody can say that nobody needs anything, and what is counted is as old as what it counts.
    page.wait(lambda: not is_calm(page), what="the end of calm")
    assert page.needs() == [] and page.is_grey("counts") and not page.is_grey() and not source_says(page)
    page.shoot("nobody-acts")
    # Nor is it said before the stream says how the engines do, or once the page is put together anew.
    page.before_scripts(WATCH_CALM)
    page.open()
    page.wait_live()
    page.wait_loaded()
    page.wait(lambda: page.is_grey("counts"), what="the grey of the counts")
    assert not is_calm(page) and not page.run("return window.wasCalm")
    # Whose session another engine runs has nothing to do with that.
    page.open("/agents/here")
    page.wait_live()
    page.wait(lambda: page.run("return document.body.dataset.engines") == "certain", what="the engine of the session being fine")
    assert page.text("#pulse") == "" and not page.is_grey("agent")
    page.open("/agents/there")
    page.wait_live()
    page.wait_text("#pulse", "Nobody acts for engine spare")
    sign = "return getComputedStyle(document.querySelector('#pulse p'), '::before').content"
    assert page.run(sign) == '"!"', "the sign that incidents have"
    page.wait(lambda: page.is_grey("agent"), what="the grey of the agent's page")
    # Reading itself again does not make the page look current in between.
    page.driver.execute_script(
        """
        const view = document.getElementById("agent");
        window.seen = [];
        new MutationObserver(() => window.seen.push(view.dataset.uncertain)).observe(view, { attributes: true });
        new MutationObserver(() => window.seen.push(document.getElementById("agent")?.dataset.uncertain))
          .observe(document.getElementById("main"), { childList: true });
        """
    )
    page.count_rereads()
    page.wait_rereads(2)
    assert set(page.driver.execute_script("return window.seen")) <= {"true"}
    engines(rollcall, "main", "spare")
    page.wait_live(60)
    page.wait(lambda: page.text("#pulse") == "", 60, "somebody acting again")
    page.wait(lambda: not page.is_grey("agent"), what="the colours")
    page.open()
    page.wait(lambda: is_calm(page), 60, "calm")
    assert not page.is_grey("counts") and source_says(page)


def test_what_is_ordered_of_an_engine_for_which_nobody_acts_is_said_to_wait_for_somebody(rollcall, page, manage_key):
    page.provoke("net::ERR_")
    engines(rollcall, "main", "spare")
    rollcall.sim("PUT", "/_sim/sessions", {"sessions": [{"instance_id": "I-idle", "status": "STOPPED"}]})
    instance = {"engine": "spare", "instance_id": "I-idle", "session_name": "wawp-idle"}
    rollcall.must("PUT", "/v1/agents/idle", {"name": "Ida", "team": "idle", "instance": instance})
    rollcall.clock_in("idle")
    rollcall.wait_for("idle", observed="WORKING", condition="converged")
    engines(rollcall, "main")
    page.sign_in(manage_key, "/?team=idle")
    page.wait_live()
    page.wait_loaded()
    page.wait_text("#pulse", "Nobody acts for engine spare")
    later = "It is done as soon as somebody acts for the engine."
    look = '.need[data-agent="idle"] [data-look]'
    page.wait(lambda: page.find(look).is_displayed(), 60, "the card of who cannot be looked at")
    page.click(look)
    page.wait_text('.need[data-agent="idle"] [role=status]', later)
    page.pick("idle")
    page.find("[data-bulk=reconcile]").click()
    page.wait_text("#bulk-list", f"Ida: {later}")
    page.find("#bulk-results [data-close]").click()
    page.open("/agents/idle")
    page.wait_live()
    page.wait_text("#pulse", "Nobody acts for engine spare")
    page.find("#look").click()
    page.wait_text("#outcome", later)
    page.find("#reboot").click()
    page.run("document.getElementById('outcome').textContent = ''")
    page.find("#sure-yes").click()
    page.wait_text("#outcome", later)
    # Once somebody acts it is done, and said so.
    engines(rollcall, "main", "spare")
    page.wait_live(60)
    page.wait(lambda: page.text("#pulse") == "", 60, "somebody acting again")
    page.find("#look").click()
    page.wait_text("#outcome", "The session is being checked.")
