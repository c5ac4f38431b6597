"""How many need somebody and who, where counts come late, a filter is narrow, or the page is one of a list."""

import time

from rollcall import wait_until
from test_needs import need_count

HELD_STREAM = """
  const ask = window.fetch;
  const goes = new Promise((resolve) => (window.go = resolve));
  window.fetch = async (address, wish) => {
    if (String(address).startsWith("/v1/stream")) await goes;
    return ask(address, wish);
  };
"""


def test_what_happens_before_the_stream_begins_is_shown_on_a_page_of_a_list(rollcall, page, view_key):
    for number in range(105):
        rollcall.add_agent(f"early{number:03}", team="early", with_instance=False)
    page.sign_in(view_key)
    more = rollcall.must("GET", "/v1/agents?team=early&limit=100")["next_cursor"]
    page.before_scripts(HELD_STREAM)
    page.open(f"/?team=early&cursor={more}")
    rest = [f"early{number:03}" for number in range(100, 105)]
    assert page.agents() == rest
    page.wait(lambda: page.driver.execute_script("return window.go !== undefined"))
    rollcall.clock_in("early102")
    rollcall.must("DELETE", "/v1/agents/early104")
    page.driver.execute_script("window.go()")
    page.wait_live()
    page.wait_cell("early102", "shift", "on shift")
    page.wait(lambda: page.agents() == rest[:-1], what="who is gone")
    page.wait(lambda: page.needs() == ["early102"], what="the card")
    page.wait(lambda: page.count("needs_somebody") == 1 and page.count("agents") == 104, what="the counts")


# As where the server's counts are a moment old: what is read again knows of nobody who needs somebody, for so many times.
OLD_COUNTS = """
  const ask = window.fetch;
  window.fetch = async (address, wish) => {
    const answer = await ask(address, wish);
    if (!wish?.headers?.["X-Rollcall-Reread"] || (window.times ??= TIMES) === 0) return answer;
    window.times -= 1;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    page.getElementById("need-list").replaceChildren();
    page.querySelector("[data-count=needs_somebody]").textContent = "0";
    return new Response(page.documentElement.outerHTML);
  };
"""


def test_counts_that_come_late_hide_nobody(rollcall, page, view_key):
    for number in range(102):
        rollcall.add_agent(f"slow{number:03}", team="slow", with_instance=False)
    for agent in ("slow001", "slow101"):
        rollcall.clock_in(agent)
    wait_until(lambda: need_count(rollcall, "slow") == 2, what="the counts")
    page.sign_in(view_key)
    page.before_scripts(OLD_COUNTS.replace("TIMES", "1"))
    # Everybody is known in the end, so that no count is needed.
    page.open("/?team=slow")
    page.wait_live()
    page.wait_loaded()
    page.wait(lambda: page.needs() == ["slow001", "slow101"], what="the cards")
    assert page.count("needs_somebody") == 2
    # On a page of a list the next count has them looked for.
    more = rollcall.must("GET", "/v1/agents?team=slow&limit=100")["next_cursor"]
    page.open(f"/?team=slow&cursor={more}")
    page.wait_live()
    page.wait(lambda: page.driver.execute_script("return window.times === 0"), what="the old counts")
    rollcall.add_agent("slow102", team="slow", with_instance=False)
    page.wait(lambda: page.needs() == ["slow001", "slow101"], what="the cards")
    page.wait(lambda: page.count("needs_somebody") == 2)


def test_how_many_need_somebody_goes_by_the_filter(rollcall, page, view_key):
    for number in range(3):
        rollcall.add_agent(f"sieve{number}", team="sieve", with_instance=False)
    rollcall.clock_in("sieve0")
    wait_until(lambda: need_count(rollcall, "sieve") == 1, what="the counts")
    page.sign_in(view_key, "/?team=sieve&shift=out")
    page.wait_live()
    page.wait_loaded()
    assert page.count("needs_somebody") == 0 and page.needs() == []
    assert not page.find("#need-more").is_displayed()
    assert page.text("#calm").endswith("Nobody who fits this filter needs anything at the moment.")
    # The counts are of the whole team, and stay so; what needs somebody is of who is shown.
    page.wait(lambda: page.count("in") == 1 and page.count("agents") == 3, what="the counts")
    rollcall.clock_in("sieve1")
    page.wait(lambda: page.count("in") == 2, what="the counts")
    assert page.count("needs_somebody") == 0 and not page.find("#need-more").is_displayed()
    page.driver.execute_script("document.querySelector('#counts a[href*=\"condition=unassigned\"]').click()")
    page.wait(lambda: "condition=unassigned" in page.driver.current_url)
    assert "shift" not in page.driver.current_url and "team=sieve" in page.driver.current_url
    page.wait_live()
    page.wait_loaded()
    assert len(page.agents()) == page.count("unassigned") == 3
    page.wait(lambda: page.count("needs_somebody") == 2 and page.needs() == ["sieve0", "sieve1"], what="who needs somebody")
    page.open("/?team=sieve&q=sieve1")
    page.wait_live()
    page.wait_loaded()
    assert page.count("needs_somebody") == 1
    rollcall.clock_out("sieve1")
    page.wait(lambda: page.count("needs_somebody") == 0 and page.find("#calm").is_displayed(), what="nobody who is shown")


def test_an_edit_is_shown_before_the_round_comes_to_it(rollcall, page, view_key):
    rollcall.add_agent("edited", name="Name", team="edited", with_instance=False)
    page.sign_in(view_key, "/?team=edited")
    page.wait_live()
    page.wait_loaded()
    times = []
    for number in range(7):
        rollcall.must("PUT", "/v1/agents/edited", {"name": f"Name {number}", "team": "edited"})
        began = time.monotonic()
        page.wait_cell("edited", "name", f"Name {number}")
        times.append(time.monotonic() - began)
    # A round takes two seconds, and each edit follows the one that was just found.
    assert sorted(times)[3] < 1.2, times
