"""Where somebody is on the page, with the eyes, the keyboard or a mark, there they stay while it reads itself again."""

import datetime
import secrets

from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys


def press(page, *keys):
    for key in keys:
        ActionChains(page.driver).send_keys(key).perform()


def focused_agent(page):
    return page.run("return document.activeElement.closest('#rows tr')?.dataset.agent")


# What is marked


def mark_text(page, selector):
    page.run("getSelection().selectAllChildren(document.querySelector(arguments[0]))", selector)


def marked_text(page):
    return page.run("return getSelection().toString().trim()")


def test_an_agent_s_page_goes_on_while_text_is_marked_and_leaves_it_so(rollcall, page, view_key):
    rollcall.add_agent("mark", with_instance=False)
    rollcall.clock_in("mark")
    page.sign_in(view_key, "/agents/mark")
    page.wait_live()
    page.wait_text("#events", "clock-in")
    mark_text(page, "#why-title")
    assert marked_text(page) == "Why"
    rollcall.clock_out("mark")
    page.wait_text("#events", "clock-out")
    page.wait_text("#shift", "off shift")
    assert marked_text(page) == "Why"
    assert not page.find("#unread").is_displayed()


def test_the_sources_go_on_while_text_is_marked_and_leave_it_so(rollcall, page, view_key):
    page.sign_in(view_key, "/sources")
    page.wait_live()
    mark_text(page, 'tr[data-source="hr"] th a')
    assert marked_text(page) == "hr"
    event = {"agent_id": "nobody-yet", "kind": "clock_in", "event_id": secrets.token_hex(4), "occurred_at": "2026-03-02T08:00:00Z"}
    assert rollcall.deliver("hr", event) == 200
    page.wait_text('tr[data-source="hr"] [data-field=state]', "receiving")
    assert marked_text(page) == "hr"
    assert not page.find("#unread").is_displayed()


def test_figures_that_wait_for_a_mark_are_said_to_be_old(page, view_key):
    page.sign_in(view_key, "/stats")
    page.wait_live()
    mark_text(page, "h1")
    assert not page.find("#unread").is_displayed()
    # A minute later, when they would be counted anew.
    page.run("const now = Date.now; Date.now = () => now() + 61_000")
    page.wait(lambda: page.find("#unread").is_displayed(), what="the word that they are old")
    assert "not read again while text in it is marked" in page.text("#unread")
    page.wait(lambda: page.is_grey("stats"), what="the grey")
    page.run("getSelection().removeAllRanges()")
    page.wait(lambda: not page.find("#unread").is_displayed(), what="the end of it")
    page.wait(lambda: not page.is_grey("stats"), what="the colours")


# Who is about to map a name


def test_unmatched_names_come_and_go_around_somebody_who_maps_one(rollcall, page):
    rollcall.add_agent("mapped", with_instance=False)
    mine, other = "N-mine", "N-other"
    unmatched(rollcall, mine)
    page.sign_in(rollcall.admin_key, "/unmatched")
    row = 'tr[data-name="%s"]'
    page.wait(lambda: page.find(f"{row % mine} form").is_displayed())
    page.find(f"{row % mine} [name=agent]").send_keys("map")
    unmatched(rollcall, other)
    page.wait(lambda: page.has(row % other), what="a name that came meanwhile")
    assert page.find(f"{row % other} form").is_displayed()
    press(page, "ped")
    field = f"{row % mine} [name=agent]"
    assert page.find(field).get_attribute("value") == "mapped"
    assert page.driver.switch_to.active_element == page.find(field)
    # The preview stays as well.
    press(page, Keys.ENTER)
    page.wait_text(".preview", "1 event will be applied")
    unmatched(rollcall, "N-third")
    page.wait(lambda: page.has(row % "N-third"), what="one more")
    assert page.has(f"{row % mine} .preview button") and not page.find(f"{row % mine} form").is_displayed()
    press(page, Keys.ESCAPE)
    page.wait(lambda: not page.has(".preview"))
    assert page.driver.switch_to.active_element == page.find(field)
    # Somebody else is quicker.
    rollcall.must("PUT", f"/v1/sources/api/aliases/{mine}", {"agent_id": "mapped"})
    page.wait(lambda: not page.has(row % mine), what="the name going")
    page.wait_text("#outcome", f"Nothing is unmatched under {mine} any more: somebody has mapped it meanwhile.")
    assert page.driver.switch_to.active_element.get_attribute("id") == "outcome"
    assert page.has(row % other)


