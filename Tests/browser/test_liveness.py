"""What a page takes for a sign of life, how it comes back, and that it says so where its scripts or its release are not what they should be."""

import pytest
from told_stream import asked, streamed

LOST = "net::ERR_"  # what the console says of a connection that broke or was refused


@pytest.fixture(scope="module", autouse=True)
def agents(rollcall):
    rollcall.add_agent("olga")


def is_silent(page):
    return page.find("#silence").is_displayed()


# A sign of life


def test_a_connection_that_dies_while_the_database_is_away_is_made_anew(streamed):
    page = streamed()
    page.run("window.say(': waiting')")
    page.wait(lambda: is_silent(page), what="the warning")
    assert "cannot read its database" in page.text("#silence")
    # Not a word comes any more, and nothing says that the connection is gone.
    page.wait(lambda: len(page.run("return window.streams")) == 2, 40, "another connection")
    page.wait(lambda: not is_silent(page), what="the end of the warning")
    page.wait_live()


def test_a_connection_on_which_the_server_waits_for_its_database_is_kept(streamed):
    page = streamed()
    page.run("setInterval(() => window.say(': waiting'), 1000)")
    page.wait(lambda: page.run("return performance.now() - window.streams[0] > 16_000"), 40, "more time than a dead one is given")
    assert is_silent(page) and "cannot read its database" in page.text("#silence")
    assert len(page.run("return window.streams")) == 1


@pytest.mark.parametrize("words, text", [("null", "no connection"), ("window.say(': waiting')", "cannot read its database")])
def test_events_do_not_hide_that_the_signs_of_life_stopped(streamed, words, text):
    page = streamed()
    page.run(f"setInterval(() => {{ window.tell('pulse', {{ engines: [] }}); {words}; }}, 200)")
    page.wait(lambda: is_silent(page), 20, "the warning")
    assert text in page.text("#silence")
    changes = page.run(
        """
        const changes = [];
        const state = document.getElementById("live");
        new MutationObserver(() => changes.push(state.dataset.state)).observe(state, { attributes: true });
        return new Promise((give) => setTimeout(() => give(changes), 1500));
        """
    )
    assert is_silent(page) and changes == [], "it is said once, and stays"
    assert len(page.run("return window.streams")) == 1, "there is a connection"
    page.run("window.alive()")
    page.wait(lambda: not is_silent(page), 3, "the end of the warning")


# A clock that is set back


def test_a_clock_that_is_set_back_delays_neither_the_warning_nor_a_reading(streamed):
    page = streamed("/agents/olga")
    page.run("window.ahead = -3_600_000; window.asked = []; window.opening = null")
    page.wait(lambda: is_silent(page), 5, "the warning")
    page.wait(lambda: asked(page, page.run("return location.href")), 5, "a reading")
    page.wait(lambda: len(page.run("return window.streams")) == 2, 5, "another connection")
    page.run("window.alive()")
    page.wait(lambda: not is_silent(page), what="the end of the warning")
    page.run("window.asked = []")
    page.wait(lambda: asked(page, page.run("return location.href")), 10, "a reading as often as before")


# Coming back


def test_a_page_whose_reset_fails_comes_back_less_and_less_often(streamed):
    page = streamed()
    page.run(
        """
        window.refused = location.href;
        window.opening = () => {
          window.alive();
          window.tell("reset");
        };
        window.streams = [];
        window.opening();
        """
    )
    page.wait(lambda: len(page.run("return window.streams")) >= 4, 40, "four tries")
    streams = page.run("return window.streams")
    waits = [later - before for before, later in zip(streams, streams[1:])]
    assert waits[0] >= 700 and waits[2] >= 2_900, waits
    page.run("window.refused = null")
    page.wait(lambda: not page.find("#unread").is_displayed(), 30, "the reading that works")
    page.wait_live()


def test_a_list_that_breaks_off_goes_on_where_it_was(rollcall, page, view_key):
    for number in range(3):
        rollcall.add_agent(f"part-{number}", team="parts", with_instance=False)
    # The server's list, an agent at a time; the second part is refused once.
    cut = """
      const ask = window.fetch;
      window.lists = [];
      window.fetch = async (address, wish) => {
        if (!String(address).startsWith("/v1/agents?")) return ask(address, wish);
        const place = new URL(address, location.origin);
        const cursor = place.searchParams.get("cursor");
        window.lists.push(cursor);
        if (cursor && window.lists.length === 2) return new Response("", { status: 503 });
        place.searchParams.set("limit", "1");
        return ask(place.pathname + place.search, wish);
      };
    """
    page.sign_in(view_key)
    page.before_scripts(cut)
    page.open("/?team=parts")
    page.wait(lambda: sorted(page.agents()) == ["part-0", "part-1", "part-2"] and page.find("#agents").get_attribute("aria-rowcount") == "4")
    lists = page.run("return window.lists")
    assert lists[0] is None and lists[1] == lists[2] is not None and lists.count(None) == 1, lists


