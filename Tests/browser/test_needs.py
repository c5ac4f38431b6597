"""Who needs somebody, when that are many, and what is said of it to who does not see."""

import time

import pytest

from rollcall import wait_until

AT_WORK = 60


@pytest.fixture(scope="module")
def crowd(rollcall):
    """More agents at work without a session than are shown; the last by id has waited longest, and is the newest of the map."""
    agents = [f"c{number:03}" for number in reversed(range(AT_WORK))]
    for agent in reversed(agents):
        rollcall.add_agent(agent, team="crowd", with_instance=False)
    for agent in agents:
        rollcall.clock_in(agent)
    wait_until(lambda: need_count(rollcall, "crowd") == AT_WORK, what="the counts")
    return agents


def need_count(rollcall, team):
    return next((part["needs_somebody"] for part in rollcall.must("GET", "/v1/summary")["teams"] if part["team"] == team), 0)


def news(page):
    return page.driver.execute_script("return document.getElementById('news').textContent")


def keep_news(page):
    """Keeps every sentence that the live region says from now on."""
    page.driver.execute_script(
        """
        window.news = [];
        const place = document.getElementById("news");
        new MutationObserver(() => window.news.push(place.textContent)).observe(place, { childList: true, subtree: true });
        """
    )


def kept_news(page):
    return page.driver.execute_script("return window.news")


def test_beyond_fifty_those_are_shown_that_wait_longest_and_others_follow(rollcall, page, view_key, crowd):
    page.sign_in(view_key, "/?team=crowd")
    assert page.needs() == crowd[:50], "as the server shows them"
    page.wait_live()
    page.wait_loaded()
    assert page.needs() == crowd[:50], "as the script leaves them"
    assert page.count("needs_somebody") == AT_WORK
    assert page.find("#need-more").is_displayed()
    for agent in crowd[:3]:
        rollcall.clock_out(agent)
    page.wait(lambda: page.needs() == crowd[3:53], what="who waits next")
    page.wait(lambda: page.count("needs_somebody") == AT_WORK - 3)
    for agent in crowd[3:10]:
        rollcall.clock_out(agent)
    page.wait(lambda: page.needs() == crowd[10:60], what="all who are left")
    page.wait(lambda: not page.find("#need-more").is_displayed(), what="nobody more")


def test_a_page_of_a_list_is_live_too(rollcall, page, view_key):
    for number in range(105):
        rollcall.add_agent(f"page{number:03}", name=f"Person {number}", team="pages", with_instance=False)
    page.sign_in(view_key, "/?team=pages")
    page.wait_live()
    more = page.rollcall.must("GET", "/v1/agents?team=pages&limit=100")["next_cursor"]
    page.open(f"/?team=pages&cursor={more}")
    page.wait_live()
    rest = [f"page{number:03}" for number in range(100, 105)]
    assert page.agents() == rest
    page.mark()
    rollcall.clock_in("page102")
    page.wait_cell("page102", "shift", "on shift")
    page.wait(lambda: page.needs() == ["page102"], what="the card")
    rollcall.must("DELETE", "/v1/agents/page104")
    page.wait(lambda: page.agents() == rest[:-1], what="who is gone")
    rollcall.add_agent("page105", team="pages", with_instance=False)
    page.wait(lambda: page.count("agents") == 105, what="the count of the whole team")
    assert page.agents() == rest[:-1], "the page of a list stays one"
    assert page.is_marked()