def unmatched(rollcall, name):
    at = datetime.datetime.now(datetime.timezone.utc).isoformat()
    rollcall.must("POST", "/v1/clock-events", {"agent_id": name, "kind": "clock_in", "occurred_at": at})


# What has the focus


def test_what_a_source_sent_can_be_read_by_the_keyboard_while_the_page_goes_on(rollcall, page, manage_key):
    event = {"agent_id": "vera", "kind": "clock_in", "event_id": secrets.token_hex(4), "occurred_at": "2026-03-02T08:00:00Z"}
    assert rollcall.deliver("hr", {**event, "note": "x" * 2000}) == 200
    page.sign_in(manage_key, "/sources/hr")
    page.wait_live()
    page.click("#items summary")
    page.run("window.kept = document.querySelector('#items details[open] pre'); window.kept.focus()")
    page.count_rereads()
    assert rollcall.deliver("hr", {**event, "event_id": secrets.token_hex(4), "kind": "clock_out"}) == 200
    page.wait(lambda: len(page.driver.find_elements("css selector", "#items tr")) >= 2, what="what came meanwhile")
    page.wait_rereads(2)
    assert page.run("return document.activeElement === window.kept && window.kept.isConnected")


def test_who_reads_the_timeline_s_table_keeps_their_place(rollcall, page, view_key):
    rollcall.add_agent("reads", with_instance=False)
    rollcall.clock_in("reads")
    page.sign_in(view_key, "/agents/reads")
    page.wait_live()
    page.wait(lambda: page.has("#timeline-table tbody tr"))
    page.run(
        """
        document.getElementById("timeline-table").open = true;
        window.kept = [document.getElementById("agent"), ...document.querySelectorAll("#timeline-table tbody tr")];
        window.lanes = window.kept.slice(1).map((row) => row.cells[0].textContent);
        document.querySelector("#timeline-table summary").focus();
        """,
    )
    page.count_rereads()
    rollcall.clock_out("reads")
    page.wait_text("#events", "clock-out")
    page.wait_rereads(2)
    assert page.run("return window.kept.every((part) => part.isConnected)")
    assert page.run("return window.kept.slice(1).map((row) => row.cells[0].textContent)") == page.run("return window.lanes")
    assert page.run("return document.getElementById('timeline-table').open")
    assert page.run("return document.activeElement.matches('#timeline-table summary')")


def test_a_stream_that_begins_anew_takes_no_focus_and_closes_nothing_and_shows_what_changed(rollcall, page, view_key):
    page.provoke("net::ERR_")
    for number in range(10):
        rollcall.add_agent(f"team-{number}", name="Before", team=f"team {number}", with_instance=False)
    page.before_scripts(
        """
        const ask = window.fetch;
        window.fetch = (address, wish) =>
          window.cut && String(address).startsWith("/v1/stream") ? Promise.reject(new TypeError("cut")) : ask(address, wish);
        """
    )
    page.sign_in(view_key, "/?q=team-")
    page.wait_live()
    page.wait_loaded()
    assert not page.run("return document.getElementById('teams-place').open")
    page.run("document.getElementById('teams-place').open = true; document.querySelector('#counts .badge').focus()")
    page.run("window.kept = document.activeElement; window.cut = true")
    page.mark()
    rollcall.stop_server()
    rollcall.start_server()
    rollcall.must("PUT", "/v1/agents/team-3", {"name": "After", "team": "team 3"})
    rollcall.clock_in("team-4")
    page.run("window.cut = false")
    page.wait_cell("team-3", "name", "After", 60)
    page.wait_cell("team-4", "shift", "on shift")
    page.wait(lambda: page.needs() == ["team-4"], what="who needs somebody since")
    page.wait(lambda: page.count("needs_somebody") == 1)
    assert page.run("return document.getElementById('teams-place').open")
    assert page.run("return document.activeElement === window.kept && window.kept.isConnected")
    assert page.is_marked()


