"""What people do for many agents at once, and to pair a phone again."""

import pytest
from selenium.webdriver.common.keys import Keys


@pytest.fixture
def team(rollcall, request):
    """Six agents on shift in a team of their own."""
    name = request.node.name.replace("test_", "")[:12].replace("_", "-").strip("-")
    agents = [f"{name}-{number}" for number in range(6)]
    for agent in agents:
        rollcall.add_agent(agent, team=name)
        rollcall.clock_in(agent)
    for agent in agents:
        rollcall.wait_for(agent, observed="WORKING", condition="converged")
    return name, agents


def pick(page, agents):
    for agent in agents:
        page.pick(agent)


def results(page):
    script = "return [...document.querySelectorAll('#bulk-list li')].map((line) => [line.dataset.agent, line.dataset.done])"
    return page.driver.execute_script(script)


def approve(page, agents):
    """Looks at the change that waits, agent by agent, and approves it."""
    page.wait(lambda: page.find("#guards").is_displayed(), what="the change that waits")
    assert f"{len(agents)} agents wait" in page.text("#guard-list")
    page.click("#guard-list [data-open]")
    page.wait(lambda: page.find("#guard-dialog").is_displayed())
    for agent in agents:
        assert agent in page.text("#guard-parts")
    page.shoot("guard")
    page.find("#guard-dialog [data-decide=approve]").click()
    page.wait_text("#guard-parts", "approved")
    assert not page.find("#guard-dialog [data-decide=approve]").is_displayed()
    page.find("#guard-dialog [data-close]").click()
    page.wait(lambda: not page.find("#guards").is_displayed(), what="the end of the change that waited")


def test_a_change_that_waits_is_refused_here_and_seen_by_who_only_looks(rollcall, page, open_browser, view_key, manage_key):
    agents = [f"wait-{number}" for number in range(7)]
    for agent in agents:
        rollcall.add_agent(agent, name="Walter", team="waiting")
        rollcall.clock_in(agent)
    page.sign_in(view_key, "/?team=waiting")
    page.wait_live()
    until = "2027-01-01T00:00:00Z"
    rollcall.must(
        "POST", "/v1/actions", {"action": "hold", "agents": agents, "hold": {"state": "stopped", "until": until, "reason": "moving"}}
    )
    # The stream tells of it.
    page.wait(lambda: page.find("#guards").is_displayed(), what="the change that waits")
    assert "with this order by bootstrap" in page.text("#guard-list")
    page.click("#guard-list [data-open]")
    page.wait(lambda: page.find("#guard-dialog").is_displayed())
    assert not page.has("#guard-dialog [data-decide]")
    # Nobody decides blind: whose session, what of it, until when, by whom and why.
    part = page.text('#guard-parts [data-agent="wait-0"]')
    for word in ("Walter", "wait-0", "would be held stopped until", "2027", "by bootstrap", "moving", "Then the session should be stopped."):
        assert word in part, part
    page.find("#guard-dialog [data-close]").click()
    other = open_browser()
    other.sign_in(manage_key, "/agents/wait-0")
    other.wait_text("#why", "waits for somebody; once it is approved, the session should be stopped")
    other.open("/?team=waiting")
    other.wait_live()
    other.wait(lambda: other.find("#guards").is_displayed(), what="the change that waits")
    other.click("#guard-list [data-open]")
    other.wait(lambda: other.find("#guard-dialog").is_displayed())
    other.find("#guard-dialog [data-decide=refuse]").click()
    other.wait_text("#guard-parts", "refused")
    page.wait(lambda: not page.find("#guards").is_displayed(), what="the end of it on the other page")
    assert all(rollcall.agent(agent)["hold"] is None for agent in agents)