def test_more_who_need_somebody_are_told_together_and_nobody_twice(rollcall, page, view_key):
    agents = [f"tell{number}" for number in range(8)]
    for agent in agents:
        rollcall.add_agent(agent, team="tell", with_instance=False)
    rollcall.clock_in(agents[0])
    wait_until(lambda: need_count(rollcall, "tell") == 1, what="the counts")
    page.sign_in(view_key, "/?team=tell")
    page.wait_live()
    page.wait_loaded()
    place = page.find("#news")
    assert place.get_attribute("role") == "status"
    keep_news(page)
    assert news(page) == "", "whoever needed somebody before is no news"
    # What changes nothing of that says nothing.
    rollcall.must("PUT", f"/v1/agents/{agents[0]}", {"name": "Renamed", "team": "tell"})
    page.wait_cell(agents[0], "name", "Renamed")
    for agent in agents[1:]:
        rollcall.clock_in(agent)
    page.wait(lambda: len(page.needs()) == 8)
    page.wait(lambda: told(page) == 7, 120, "all of them told of")
    assert 1 <= len(kept_news(page)) <= 4, kept_news(page)
    assert news(page).endswith("somebody.")
    rollcall.clock_out(agents[1])
    page.wait(lambda: len(page.needs()) == 7)
    rollcall.clock_in(agents[1])
    page.wait(lambda: len(page.needs()) == 8)
    rollcall.must("PUT", f"/v1/agents/{agents[2]}", {"name": "Again", "team": "tell"})
    page.wait_cell(agents[2], "name", "Again")
    one_more(rollcall, page, "tell8")
    assert told(page) == 8, "who came back is no news"
    # Nor is anybody after the stream begins anew.
    rollcall.stop_server()
    page.provoke("net::ERR_")
    try:
        page.wait(lambda: page.find("#live").get_attribute("data-state") != "live", what="the break")
    finally:
        rollcall.start_server()
    page.wait_live(60)
    page.wait(lambda: not page.find("#silence").is_displayed(), what="the end of the silence")
    page.wait_loaded()
    one_more(rollcall, page, "tell9")
    assert told(page) == 9, "nobody is told of twice"


def one_more(rollcall, page, agent):
    """Lets one more need somebody, and waits until that is told of: at the most a minute after the sentence before."""
    before = len(kept_news(page))
    rollcall.add_agent(agent, team="tell", with_instance=False)
    rollcall.clock_in(agent)
    page.wait(lambda: agent in page.needs())
    page.wait(lambda: len(kept_news(page)) > before, 90, f"{agent} told of")


def told(page):
    return sum(int(sentence.split()[0]) for sentence in kept_news(page))


def hear(page, scenario):
    """What is told, and after how many seconds, in a scenario of a clock of its own: `step(seconds, ids)` lets these need somebody.

    A third member says by how many seconds the clock is set back before.
    """
    return page.driver.execute_async_script(
        """
        const [scenario, done] = arguments;
        (async () => {
          const { tellNews } = await import(`${location.origin}/assets/news.js?apart`);
          const { exceptions } = await import(`${location.origin}/assets/row.js`);
          const [agreement] = exceptions;
          const place = document.getElementById("news");
          const [now, later] = [Date.now, window.setTimeout];
          let time = 0;
          let setBack = 0; // by how much that clock was set back
          let due = null;
          let shown = [];
          const said = [];
          Date.now = () => 1e12 + (time - setBack) * 1000;
          window.setTimeout = (work, pause) => (due = { work, at: time + pause / 1000 });
          place.replaceChildren = (node) => said.push([time, parseInt(node.textContent)]);
          const step = (seconds, ids) => {
            const end = time + seconds;
            while (due && due.at <= end) {
              time = due.at;
              const { work } = due;
              due = null;
              work();
            }
            time = end;
            shown = ids.map((id) => ({ agent_id: id, agreement }));
            tellNews(() => shown);
          };
          step(0, []);
          for (const [seconds, ids, back = 0] of scenario) {
            setBack += back;
            step(seconds, ids);
          }
          [Date.now, window.setTimeout] = [now, later];
          delete place.replaceChildren;
          return said;
        })().then(done, (error) => done(String(error)));
        """,
        scenario,
    )


def test_a_slow_outage_is_told_in_a_few_sentences(page, view_key):
    page.sign_in(view_key)
    page.wait_live()
    # One more each second for three minutes, and one more after a long time of quiet.
    slowly = [[1, [f"n{number}" for number in range(until + 1)]] for until in range(180)]
    crowd = slowly[-1][1]
    said = hear(page, slowly + [[300, crowd], [300, crowd], [1, crowd + ["late"]], [60, crowd + ["late"]]])
    assert [at for at, _ in said] == [4, 19, 79, 139, 199, 783], said
    assert sum(more for _, more in said) == 181


def test_a_clock_that_is_set_back_delays_no_word(page, view_key):
    page.sign_in(view_key)
    page.wait_live()
    said = hear(page, [[1, ["a"]], [30, ["a"]], [30, ["a"]], [10, ["a", "b"], 3600], [10, ["a", "b"]]])
    assert said == [[4, 1], [74, 1]], said


