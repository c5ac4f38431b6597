"""Names and teams are free text. Whatever stands in them is shown as it is and does nothing."""

import datetime
import json

import pytest

NAMES = {
    "script": "<script>window.caught = 1</script><img src=x onerror=\"window.caught = 1\">",
    "quotes": "\"O'Hara\" \" onmouseover=\"window.caught=1 ' `&quot; &amp;lt;",
    "template": "{{agent_id}} {{{name}}} ${window.caught = 1} </tr></table>",
    "right-to-left": "\u202eאבג שלום \u202dمرحبا",
    "override": "\u202eexe.txt",
    "closes": "closes\u2069\u202c what is not open",
    "nests": "\u2067 one \u202b two \u2069 three",
    "long": "W" * 200,
    "wide": "👩🏽‍💻 Ünïcödé 漢字",
}
# How those are shown whose marks of direction are not closed, or close what is not open. The server's tests have the same table.
BALANCED = {
    NAMES["right-to-left"]: NAMES["right-to-left"] + "\u202c\u202c",
    NAMES["override"]: NAMES["override"] + "\u202c",
    NAMES["closes"]: "closes what is not open",
    "\u202c\u2069": "",
    "a\u2068b": "a\u2068b\u2069",
    "\u2066\u2067\u2068": "\u2066\u2067\u2068\u2069\u2069\u2069",
    "\u202a\u2067x": "\u202a\u2067x\u2069\u202c",
    "\u2068\u202bx\u202c\u2069": "\u2068\u202bx\u202c\u2069",
    "\u2068\u202bx\u2069y\u202c": "\u2068\u202bx\u2069y",
    "\u202b\u2068x\u202cy\u2069": "\u202b\u2068xy\u2069\u202c",
    "plain": "plain",
    "\u200e\u200fمرحبا": "\u200e\u200fمرحبا",
}


def shown(name):
    return BALANCED.get(name, name)


def longer(name):
    """How a name is shown that ends with one sign more: before what closes it."""
    text = shown(name)[:199]
    bare = text.rstrip("\u202c")
    return bare + "!" + text[len(bare):]


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
        assert text_of(page, f"{page.row(agent)} [data-field=name]") == shown(name)
        assert text_of(page, f"{page.row(agent)} [data-field=team]") == shown(name)
        # The same by the stream, into a row that stands and into one that is new.
        rollcall.must("PUT", f"/v1/agents/{agent}", {"name": name[:199] + "!", "team": "plain"})
        rollcall.add_agent(f"{agent}-new", name=name, team=name, with_instance=False)
    for agent, name in NAMES.items():
        page.wait(lambda: text_of(page, f"{page.row(agent)} [data-field=name]") == longer(name))
        page.wait(lambda: text_of(page, f"{page.row(agent + '-new')} [data-field=name]") == shown(name))
        assert text_of(page, f"{page.row(agent + '-new')} [data-field=team]") == shown(name)
        choice = 'return [...document.querySelectorAll("#filter [name=team] option")].find((each) => each.value === arguments[0])?.label'
        assert page.run(choice, name) == " ".join(shown(name).split())
    assert_nothing_ran(page)
    assert page.is_marked()
    page.shoot("hostile")


@pytest.mark.parametrize("agent", NAMES)
def test_the_agent_s_page_shows_them_as_text(rollcall, page, manage_key, agent):
    name = NAMES[agent]
    rollcall.must("PUT", f"/v1/agents/{agent}", {"name": name, "team": name})
    page.sign_in(manage_key, f"/agents/{agent}")
    page.wait_live()
    assert text_of(page, "h1 bdi") == shown(name)
    assert text_of(page, "#team") == shown(name)
    assert page.driver.title == f"{' '.join(shown(name).split())} · Rollcall"
    assert_nothing_ran(page)


def test_marks_of_direction_are_closed_and_none_that_is_not_open(page):
    page.open()
    balance = "return import('/assets/words.js').then((words) => arguments[0].map(words.balanced))"
    assert page.run(balance, list(BALANCED)) == list(BALANCED.values())
    apart = "return import('/assets/words.js').then((words) => words.apart(arguments[0]))"
    assert page.run(apart, "a\u2069b\u202e") == "\u2068ab\u202e\u202c\u2069"