# Scripts that do not come


@pytest.mark.parametrize("motion", ["no-preference", "reduce"])
def test_a_page_of_which_a_script_is_missing_says_so_by_itself(page, view_key, motion):
    page.provoke(LOST)
    page.sign_in(view_key)
    page.wait_live()
    assert not page.has("#stalled"), "what runs takes it away"
    features = [{"name": "prefers-reduced-motion", "value": motion}]
    page.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
    page.driver.execute_cdp_cmd("Network.enable", {})
    page.driver.execute_cdp_cmd("Network.clearBrowserCache", {})
    page.driver.execute_cdp_cmd("Network.setBlockedURLs", {"urls": ["*/assets/heights.js*"]})
    page.open()
    assert not page.find("#stalled").is_displayed(), "it may be on its way"
    page.wait(lambda: page.find("#stalled").is_displayed(), 20, "the word that the page stands still")
    assert "could not be loaded, so it does not follow what happens" in page.text("#stalled")
    assert page.find("#live").get_attribute("data-state") == "connecting"
    page.shoot(f"stalled-{motion}")
    page.driver.execute_cdp_cmd("Network.setBlockedURLs", {"urls": []})
    page.click("#stalled a")
    page.wait_live()
    assert not page.has("#stalled")


def test_who_runs_no_script_is_told_that_and_nothing_else(open_browser, view_key):
    page = open_browser(script=False)
    page.sign_in(view_key)
    assert page.find("noscript p").is_displayed()
    assert page.find("#stalled").value_of_css_property("display") == "none"


# Another release

# A page that is open for long enough to be loaded anew.
OLD = "const now = performance.now.bind(performance); performance.now = () => now() + 60_000;"


@pytest.mark.parametrize("path", ["/", "/agents/olga", "/sources"])
def test_a_page_that_another_release_answers_is_loaded_anew(page, view_key, path):
    page.before_scripts(OLD)
    page.sign_in(view_key, path)
    page.wait_live()
    build = page.run("return document.body.dataset.build")
    page.mark()
    page.run("document.body.dataset.build = 'another'")
    page.wait(lambda: not page.is_marked(), 40, "the page being loaded anew")
    page.wait_live()
    assert page.run("return document.body.dataset.build") == build
    # Of one release it stays as it is.
    page.mark()
    page.count_rereads()
    if path != "/":
        page.wait_rereads(2)
        page.run("return new Promise((go) => setTimeout(go, 6000))")
    assert page.is_marked()


@pytest.mark.parametrize(
    "begin, end",
    [
        ("document.getElementById('sure').showModal()", "document.getElementById('sure').close()"),
        (
            "document.getElementById('holding').open = true; document.querySelector('#hold [name=reason]').value = 'a word'",
            "document.querySelector('#hold [name=reason]').value = ''; document.getElementById('holding').open = false",
        ),
        ("document.getElementById('timeline-table').open = true", "document.getElementById('timeline-table').open = false"),
        (
            "document.getElementById('timeline-table').open = true",
            "const now = performance.now.bind(performance); performance.now = () => now() + 300_000",
        ),
    ],
    ids=["a question", "a form", "an open table", "an open table, for five minutes"],
)
def test_nobody_loses_what_they_are_at_to_another_release(page, manage_key, begin, end):
    page.before_scripts(OLD)
    page.sign_in(manage_key, "/agents/olga")
    page.wait_live()
    page.mark()
    page.run(begin)
    page.run("document.body.dataset.build = 'another'")
    page.wait(lambda: page.run("return document.body.dataset.renews") == "true", 30, "the page knowing of it")
    page.run("return new Promise((go) => setTimeout(go, 2_000))")
    loaded = "return performance.getEntriesByType('resource').filter((each) => each.name.includes('/assets/release.js')).length"
    once = page.run(loaded)
    page.run("return new Promise((go) => setTimeout(go, 12_000))")
    assert page.is_marked() and page.run(loaded) == once, "not with every answer"
    page.run(end)
    page.wait(lambda: not page.is_marked(), 30, "the page being loaded anew")
    page.wait_live()
