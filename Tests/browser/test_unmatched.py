import base64
import datetime
import hashlib
import hmac
import json
import secrets
import urllib.request

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from rollcall import wait_until


SQUARE_KEY = "a-key-that-is-made-up-for-tests"
SQUARE_URL = "https://clock.example.test/v1/sources/square/events"
SETTINGS = {
    "ROLLCALL_SOURCES": "hr,quiet,square",
    "ROLLCALL_SOURCE_SQUARE_KIND": "square",
    "ROLLCALL_SOURCE_SQUARE_SECRET": SQUARE_KEY,
    "ROLLCALL_SOURCE_SQUARE_PUBLIC_URL": SQUARE_URL,
}


@pytest.fixture
def unknown(rollcall):
    """A name of the source `api` that nobody knows yet, and a clock-in under it."""
    name = f"E{secrets.token_hex(3)}"
    event(rollcall, name, "clock_in", minutes=2)
    return name


def event(rollcall, name, kind, minutes):
    at = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(minutes=minutes)
    rollcall.must("POST", "/v1/clock-events", {"agent_id": name, "kind": kind, "occurred_at": at.isoformat()})


def square_timecard(rollcall, member, minutes):
    """What Square sends when somebody clocks in, signed as Square signs."""
    start = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(minutes=minutes)
    card = {"id": f"TC-{member}", "team_member_id": member, "version": 1, "status": "OPEN", "start_at": start.isoformat()}
    notice = {
        "type": "labor.timecard.created",
        "event_id": secrets.token_hex(8),
        "created_at": start.isoformat(),
        "data": {"id": card["id"], "object": {"timecard": card}},
    }
    body = json.dumps(notice).encode()
    proof = base64.b64encode(hmac.digest(SQUARE_KEY.encode(), SQUARE_URL.encode() + body, hashlib.sha256)).decode()
    headers = {"Content-Type": "application/json", "x-square-hmacsha256-signature": proof}
    address = f"{rollcall.address}/v1/sources/square/events"
    with urllib.request.urlopen(urllib.request.Request(address, body, headers, method="POST"), timeout=30) as answer:
        assert answer.status == 200


def row(name):
    return f'tr[data-name="{name}"]'


def test_what_nobody_knows_is_seen_mapped_and_starts(rollcall, page):
    unknown = "TM9x/Yb3 kPq7R"
    square_timecard(rollcall, unknown, minutes=2)
    rollcall.add_agent("ana", name="Ana Ito", team="desk")
    rollcall.wait_for("ana", observed="STOPPED")
    page.sign_in(rollcall.admin_key)
    page.wait_live()
    page.wait_text("#unmatched", "nobody could match", 40)
    page.find("#unmatched a").click()
    page.wait_text(row(unknown), "1 event")
    assert "The agent would be on shift since" in page.text(f"{row(unknown)} [data-field=consequence]")
    assert "clock-in" in page.text(row(unknown))
    page.wait(lambda: page.find(f"{row(unknown)} form").is_displayed())
    # By the keyboard alone: type a name, take what is offered, read what would happen, confirm.
    page.click(f"{row(unknown)} input")  # From now on the page leaves the table alone.
    field = page.find(f"{row(unknown)} input")
    field.send_keys("ana it")
    page.wait(lambda: offered(page) == ["ana"], what="the agents that fit")
    field.clear()
    field.send_keys("Ana Ito", Keys.ENTER)
    page.wait_text(".preview", "1 event will be applied. Ana Ito will be on shift since")
    assert "Their session should run then." in page.text(".preview")
    assert rollcall.agent("ana")["shift"] == "out", "a preview changes nothing"
    page.shoot("unmatched-preview")
    page.hasten(5000)
    page.driver.switch_to.active_element.send_keys(Keys.ENTER)
    page.wait_text("#outcome", "1 event was applied. Ana Ito is on shift since")
    page.wait(lambda: not page.has(row(unknown)), what="the name going from the list")
    page.wait(lambda: page.text("#outcome") == "", what="the end of what was said")
    rollcall.wait_for("ana", shift="in", observed="WORKING", condition="converged")
    page.open("/?team=desk")
    page.wait_live()
    page.wait_cell("ana", "shift", "on shift")
    page.wait_cell("ana", "observed", "running")
    page.find(f"{page.row('ana')} a").click()
    page.wait_text("#names", f"square calls the agent {unknown}")


def offered(page):
    return page.driver.execute_script("return [...document.querySelectorAll('#agents option')].map((each) => each.value)")


def test_a_mapping_is_called_off_and_its_refusal_is_explained(rollcall, page, unknown):
    page.provoke("422")
    rollcall.add_agent("cora", with_instance=False)
    page.sign_in(rollcall.admin_key, "/unmatched")
    page.wait(lambda: page.find(f"{row(unknown)} form").is_displayed())
    page.find(f"{row(unknown)} input").send_keys("nobody-at-all", Keys.ENTER)
    page.wait_text("#outcome", "There is no agent of this id.")
    field = page.find(f"{row(unknown)} input")
    field.clear()
    field.send_keys("cora", Keys.ENTER)
    page.wait_text(".preview", "There is no session to start")
    page.driver.switch_to.active_element.send_keys(Keys.ESCAPE)
    page.wait(lambda: not page.has(".preview"))
    assert page.driver.switch_to.active_element.get_attribute("name") == "agent"
    assert rollcall.agent("cora")["aliases"] == []