def test_a_name_neither_widens_the_page_nor_hides_what_is_beside_it(page, view_key):
    page.sign_in(view_key)
    page.wait_live()
    assert page.driver.execute_script("return document.documentElement.scrollWidth - innerWidth") <= 0
    beside = page.find(f"{page.row('right-to-left')} [data-field=agent_id]")
    assert beside.text == "right-to-left"


@pytest.fixture(scope="module")
def kept(rollcall):
    """Agents at work with such names; so many that the guard keeps an order about all of them."""
    agents = {f"kept-{word}": name for word, name in NAMES.items()} | {"kept-plain": "Plain", "kept-other": "Other"}
    for agent, name in agents.items():
        rollcall.add_agent(agent, name=name, team="kept")
        rollcall.clock_in(agent)
    return agents


@pytest.fixture
def change(rollcall, kept, text):
    """A change that waits: asked for by somebody who is called so, for such a reason."""
    key = rollcall.must("POST", "/v1/keys", {"name": text, "role": "manage"})["key"]
    until = (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=1)).isoformat()
    wanted = {"state": "stopped", "until": until, "reason": text}
    rollcall.must("POST", "/v1/actions", {"action": "hold", "agents": list(kept), "hold": wanted}, key=key)
    (number,) = [each["change"] for each in rollcall.must("GET", "/v1/guard")["items"] if each["waiting"]]
    yield number
    rollcall.must("POST", f"/v1/guard/{number}/refuse")


@pytest.mark.parametrize("text", NAMES.values(), ids=list(NAMES))
def test_the_guard_s_card_and_dialog_show_them_as_text(page, view_key, kept, change, text):
    page.sign_in(view_key)
    page.wait_live()
    card = f'#guard-list [data-change="{change}"]'
    page.wait(lambda: page.find(card).is_displayed(), what="the card")
    assert text_of(page, f"{card} bdi") == shown(text)
    page.click(f"{card} [data-open]")
    page.wait(lambda: page.find("#guard-dialog").is_displayed(), what="the change")
    assert text_of(page, "#guard-words bdi") == shown(text)
    for agent, name in kept.items():
        part = f'#guard-parts [data-agent="{agent}"]'
        assert text_of(page, f"{part} bdi") == shown(name)
        assert text_of(page, f"{part} q") == shown(text)
        assert text_of(page, f"{part} small bdi") == agent
    assert_nothing_ran(page)
    # What stands behind somebody's words runs as it is written, and nothing is wider than its place.
    for selector in (card + " p", "#guard-words", *(f'#guard-parts [data-agent="{agent}"]' for agent in kept)):
        assert runs_to_the_right(page, selector), selector
    for width in (1280, 360):
        screen = {"width": width, "height": 740, "deviceScaleFactor": 1, "mobile": width == 360}
        page.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen)
        page.wait(lambda: page.run("return innerWidth") == width)
        script = "const part = document.querySelector(arguments[0]); return part.scrollWidth - part.clientWidth"
        for selector in ("html", "#guard-dialog", "#guard-parts"):
            assert page.run(script, selector) <= 0, (width, selector)
    page.shoot("hostile-guard")


def runs_to_the_right(page, selector):
    """Whether two letters of the last words in an element stand beside each other in their order."""
    return page.run(
        """
        const walker = document.createTreeWalker(document.querySelector(arguments[0]), NodeFilter.SHOW_TEXT);
        let last = null;
        while (walker.nextNode()) {
          if (walker.currentNode.parentElement.closest("bdi, q, time")) continue;
          const found = walker.currentNode.data.match(/[a-z]{2}/i);
          if (found) last = [walker.currentNode, found.index];
        }
        const left = (offset) => {
          const range = document.createRange();
          range.setStart(last[0], last[1] + offset);
          range.setEnd(last[0], last[1] + offset + 1);
          return range.getBoundingClientRect().left;
        };
        return left(0) < left(1);
        """,
        selector,
    )


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