def test_a_row_that_scrolls_away_keeps_the_focus(rollcall, page, view_key, long_team):
    page.sign_in(view_key, "/?team=long")
    page.wait_live()
    page.wait_loaded()
    page.run("document.querySelector('tr[data-agent=k003] a').focus()")
    assert focused_agent(page) == "k003"
    page.run("window.scrollTo(0, document.documentElement.scrollHeight)")
    page.wait(lambda: page.agents()[-1] == long_team[-1], what="the end of the list")
    assert "k010" not in page.agents()
    assert focused_agent(page) == "k003"
    assert page.run("return document.activeElement.closest('tr').getBoundingClientRect().height") <= 1
    # A change of theirs is no reason to lose it either.
    rollcall.must("PUT", "/v1/agents/k003", {"name": "Somebody else", "team": "long"})
    page.wait(lambda: page.run("return document.activeElement.textContent") == "Somebody else", what="the change")
    press(page, Keys.ARROW_DOWN)
    assert focused_agent(page) == "k004"
    box = page.run("const { top, bottom } = document.activeElement.getBoundingClientRect(); return [top, bottom, innerHeight]")
    assert 0 <= box[0] and box[1] <= box[2], "seen"
    page.wait(lambda: "k003" in page.agents() and not page.has("#rows tr.away"), what="every row in its place")
    shown = page.agents()
    assert shown == sorted(shown)


# Whether what is seen in the middle of one thing is in another, or is it.
COVERS = """
  const { left, top, width, height } = document.querySelector(arguments[0]).getBoundingClientRect();
  return document.elementFromPoint(left + width / 2, top + height / 2)?.closest(arguments[1]) != null;
"""


def test_what_has_the_focus_is_not_behind_the_table_s_head(rollcall, page, view_key, long_team):
    page.sign_in(view_key, "/?team=long")
    page.wait_live()
    page.wait_loaded()
    # Who stands above the one with the focus is within the window, and behind the head.
    page.run(
        """
        document.querySelector("tr[data-agent=k008] [data-field=name]").focus();
        window.scrollBy(0, document.querySelector("tr[data-agent=k007]").getBoundingClientRect().top - 1);
        """
    )
    assert page.run(COVERS, "tr[data-agent=k007] [data-field=name]", "thead"), "the head lies over it"
    press(page, Keys.ARROW_UP)
    assert focused_agent(page) == "k007"
    page.wait(lambda: page.run(COVERS, ":focus", ":focus"), what="the name in view")
    # The same by the key that goes back, from link to link.
    page.run("window.scrollBy(0, document.querySelector('tr[data-agent=k006]').getBoundingClientRect().top - 1)")
    assert page.run(COVERS, "tr[data-agent=k006] [data-field=name]", "thead"), "the head lies over it"
    ActionChains(page.driver).key_down(Keys.SHIFT).send_keys(Keys.TAB).key_up(Keys.SHIFT).perform()
    assert focused_agent(page) == "k006"
    page.wait(lambda: page.run(COVERS, ":focus", ":focus"), what="the name in view")


# What somebody is called


def test_a_new_name_is_shown_everywhere_on_the_agent_s_page(rollcall, page, manage_key):
    rollcall.add_agent("named", name="Old Name", team="naming")
    rollcall.clock_in("named")
    rollcall.wait_for("named", observed="WORKING", condition="converged")
    rollcall.fault("needs_qr", ["I-named"])
    rollcall.wait_for("named", condition="needs_pairing")
    page.sign_in(manage_key, "/agents/named")
    page.wait_live()
    page.wait(lambda: page.find("#pair").is_displayed())
    page.find("#pair").click()
    page.wait_text("#pairing-title", "Old Name")
    instance = {"engine": "main", "instance_id": "I-named", "session_name": "wawp-named"}
    rollcall.must("PUT", "/v1/agents/named", {"name": "New Name", "team": "naming", "instance": instance})
    page.wait_text("#pairing-title", "New Name")
    assert page.driver.title.startswith("New Name")
    page.find("#pairing > .buttons [data-close]").click()
    assert page.text("h1").split("\n")[0].startswith("New Name") and "Old Name" not in page.text("body")
