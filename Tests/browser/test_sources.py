"""The pages of clock sources: what came, what was refused and why, who is silent."""

import pytest

EVENT = {"agent_id": "vera", "kind": "clock_in", "event_id": "e1", "occurred_at": "2026-03-02T08:00:00Z"}


@pytest.fixture(scope="module", autouse=True)
def agents(rollcall):
    rollcall.add_agent("vera", with_instance=False)


def state(page, source):
    return page.text(f'tr[data-source="{source}"] [data-field=state]')


def outcomes(page):
    script = "return [...document.querySelectorAll('#items tr')].map((row) => row.dataset.outcome)"
    return page.driver.execute_script(script)


def test_a_delivery_and_a_refusal_show_up_with_their_reason_without_a_reload(rollcall, page, manage_key):
    page.sign_in(manage_key, "/sources")
    page.wait_live()
    page.mark()
    assert page.text("nav.places").split() == ["Agents", "How", "we", "are", "doing", "Clock", "sources", "Unmatched"]
    assert state(page, "hr").endswith("waiting")
    assert "Came today" in page.text(".sources thead") and "Refused today" in page.text(".sources thead")
    assert rollcall.deliver("hr", EVENT, secret="another-secret-than-that") == 401
    page.wait(lambda: state(page, "hr").endswith("refusing"), what="the refusal")
    page.wait_text('tr[data-source="hr"] [data-field=last_refusal]', "does not prove that it comes from this source")
    assert page.text('tr[data-source="hr"] [data-field=refused]') == "1 (1 in 7 days)", "two numbers, and not eleven"
    assert rollcall.deliver("hr", {**EVENT, "phone": "+49 170 1234567", "note": "<b>bold</b>"}) == 200
    page.wait(lambda: state(page, "hr").endswith("receiving"), what="the delivery")
    assert "s ago" in page.text('tr[data-source="hr"] [data-field=last_seen]')
    assert page.is_marked()
    page.find('tr[data-source="hr"] a').click()
    page.wait(lambda: outcomes(page) == ["accepted", "refused"], what="both lines")
    page.wait_live()
    page.mark()
    assert "clock-in of vera: applied" in page.text("#items [data-field=did]")
    assert "applied (happened " in page.text("#items [data-field=did]") and ", decides now)" in page.text("#items [data-field=did]")
    page.wait(lambda: page.find("#items summary").click() is None)
    raw = page.text("#items pre")
    assert '"phone": "[redacted]"' in raw and "<b>bold</b>" in raw and "1234567" not in page.driver.page_source
    # A repetition is counted; what it says is kept already.
    assert rollcall.deliver("hr", EVENT) == 200
    page.wait_text("#today", "1 repeated")
    # Where the reader is: the day in UTC began at some time of theirs.
    began = page.run("return document.querySelector('#counted time[data-clock]').getAttribute('datetime')")
    assert began.endswith("T00:00:00Z") and "“Today” counts from " in page.text("#counted") and "UTC." in page.text("#counted")
    assert outcomes(page) == ["accepted", "refused"]
    assert page.driver.execute_script("return document.querySelector('#items details').open")
    assert page.is_marked()
    page.shoot("sources-one")
    page.find('#filters a[href$="outcome=refused"]').click()
    page.wait(lambda: outcomes(page) == ["refused"], what="the filter")


def test_a_silent_source_is_on_every_manager_s_banner_until_it_is_heard_again(rollcall, page, view_key):
    assert rollcall.deliver("quiet", EVENT | {"event_id": "q1"}) == 200
    page.sign_in(view_key)
    page.wait_live()
    page.wait_text("#incidents .incident", "Clock source quiet: nothing genuine comes from it any more")
    page.shoot("sources-banner")
    page.open("/sources")
    page.wait(lambda: state(page, "quiet").endswith("silent"), what="the silence")
    page.open("/")
    page.wait_live()
    assert page.has("#incidents .incident")
    assert rollcall.deliver("quiet", EVENT | {"event_id": "q2"}) == 200
    page.wait(lambda: not page.has("#incidents .incident"), what="the end of the incident")


def test_who_may_only_look_sees_no_raw_body(rollcall, page, view_key):
    assert rollcall.deliver("hr", {**EVENT, "event_id": "e9", "note": "for managers"}) == 200
    page.sign_in(view_key, "/sources/hr")
    page.wait(lambda: page.has("#items summary"))
    assert "for managers" not in page.driver.page_source


def test_it_works_without_script_and_on_a_narrow_screen(rollcall, open_browser, manage_key):
    assert rollcall.deliver("hr", {**EVENT, "event_id": "e10", "note": "W" * 3000}) == 200
    page = open_browser(script=False, width=390)
    page.open("/")
    page.type_key(manage_key)
    page.wait(lambda: page.has("#sign-out"))
    for path in ("/sources", "/sources/hr"):
        page.open(path)
        assert page.has("noscript") and page.has("tbody tr")
    wide = open_browser(width=390)
    wide.sign_in(manage_key, "/sources/hr")
    wide.wait_live()
    wide.wait(lambda: wide.find("#items summary").click() is None)
    wide.shoot("sources-narrow")
    assert wide.driver.execute_script("return document.documentElement.scrollWidth - innerWidth") <= 0
    wide.open("/sources")
    assert wide.driver.execute_script("return document.documentElement.scrollWidth - innerWidth") <= 0


def test_every_table_and_every_badge_can_be_read_without_seeing_it(page, manage_key):
    page.sign_in(manage_key, "/sources/hr")
    for path in ("/sources", "/sources/hr"):
        page.open(path)
        script = """
            const named = (element) => element.textContent.trim() || element.getAttribute("aria-label");
            return {
              headings: document.querySelectorAll("h1").length,
              unnamed: [...document.querySelectorAll("main a, main summary, main th")].filter((each) => !named(each)).length,
              icons: [...document.querySelectorAll("main .icon")].filter((each) => each.getAttribute("aria-hidden") !== "true").length,
              tables: [...document.querySelectorAll("main table")].filter((each) => !each.caption).length,
              ids: new Set([...document.querySelectorAll("[id]")].map((each) => each.id)).size
                   - document.querySelectorAll("[id]").length,
            }"""
        assert page.driver.execute_script(script) == {"headings": 1, "unnamed": 0, "icons": 0, "tables": 0, "ids": 0}
