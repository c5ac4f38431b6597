"""The place in a long table when the page changes its width, when others come and go, and the table on paper."""

import base64
import re

import pytest


def shape(page, width, height, mobile=True):
    device = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": mobile}
    page.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", device)


def top_agent(page):
    """Who stands at the top of what is seen, and how far down."""
    return page.run(
        """
        const row = [...document.querySelectorAll("#rows tr")].find((row) => row.getBoundingClientRect().bottom > 0);
        return [row?.dataset.agent, row?.getBoundingClientRect().top];
        """,
    )


def scroll(page, part):
    """Scrolls to a part of the page, again once the rows there exist."""
    page.driver.execute_async_script(
        """
        const [part, done] = arguments;
        const to = () => window.scrollTo(0, document.documentElement.scrollHeight * part);
        to();
        requestAnimationFrame(() => requestAnimationFrame(() => { to(); requestAnimationFrame(() => requestAnimationFrame(done)); }));
        """,
        part,
    )


@pytest.mark.parametrize("before, after, mobile", [((360, 740), (740, 360), True), ((1280, 900), (700, 900), False)])
def test_another_width_keeps_the_place_in_the_table(page, view_key, long_team, before, after, mobile):
    shape(page, *before, mobile=mobile)
    page.sign_in(view_key, "/?team=long")
    page.wait_live()
    page.wait_loaded()
    scroll(page, 0.6)
    agent, top = top_agent(page)
    assert long_team.index(agent) > 40
    for width, height in (after, before):
        shape(page, width, height, mobile=mobile)
        page.wait(lambda: page.run("return innerWidth") == width)
        page.driver.execute_async_script("requestAnimationFrame(() => requestAnimationFrame(arguments[0]))")
        place = page.run("return document.querySelector(arguments[0])?.getBoundingClientRect().top", page.row(agent))
        assert place is not None and abs(place - top) < 60, (agent, top, place)
        page.shoot(f"turned-{width}")


@pytest.mark.parametrize("leave", ["away and back", "loaded anew"])
def test_who_comes_back_finds_the_place_in_the_table(page, view_key, long_team, leave):
    page.sign_in(view_key, "/?team=long")
    page.wait_live()
    page.wait_loaded()
    scroll(page, 0.8)
    agent, top = top_agent(page)
    assert long_team.index(agent) > 70, "further down than the server's own rows"
    page.wait(lambda: page.run("return history.state?.agentID") == agent, what="the place being noted")
    page.mark()
    if leave == "loaded anew":
        page.driver.refresh()
    else:
        page.open("/agents/k000")
        page.driver.back()
    page.wait_live()
    page.wait_loaded()
    page.wait(lambda: top_agent(page)[0] == agent, what="the place in the table")
    assert abs(top_agent(page)[1] - top) < 20
    # Who follows a link begins at the top.
    page.run("location.assign('/?team=long&sort=name')")
    page.wait(lambda: "sort=name" in page.driver.current_url)
    page.wait_live()
    page.wait_loaded()
    assert page.run("return [scrollY, history.state]") == [0, None]


@pytest.fixture
def come_and_go(rollcall, long_team):
    """Agents come and go with this; the team is afterwards as it was."""
    agents = set()

    def come(names):
        for name in names:
            rollcall.add_agent(name, team="long", with_instance=False)
            agents.add(name)

    def go(names):
        for name in names:
            rollcall.must("DELETE", f"/v1/agents/{name}")
            agents.discard(name)

    yield come, go
    go(list(agents))
    for agent in long_team:
        rollcall.must("PUT", f"/v1/agents/{agent}", {"name": f"Person number {agent}", "team": "long"})