def test_many_are_held_and_released_with_a_result_for_each(rollcall, page, manage_key, team):
    name, agents = team
    page.sign_in(manage_key, f"/?team={name}")
    page.wait_live()
    page.wait_loaded()
    assert not page.find("#bulk").is_displayed()
    pick(page, agents)
    page.wait_text("#picked", "6 agents are chosen.")
    page.find("[data-bulk=hold]").click()
    page.wait(lambda: page.find("#bulk-form").is_displayed())
    assert "Hold 6 agents?" in page.text("#bulk-title")
    assert "Keep the session" in page.text("#bulk-hold") and "While it is stopped the agent cannot work." in page.text("#bulk-hold")
    page.find("#bulk-yes").click()
    page.wait_text("#bulk-refusal", "Say why")
    page.find("#bulk-hold [name=reason]").send_keys("training")
    page.find("#bulk-yes").click()
    page.wait(lambda: sorted(results(page)) == [[agent, "later"] for agent in agents], what="a result for each")
    # What waits is not done, and does not look so.
    assert page.text("#bulk-done") == "Hold (stopped): what came of it"
    assert page.run("return getComputedStyle(document.querySelector('#bulk-list .icon'), '::before').content") == '"…"'
    page.shoot("bulk-results")
    # It is too much to happen at once: it waits as a whole, and the page shows it with what can be done about it.
    assert "waits until somebody approves" in page.text("#bulk-list")
    page.find("#bulk-results [data-close]").click()
    assert not page.find("#bulk").is_displayed()
    assert rollcall.agent(agents[0])["hold"] is None
    approve(page, agents)
    for agent in agents:
        page.wait_agreement(agent, "here_held_off")
        assert "training" in page.cell(agent, "hold")
    pick(page, agents)
    page.find("[data-bulk=release]").click()
    # More than five are asked about first.
    page.wait_text("#bulk-title", "End the holds of 6 agents?")
    assert rollcall.agent(agents[0])["hold"] is not None
    page.find("#bulk-yes").click()
    page.wait(lambda: page.find("#bulk-results").is_displayed() and len(results(page)) == 6, what="the results")
    page.find("#bulk-results [data-close]").click()
    approve(page, agents)
    for agent in agents:
        page.wait_agreement(agent, "fine")


def test_a_few_are_looked_at_without_asking_and_a_refusal_is_explained(rollcall, page, manage_key, team):
    name, agents = team
    rollcall.must("PUT", f"/v1/agents/{agents[1]}/hold", {"state": "running", "until": "2027-01-01T00:00:00Z", "reason": "x"})
    page.sign_in(manage_key, f"/?team={name}")
    page.wait_live()
    page.wait_loaded()
    page.wait_agreement(agents[1], "here_held_on")
    pick(page, agents[:2])
    page.find("[data-bulk=reconcile]").click()
    page.wait(lambda: results(page) == [[agents[1], "false"], [agents[0], "later"]], what="the refusal, first")
    assert page.text(f'#bulk-list [data-agent="{agents[1]}"]').endswith(": The agent is held. End the hold first.")
    assert page.text(f'#bulk-list [data-agent="{agents[0]}"]').endswith(": is being done")
    page.find("#bulk-results [data-close]").click()
    pick(page, agents[:1])
    page.find("[data-bulk=reboot]").click()
    page.wait_text("#bulk-words", "cannot work meanwhile")
    page.find("#bulk-form [data-close]").click()
    assert not page.find("#bulk-dialog").is_displayed()


def test_who_only_looks_can_choose_nobody(rollcall, page, view_key):
    rollcall.add_agent("look-only", with_instance=False)
    page.sign_in(view_key)
    page.wait_live()
    page.wait_loaded()
    assert not page.has("[data-pick]") and not page.has("#bulk") and not page.has("#pairing")
    assert not page.has("#needs button")


