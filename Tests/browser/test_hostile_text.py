"""Names and teams are free text. Whatever stands in them is shown as it is and does nothing."""

import json

import pytest

NAMES = {
    "script": "<script>window.caught = 1</script><img src=x onerror=\"window.caught = 1\">",
    "quotes": "\"O'Hara\" \" onmouseover=\"window.caught=1 ' `&quot; &amp;lt;",
    "template": "{{agent_id}} {{{name}}} ${window.caught = 1} </tr></table>",
    "right-to-left": "\u202eאבג שלום \u202dمرحبا",
    "long": "W" * 200,
    "wide": "👩🏽‍💻 Ünïcödé 漢字",
}


@pytest.fixture(scope="module", autouse=True)
def agents(rollcall):
    for agent, name in NAMES.items():
        rollcall.add_agent(agent, name=name, team=name, with_instance=False)


def text_of(page, selector):
    return page.driver.execute_script("return document.querySelector(arguments[0])?.textContent", selector)


def assert_nothing_ran(page):
    assert page.driver.execute_script("return window.caught") is None
    assert page.driver.execute_script("return document.querySelectorAll('main script, main img').length") == 0


def test_the_table_shows_them_as_text_at_first_and_live(rollcall, page, view_key):
    page.sign_in(view_key)
    page.wait_live()
    page.mark()
    for agent, name in NAMES.items():
        assert text_of(page, f"{page.row(agent)} [data-field=name]") == name
        assert text_of(page, f"{page.row(agent)} [data-field=team]") == name
        # The same by the stream, into a row that stands and into one that is new.
        rollcall.must("PUT", f"/v1/agents/{agent}", {"name": name[:199] + "!", "team": "plain"})
        rollcall.add_agent(f"{agent}-new", name=name, team=name, with_instance=False)
    for agent, name in NAMES.items():
        page.wait(lambda: text_of(page, f"{page.row(agent)} [data-field=name]") == name[:199] + "!")
        page.wait(lambda: text_of(page, f"{page.row(agent + '-new')} [data-field=name]") == name)
        assert text_of(page, f"{page.row(agent + '-new')} [data-field=team]") == name
    assert_nothing_ran(page)
    assert page.is_marked()
    page.shoot("hostile")


@pytest.mark.parametrize("agent", NAMES)
def test_the_agent_s_page_shows_them_as_text(rollcall, page, manage_key, agent):
    name = NAMES[agent]
    rollcall.must("PUT", f"/v1/agents/{agent}", {"name": name, "team": name})
    page.sign_in(manage_key, f"/agents/{agent}")
    page.wait_live()
    assert text_of(page, "h1 bdi") == name
    assert text_of(page, "#team") == name
    assert page.driver.title == f"{' '.join(name.split())} · Rollcall"
    assert_nothing_ran(page)


def test_a_name_neither_widens_the_page_nor_hides_what_is_beside_it(page, view_key):
    page.sign_in(view_key)
    page.wait_live()
    assert page.driver.execute_script("return document.documentElement.scrollWidth - innerWidth") <= 0
    beside = page.find(f"{page.row('right-to-left')} [data-field=agent_id]")
    assert beside.text == "right-to-left"


def test_a_search_for_them_is_text_too(page, view_key):
    page.sign_in(view_key)
    page.open("/?q=%22%3E%3Cscript%3Ewindow.caught%3D1%3C%2Fscript%3E&team=%3Cb%3E")
    page.wait_live()
    assert page.find("#search").get_attribute("value") == "\"><script>window.caught=1</script>"
    assert page.agents() == []
    assert_nothing_ran(page)


def test_control_characters_are_refused(rollcall):
    for name in ("line\nbreak", "nul\u0000", "escape\u001b[31m"):
        status, problem = rollcall.call("PUT", "/v1/agents/control", {"name": name, "team": ""})
        assert status == 422, json.dumps(name)
        assert problem["code"] == "invalid_field"