# By itself a browser keeps what is seen in its place, but for Safari; the page does not rely on it, nor correct it.
@pytest.mark.parametrize("anchor", ["auto", "none"])
def test_who_comes_and_goes_above_moves_nobody_who_is_seen(rollcall, page, view_key, long_team, come_and_go, anchor):
    come, go = come_and_go
    page.sign_in(view_key, "/?team=long")
    page.wait_live()
    page.wait_loaded()
    page.run("document.documentElement.style.overflowAnchor = arguments[0]", anchor)
    scroll(page, 0.6)
    agent, top = top_agent(page)
    assert long_team.index(agent) > 60

    def stays(what):
        page.driver.execute_async_script("requestAnimationFrame(() => requestAnimationFrame(arguments[0]))")
        now = top_agent(page)
        assert now[0] == agent and abs(now[1] - top) < 2, (what, agent, top, now)
        shown = page.agents()
        assert shown == sorted(shown)

    def wait_rows(count):
        page.wait(lambda: page.run("return Number(document.getElementById('agents').getAttribute('aria-rowcount'))") == count + 1)

    rows = len(long_team)
    come(["a0"])
    wait_rows(rows + 1)
    stays("one more, far above")
    just_above = f"{long_team[long_team.index(agent) - 1]}-too"
    come([just_above])
    wait_rows(rows + 2)
    stays("one more, right above")
    many = [f"b{number:03}" for number in range(70)]
    come(many)
    wait_rows(rows + 72)
    stays("many more, more than are ever drawn at a time")
    go(many + ["a0"])
    wait_rows(rows + 1)
    stays("all of them gone")
    # Who needs somebody has a card above the table.
    rollcall.clock_in(just_above)
    page.wait(lambda: page.needs() == [just_above], what="the card")
    stays("a card")
    # The name of a row that is drawn and not seen takes more lines.
    hidden = page.agents()[0]
    assert page.run("return document.querySelector(arguments[0]).getBoundingClientRect().bottom", page.row(hidden)) < 0
    rollcall.must("PUT", f"/v1/agents/{hidden}", {"name": "W" * 200, "team": "long"})
    page.wait_cell(hidden, "name", "WWW")
    stays("a row that grew")
    # The first who is seen goes; whoever is next stays.
    go([just_above])
    page.wait(lambda: page.needs() == [], what="the end of the card")
    following = long_team[long_team.index(agent) + 1]
    place = page.run("return document.querySelector(arguments[0]).getBoundingClientRect().top", page.row(following))
    rollcall.must("PUT", f"/v1/agents/{agent}", {"name": "Elsewhere", "team": "another"})
    page.wait(lambda: agent not in page.agents(), what="who goes")
    page.driver.execute_async_script("requestAnimationFrame(() => requestAnimationFrame(arguments[0]))")
    now = page.run("return document.querySelector(arguments[0]).getBoundingClientRect().top", page.row(following))
    assert abs(now - place) < 2, (following, place, now)


def test_who_moves_to_the_top_takes_nobody_along(rollcall, page, view_key, long_team, come_and_go):
    page.sign_in(view_key, "/?team=long&sort=name")
    page.wait_live()
    page.wait_loaded()
    page.run("document.documentElement.style.overflowAnchor = 'none'")
    scroll(page, 0.6)
    agent, _ = top_agent(page)
    following = long_team[long_team.index(agent) + 1]
    place = page.run("return document.querySelector(arguments[0]).getBoundingClientRect().top", page.row(following))
    rollcall.must("PUT", f"/v1/agents/{agent}", {"name": "A", "team": "long"})
    page.wait(lambda: agent not in page.agents(), what="who moves")
    page.driver.execute_async_script("requestAnimationFrame(() => requestAnimationFrame(arguments[0]))")
    now = page.run("return document.querySelector(arguments[0]).getBoundingClientRect().top", page.row(following))
    assert abs(now - place) < 2, (following, place, now)


def test_paper_has_everybody_and_the_page_stays_as_it_was(page, view_key, long_team):
    page.sign_in(view_key, "/?team=long")
    page.wait_live()
    page.wait_loaded()
    shown = page.agents()
    assert len(shown) < len(long_team)
    assert printed(page) == len(long_team)
    page.wait(lambda: page.agents() == shown, what="the page as it was")


def test_paper_has_the_page_of_a_list_that_stays_too(rollcall, page, view_key, long_team):
    page.sign_in(view_key, "/?team=long")
    cursor = rollcall.must("GET", "/v1/agents?team=long&limit=100")["next_cursor"]
    page.open(f"/?team=long&cursor={cursor}")
    page.wait_live()
    assert page.agents() == long_team[100:]
    assert printed(page) == 50
    assert page.agents() == long_team[100:]


def test_paper_has_what_there_is_before_the_list_is_read(page, view_key, long_team):
    page.before_scripts(
        """
        const ask = window.fetch;
        window.fetch = (address, wish) => (String(address).startsWith("/v1/agents?") ? new Promise(() => {}) : ask(address, wish));
        """
    )
    page.sign_in(view_key, "/?team=long")
    page.wait_live()
    assert printed(page) == 60
    assert page.agents() == long_team[:60]


def printed(page):
    """Prints the page; gives how many rows stood on paper."""
    page.run("addEventListener('beforeprint', () => (window.rows = document.querySelectorAll('#rows tr').length), { once: true })")
    paper = base64.b64decode(page.driver.print_page())
    assert len(re.findall(rb"/Type\s*/Page\b", paper)) > 1, "a table takes more than one sheet"
    return page.run("return window.rows")