def test_a_phone_is_paired_again_by_a_live_code_of_which_nothing_stays(rollcall, page, manage_key):
    rollcall.add_agent("quinn", name="Quinn", team="pairing")
    rollcall.clock_in("quinn")
    rollcall.wait_for("quinn", observed="WORKING", condition="converged")
    rollcall.fault("needs_qr", ["I-quinn"])
    rollcall.wait_for("quinn", condition="needs_pairing")
    page.sign_in(manage_key, "/?team=pairing")
    page.wait_live()
    page.wait(lambda: page.find('.need[data-agent="quinn"] [data-pair]').is_displayed())
    page.find('.need[data-agent="quinn"] [data-pair]').click()
    page.wait_text("#pairing-title", "Quinn")
    page.wait(lambda: page.has("#pairing-place img"), what="the QR code")
    width = "return document.querySelector('#pairing-place img').naturalWidth"
    page.wait(lambda: page.driver.execute_script(width) > 0, what="a picture that can be read")
    image = page.find("#pairing-place img").get_attribute("src")
    assert image.startswith("data:image/")
    page.wait_text("#pairing-end", "this page follows")
    # The dialog closes by itself, and takes everything with it.
    rollcall.sim("POST", "/_sim/scan", {"scope": ["I-quinn"]})
    page.wait(lambda: not page.find("#pairing").is_displayed(), what="the end of the dialog")
    assert image not in page.driver.page_source
    assert page.driver.execute_script("return document.querySelectorAll('#pairing img, #pairing output').length") == 0
    stored = page.driver.execute_script("return JSON.stringify([localStorage, sessionStorage, history.state, location.href])")
    assert image not in stored
    page.wait_agreement("quinn", "fine")


def test_a_code_is_for_one_number_which_is_not_kept(rollcall, page, manage_key):
    rollcall.add_agent("nora", name="Nora", team="coding")
    rollcall.clock_in("nora")
    rollcall.wait_for("nora", observed="WORKING", condition="converged")
    rollcall.fault("needs_qr", ["I-nora"])
    rollcall.wait_for("nora", condition="needs_pairing")
    page.sign_in(manage_key, "/agents/nora")
    page.wait_live()
    page.wait(lambda: page.find("#pair").is_displayed())
    page.find("#pair").click()
    page.wait(lambda: page.has("#pairing-place img"), what="the QR code")
    page.find("#pairing [data-as=code]").click()
    page.wait(lambda: page.find("#pairing-phone").is_displayed())
    assert not page.has("#pairing-place img")
    page.find("#pairing-phone input").send_keys("+49 170 1234567")
    page.find("#pairing-phone button").click()
    page.wait_text("#pairing-place output", "ABCD-1234")
    assert page.find("#pairing-phone input").get_attribute("value") == ""
    page.find("#pairing > .buttons [data-close]").click()
    assert "1234567" not in page.driver.page_source


def test_everybody_whom_the_filter_shows_is_chosen_at_once_and_who_goes_is_not(rollcall, page, manage_key):
    for number in range(45):
        rollcall.add_agent(f"all-{number:02}", team="all", with_instance=False)
    rollcall.add_agent("other-1", team="another", with_instance=False)
    page.sign_in(manage_key, "/?team=all")
    page.wait_live()
    page.wait_loaded()
    page.wait_text("#pick-all", "Choose all 45 agents shown here")
    page.find("#pick-all").send_keys(Keys.ENTER)
    page.wait_text("#picked", "45 agents are chosen.")
    assert page.find("#picked").get_attribute("role") == "status"
    focused = "return document.activeElement.dataset.bulk ?? document.activeElement.id"
    assert page.driver.execute_script(focused) == "hold", "what can be done is a key away"
    assert page.driver.execute_script("return [...document.querySelectorAll('[data-pick]')].every((box) => box.checked)")
    # Rows that come into view are chosen as well, and one may be left out.
    page.find("body").send_keys(Keys.END)
    page.wait(lambda: page.agents()[-1] == "all-44", what="the end of the list")
    box = page.find(f"{page.row('all-44')} [data-pick]")
    assert box.is_selected()
    page.pick("all-44")
    page.wait_text("#picked", "44 agents are chosen.")
    # Who is removed, or leaves the filter, is not chosen any more.
    rollcall.must("DELETE", "/v1/agents/all-43")
    page.wait_text("#picked", "43 agents are chosen.")
    rollcall.must("PUT", "/v1/agents/all-42", {"team": "another"})
    page.wait_text("#picked", "42 agents are chosen.")
    page.find("[data-bulk=reconcile]").click()
    page.wait_text("#bulk-title", "42 agents")
    rollcall.must("DELETE", "/v1/agents/all-41")
    page.wait_text("#bulk-title", "41 agents")
    page.find("#bulk-form [data-close]").click()
    page.find("#unpick").click()
    page.wait(lambda: not page.find("#bulk").is_displayed())
    assert page.driver.execute_script("return document.activeElement.id") == "pick-all"
    page.wait_text("#pick-all", "Choose all 42 agents shown here")