def test_old_news_says_why_it_stays(rollcall, page, view_key):
    name = f"O{secrets.token_hex(3)}"
    rollcall.add_agent("olga", with_instance=False)
    event(rollcall, name, "clock_in", minutes=30 * 60)
    page.sign_in(view_key, "/unmatched")
    page.wait_text(row(name), "Nothing would start")
    rollcall.must("PUT", f"/v1/sources/api/aliases/{name}", {"agent_id": "olga"})
    page.wait_text(row(name), "Too old to start a session", 40)
    assert "olga" in page.text(f"{row(name)} [data-field=whose]")
    assert not page.has("form.map"), "who only looks maps nothing"


def test_names_are_added_and_removed_on_the_agents_page(rollcall, page):
    rollcall.add_agent("nina", with_instance=False)
    page.sign_in(rollcall.admin_key, "/agents/nina")
    page.wait_live()
    page.wait(lambda: page.find("#map").is_displayed())
    page.find("#map [name=external_id]").send_keys("100% / Nina", Keys.ENTER)
    page.wait_text(".preview", "No event will be applied")
    page.driver.switch_to.active_element.send_keys(Keys.ENTER)
    page.wait_text("#names", "100% / Nina")
    assert rollcall.agent("nina")["aliases"] == [{"source": "api", "external_id": "100% / Nina"}]
    page.wait(lambda: page.find("[data-unmap]").is_displayed())
    page.find("[data-unmap]").click()
    page.hasten(5000)
    page.find("#sure-yes").click()
    page.wait_text("#named", "The name is the agent's no more.")
    assert rollcall.agent("nina")["aliases"] == []
    page.wait(lambda: not page.has("#names"))
    page.wait(lambda: page.text("#named") == "", what="the end of what was said")


def test_without_script_it_can_be_read(rollcall, open_browser, view_key, unknown):
    page = open_browser(script=False)
    page.open("/unmatched")
    page.find("#key").send_keys(view_key)
    page.find("#sign-in button").click()
    wait_until(lambda: page.driver.find_elements(By.ID, "sign-out"), what="the sign-in")
    page.open("/unmatched")
    assert "1 event" in page.find(row(unknown)).text
    assert "cannot be mapped here" in " ".join(each.text for each in page.driver.find_elements(By.TAG_NAME, "noscript"))


def test_a_key_bound_to_teams_sees_no_unmatched_events(rollcall, page, unknown):
    key = rollcall.key("view", teams=["desk"])["key"]
    page.sign_in(key, "/")
    page.wait_live()
    assert page.text("#unmatched") == ""
    page.open("/unmatched")
    page.wait_text("#nobody", "bound to teams")


def test_the_list_fits_a_narrow_screen_and_has_names_for_everything(rollcall, open_browser, unknown):
    page = open_browser(width=390)
    page.sign_in(rollcall.admin_key, "/unmatched")
    page.wait(lambda: page.find(f"{row(unknown)} form").is_displayed())
    assert page.driver.execute_script("return document.documentElement.scrollWidth <= window.innerWidth")
    nameless = """
        return [...document.querySelectorAll("input:not([type=hidden]), select, button, a")]
          .filter((each) => !(each.labels?.length || each.textContent.trim() || each.getAttribute("aria-label")))
          .map((each) => each.outerHTML);
    """
    assert page.driver.execute_script(nameless) == []
    page.shoot("unmatched-narrow")


def test_a_hostile_name_is_text(rollcall, page):
    name = '"><script>window.caught=1</script><img src=x onerror=window.caught=1>'
    rollcall.add_agent("hana", with_instance=False)
    square_timecard(rollcall, name, minutes=3)
    page.sign_in(rollcall.admin_key, "/unmatched")
    shown = "return [...document.querySelectorAll('#names tbody th')].map((cell) => cell.innerText.trim())"
    page.wait(lambda: name in page.driver.execute_script(shown))
    # Found and given the focus in one step: the table is read again now and then, but not while somebody is in it.
    focus = """
        const row = [...document.querySelectorAll("#names tbody tr")].find((row) => row.dataset.name === arguments[0]);
        const field = row?.querySelector("form:not([hidden]) [name=agent]");
        field?.focus();
        return field !== undefined && field !== null && document.activeElement === field;
    """
    page.wait(lambda: page.driver.execute_script(focus, name))
    page.driver.switch_to.active_element.send_keys("hana", Keys.ENTER)
    page.wait_text(".preview", "1 event will be applied")
    page.driver.switch_to.active_element.send_keys(Keys.ENTER)
    page.wait_text("#outcome", "1 event was applied")
    page.open("/agents/hana")
    page.wait_text("#names", name)
    assert page.driver.execute_script("return window.caught") is None
