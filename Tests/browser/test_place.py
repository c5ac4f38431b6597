"""The place in a long table when the page changes its width, and the table on paper."""

import base64
import re

import pytest


def run(page, script, *arguments):
    return page.driver.execute_script(script, *arguments)


def shape(page, width, height, mobile=True):
    device = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": mobile}
    page.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", device)


def top_agent(page):
    """Who stands at the top of what is seen, and how far down."""
    return run(
        page,
        """
        const row = [...document.querySelectorAll("#rows tr")].find((row) => row.getBoundingClientRect().bottom > 0);
        return [row?.dataset.agent, row?.getBoundingClientRect().top];
        """,
    )


@pytest.mark.parametrize("before, after, mobile", [((360, 740), (740, 360), True), ((1280, 900), (700, 900), False)])
def test_another_width_keeps_the_place_in_the_table(page, view_key, long_team, before, after, mobile):
    shape(page, *before, mobile=mobile)
    page.sign_in(view_key, "/?team=long")
    page.wait_live()
    page.wait_loaded()
    page.driver.execute_async_script(
        """
        const done = arguments[0];
        const to = () => window.scrollTo(0, document.documentElement.scrollHeight * 0.6);
        to();
        requestAnimationFrame(() => requestAnimationFrame(() => { to(); requestAnimationFrame(() => requestAnimationFrame(done)); }));
        """
    )
    agent, top = top_agent(page)
    assert long_team.index(agent) > 40
    for width, height in (after, before):
        shape(page, width, height, mobile=mobile)
        page.wait(lambda: run(page, "return innerWidth") == width)
        page.driver.execute_async_script("requestAnimationFrame(() => requestAnimationFrame(arguments[0]))")
        place = run(page, "return document.querySelector(arguments[0])?.getBoundingClientRect().top", page.row(agent))
        assert place is not None and abs(place - top) < 60, (agent, top, place)
        page.shoot(f"turned-{width}")


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
    assert printed(page) == 100
    assert page.agents() == long_team[:100]


def printed(page):
    """Prints the page; gives how many rows stood on paper."""
    run(page, "addEventListener('beforeprint', () => (window.rows = document.querySelectorAll('#rows tr').length), { once: true })")
    paper = base64.b64decode(page.driver.print_page())
    assert len(re.findall(rb"/Type\s*/Page\b", paper)) > 1, "a table takes more than one sheet"
    return run(page, "return window.rows")