def test_who_comes_and_goes_is_told_of_once_in_some_minutes(page, view_key):
    page.sign_in(view_key)
    page.wait_live()
    flapping = [[10, ["flaps"] if number % 2 == 0 else []] for number in range(60)]
    said = hear(page, flapping + [[200, []], [60, ["flaps"]], [60, []], [60, []], [400, []], [1, ["flaps"]], [60, []]])
    assert said == [[13, 1], [1383, 1]], said


def team_row(page, team):
    script = "return [...document.querySelectorAll('#teams tr')].find((row) => row.dataset.team === arguments[0])?.innerText"
    return page.driver.execute_script(script, team)


def test_teams_that_come_and_agents_without_one_have_their_counts(rollcall, page, view_key):
    rollcall.add_agent("zz-team", team="zz-first", with_instance=False)
    page.sign_in(view_key)
    page.wait_live()
    page.wait_loaded()
    page.driver.execute_script("document.getElementById('teams-place').open = true")
    page.mark()
    rollcall.add_agent("alone-1", team="", with_instance=False)
    page.wait(lambda: "without a team" in (team_row(page, "") or ""), what="the row of who has no team")
    rollcall.add_agent("new-1", team="yy <b>new</b>", with_instance=False)
    page.wait(lambda: (team_row(page, "yy <b>new</b>") or "").split()[-4:] == ["1", "0", "0", "0"], what="the new team's row")
    names = page.driver.execute_script("return [...document.querySelectorAll('#teams tr')].map((row) => row.dataset.team)")
    assert names == sorted(names[:-1]) + [""]
    options = [option.text for option in page.driver.find_elements("css selector", "[name=team] option")]
    assert "yy <b>new</b>" in options and options[-1] == "without a team"
    rollcall.clock_in("new-1")
    page.wait(lambda: (team_row(page, "yy <b>new</b>") or "").split()[-4:] == ["1", "1", "0", "1"], what="its counts")
    assert page.is_marked()
    page.driver.execute_script("document.querySelector('#teams tr:last-child a').click()")
    page.wait(lambda: "no_team=true" in page.driver.current_url)
    page.wait_live()
    page.wait_loaded()
    assert page.agents() == ["alone-1"] and page.count("agents") == 1
    # The rest of the filter keeps that choice, and it can be left again.
    page.find('[name=shift] option[value="out"]').click()
    page.find("#filter button").click()
    page.wait(lambda: "shift=out" in page.driver.current_url)
    assert "no_team=true" in page.driver.current_url
    page.wait_loaded()
    assert page.agents() == ["alone-1"]
    rollcall.add_agent("alone-2", team="", with_instance=False)
    page.wait(lambda: page.agents() == ["alone-1", "alone-2"], what="one more without a team")
    page.find("[name=team] option").click()
    page.find("#filter button").click()
    page.wait(lambda: "no_team" not in page.driver.current_url)
    page.wait_loaded()
    assert len(page.agents()) > 2


def test_a_team_that_is_gone_loses_its_row_and_its_choice(rollcall, page, open_browser, view_key):
    rollcall.add_agent("gone-1", team="gone", with_instance=False)
    rollcall.add_agent("stays-1", team="stays", with_instance=False)
    page.sign_in(view_key)
    chosen = open_browser()
    chosen.sign_in(view_key, "/?team=gone")
    options = "return [...document.querySelectorAll('[name=team] option:not([hidden])')].map((option) => option.text)"
    for each in (page, chosen):
        each.wait_live()
        each.wait_loaded()
        each.driver.execute_script("document.getElementById('teams-place').open = true")
        assert team_row(each, "gone") and "gone" in each.driver.execute_script(options)
        each.mark()
    rollcall.must("DELETE", "/v1/agents/gone-1")
    for each in (page, chosen):
        each.wait(lambda: team_row(each, "gone") is None, what="the end of the row")
        assert team_row(each, "stays") and "stays" in each.driver.execute_script(options)
        assert each.is_marked()
    assert "gone" not in page.driver.execute_script(options)
    assert "gone" in chosen.driver.execute_script(options), "what is chosen stays until something else is"