def test_no_more_are_chosen_than_one_order_takes_and_that_is_said(rollcall, page, manage_key):
    for number in range(503):
        rollcall.add_agent(f"lot-{number:03}", team="lot", with_instance=False)
    page.sign_in(manage_key, "/?team=lot")
    page.wait_live()
    page.wait_loaded()
    page.wait_text("#pick-all", "Choose the first 500 of the 503 agents shown here")
    page.find("#pick-all").click()
    page.wait_text("#picked", "The first 500 of 503 agents are chosen: one order takes no more.")
    assert page.find("[data-bulk=reconcile]").is_enabled()
    page.find("[data-bulk=reconcile]").click()
    page.wait_text("#bulk-title", "500 agents")
    page.find("#bulk-yes").click()
    page.wait(lambda: len(results(page)) == 500, 60, "a result for each")


def test_the_qr_is_asked_for_again_as_it_changes_and_a_code_ends(rollcall, page, manage_key):
    rollcall.add_agent("rita", name="Rita", team="again")
    rollcall.clock_in("rita")
    rollcall.wait_for("rita", observed="WORKING", condition="converged")
    rollcall.fault("needs_qr", ["I-rita"])
    rollcall.wait_for("rita", condition="needs_pairing")
    page.sign_in(manage_key, "/agents/rita")
    page.wait_live()
    page.wait(lambda: page.find("#pair").is_displayed())
    # The page's clock goes as fast as a test has time for; the server's answers are its own.
    hurry(page)
    page.find("#pair").click()
    page.wait(lambda: page.has("#pairing-place img"), what="the QR code")
    page.wait_text("#pairing-end", "It changes in")
    first = page.driver.execute_script("return window.asked.length")
    assert page.driver.execute_script("return window.asked[0]") == {"as": "qr"}
    page.wait(lambda: page.driver.execute_script("return window.asked.length") > first, 40, "the next question")
    page.wait(lambda: page.has("#pairing-place img"), what="the next QR code")
    # A code lasts as long as the engine says; then it is gone, and asked for anew.
    page.driver.execute_script("window.answer = { kind: 'code', value: 'WXYZ-0815', refresh_after: null, expires_in: 6 }")
    page.find("#pairing [data-as=code]").click()
    page.find("#pairing-phone input").send_keys("+49 170 1234567")
    page.find("#pairing-phone button").click()
    page.wait_text("#pairing-place output", "WXYZ-0815")
    page.wait_text("#pairing-end", "until it ends in")
    page.wait(lambda: not page.has("#pairing-place output"), 20, "the end of the code")
    assert "WXYZ-0815" not in page.driver.page_source
    assert page.find("#pairing-phone").is_displayed() and page.find("#pairing-phone input").get_attribute("value") == ""
    assert page.text("#pairing-status") == ""


def hurry(page):
    """Notes what is asked of the engine; an answer that the test wants takes the place of an engine's whose code ends soon."""
    page.driver.execute_script(
        """
        window.asked = [];
        const ask = window.fetch;
        window.fetch = async (address, wish) => {
          if (!String(address).endsWith("/pairing")) return ask(address, wish);
          window.asked.push(JSON.parse(wish.body).as === "qr" ? { as: "qr" } : { as: "other" });
          const answer = await ask(address, wish);
          const { expires_in: seconds, ...wanted } = window.answer ?? {};
          if (!wanted.kind) return answer;
          const body = { ...wanted, expires_at: new Date(Date.now() + seconds * 1000).toISOString() };
          return new Response(JSON.stringify(body), { status: 200, headers: { "Content-Type": "application/json" } });
        };
        """
    )
