import urllib.request

import pytest


@pytest.fixture(scope="module", autouse=True)
def team(rollcall):
    rollcall.add_agent("s1", team="red")
    rollcall.add_agent("s2", team="blue")


def test_a_wrong_key_is_refused_and_the_person_is_told(page):
    page.provoke("401")
    page.open()
    page.type_key("rk_this_is_no_key")
    page.wait_text("#refusal", "no valid key")
    assert not page.has("#rows")
    assert "s1" not in page.driver.page_source
    assert page.driver.get_cookie("rollcall_session") is None


def test_who_signs_in_sees_the_table_and_who_signs_out_does_not(page, view_key):
    page.sign_in(view_key)
    page.wait(lambda: page.agents() == ["s1", "s2"])
    page.find("#sign-out button").click()
    page.wait(lambda: page.has("#key"))
    page.open("/agents/s1")
    assert page.has("#key")


def test_the_cookie_is_out_of_the_script_s_reach_and_no_secret_is_where_it_can_be_read(page, manage_key):
    page.sign_in(manage_key, "/agents/s1")
    page.wait_live()
    assert page.driver.execute_script("return document.cookie") == ""
    cookie = page.driver.get_cookie("rollcall_session")
    assert cookie["httpOnly"] and cookie["sameSite"] == "Strict"
    assert cookie["path"] == "/"
    source = page.driver.page_source
    addresses = page.driver.execute_script("return performance.getEntries().map((entry) => entry.name).join() + location")
    stored = page.driver.execute_script("return JSON.stringify([localStorage, sessionStorage, history.state])")
    for secret in (manage_key, cookie["value"]):
        for place in (source, addresses, stored):
            assert secret not in place
    assert "wawp-s1" not in source


def test_every_answer_says_what_a_browser_may_run(rollcall):
    for path in ("/", "/agents/s1", "/assets/page.css", "/assets/fleet.js"):
        with urllib.request.urlopen(rollcall.address + path) as answer:
            policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy and "script-src 'self'" in policy
        assert "unsafe" not in policy and "http" not in policy


def test_a_key_of_a_team_shows_that_team_alone(rollcall, page):
    page.provoke("404")
    page.sign_in(rollcall.key("view", teams=["red"])["key"])
    page.wait_live()
    assert page.agents() == ["s1"]
    assert page.count("agents") == 1
    teams = [option.text for option in page.driver.find_elements("css selector", "[name=team] option:not([hidden])")]
    assert teams == ["all", "red"]
    # What happens in other teams does not come by the stream either.
    rollcall.add_agent("s3", team="blue", with_instance=False)
    rollcall.add_agent("s4", team="red", with_instance=False)
    page.wait(lambda: "s4" in page.agents())
    page.wait(lambda: page.count("agents") == 2)
    assert set(page.agents()) == {"s1", "s4"}
    rollcall.must("PUT", "/v1/agents/s4", {"team": "blue"})
    page.wait(lambda: page.agents() == ["s1"])
    page.open("/?team=blue")
    page.wait_live()
    assert page.agents() == []
    page.open("/agents/s2")
    assert "Agent s2" not in page.driver.page_source
    assert page.text("h1") == "There is no such thing."


def test_without_script_one_can_sign_in_look_and_sign_out(open_browser, view_key):
    page = open_browser(script=False)
    page.sign_in(view_key)
    assert {"s1", "s2"} <= set(page.agents_without_script())
    assert "does not follow" in page.find("noscript").text
    assert view_key not in page.driver.current_url
    page.find("#sign-out button").click()
    page.wait(lambda: page.has("#key"))


def test_who_signs_out_everywhere_is_out_in_every_browser(open_browser, rollcall):
    key = rollcall.key("view")["key"]
    here, there = open_browser(), open_browser()
    for page in (here, there):
        page.provoke("401")
        page.sign_in(key)
        page.wait_live()
    here.find("#sign-out-everywhere button").click()
    here.wait(lambda: here.has("#key"), what="the sign-in")
    wait_signed_out(there)
    there.find("#signed-out a").click()
    there.wait(lambda: there.has("#key"), what="the sign-in in the other browser")
    # The key itself goes on.
    there.sign_in(key)


def test_a_refusal_without_script_speaks_the_reader_s_language(open_browser):
    page = open_browser(script=False)
    page.provoke("401")
    page.open("/?lang=es")
    page.type_key("rk_nobody_has_this_key")
    page.wait(lambda: "clave válida" in page.find("#refusal").text, what="the refusal")
    assert page.find("html").get_attribute("lang") == "es"
    assert page.find(".languages a[lang=ar]").get_attribute("href").endswith("/?lang=ar")


def test_who_was_refused_by_the_plain_form_signs_in_with_another_key(page, view_key):
    page.provoke("401")
    page.open()
    page.find("#key").send_keys("rk_nobody_has_this_key")
    # As it is sent before the script is there.
    page.run("document.getElementById('sign-in').submit()")
    page.wait(lambda: page.driver.current_url.endswith("/session") and "no valid key" in page.text("#refusal"), what="the refusal")
    page.wait(lambda: page.run("return document.readyState") == "complete", what="the script")
    page.type_key(view_key)
    page.wait(lambda: page.has("#sign-out"), what="the sign-in")
    assert page.driver.current_url == f"{page.rollcall.address}/"


def test_a_revoked_key_ends_what_is_open(rollcall, page):
    page.provoke("401")
    key = rollcall.key("view")
    page.sign_in(key["key"])
    page.wait_live()
    rollcall.must("DELETE", f"/v1/keys/{key['id']}")
    wait_signed_out(page)
    page.find("#signed-out a").click()
    page.wait(lambda: page.has("#key"), what="the sign-in")


def wait_signed_out(page):
    """Waits until a page that is open says that it is signed out, with nothing else left to see."""
    page.wait(lambda: page.has("#signed-out"), what="the word that it is over")
    assert "You are signed out" in page.text("#signed-out")
    assert page.find("#signed-out").get_attribute("role") == "alert"
    assert page.driver.execute_script("return document.activeElement.matches('#signed-out h1')")
    assert not page.driver.execute_script("return [...document.querySelectorAll('#rows tr, #live')].some((each) => each.checkVisibility())")
    assert page.driver.execute_script("return [...document.getElementById('main').children].map((each) => each.id)") == ["signed-out"]


def test_a_list_that_could_not_be_read_is_not_asked_for_again_once_the_sign_in_is_over(rollcall, page):
    page.provoke("401")
    page.before_scripts(
        """
        window.asked = 0;
        const ask = window.fetch;
        window.fetch = (address, wish) => {
          if (!String(address).startsWith("/v1/agents?")) return ask(address, wish);
          window.asked += 1;
          return Promise.reject(new TypeError("away"));
        };
        """
    )
    key = rollcall.key("view")
    page.sign_in(key["key"])
    page.wait_live()
    rollcall.must("DELETE", f"/v1/keys/{key['id']}")
    wait_signed_out(page)
    asked = page.driver.execute_script("return window.asked")
    page.driver.execute_async_script("setTimeout(arguments[0], 5000)")
    assert asked > 0 and page.driver.execute_script("return window.asked") == asked


@pytest.mark.parametrize("path", ["/", "/agents/s1", "/sources", "/stats", "/unmatched"])
def test_every_page_says_that_the_sign_in_is_over_and_asks_for_nothing_more(rollcall, page, path):
    page.provoke("401")
    key = rollcall.key("view")
    page.sign_in(key["key"], path)
    page.wait_live()
    rollcall.must("DELETE", f"/v1/keys/{key['id']}")
    wait_signed_out(page)
    over = page.run("return performance.now()")
    # As long as the slowest of what a page asks for by itself in a hurry; a loop would show at once.
    page.driver.execute_async_script("setTimeout(arguments[0], 6000)")
    # What had been asked for before is answered when it is.
    asked = "return performance.getEntriesByType('resource').filter((entry) => entry.startTime > arguments[0]).map((entry) => entry.name)"
    assert page.run(asked, over) == []
    page.find("#signed-out a").click()
    page.wait(lambda: page.has("#key"), what="the sign-in")
    assert page.driver.current_url.endswith(path)


def test_whoever_uses_the_page_keeps_the_sign_in(page, view_key):
    page.sign_in(view_key)
    page.wait_live()
    page.driver.execute_script(
        """
        window.said = [];
        const ask = window.fetch;
        window.fetch = (address, wish) => {
          if (wish?.method === "PUT") window.said.push(address);
          return ask(address, wish);
        };
        const now = Date.now;
        Date.now = () => now() + (window.ahead ?? 0);
        """
    )
    page.find("h1").click()
    assert page.driver.execute_script("return window.said") == [], "opening the page said so already"
    page.driver.execute_script("window.ahead = 301_000")
    page.find("h1").click()
    page.wait(lambda: page.driver.execute_script("return window.said") == ["/session"], what="the word that somebody is there")
    page.find("h1").click()
    assert page.driver.execute_script("return window.said") == ["/session"], "once in five minutes"


@pytest.mark.parametrize("path", ["/", "/agents/s9"])
def test_a_sign_in_that_is_over_leaves_nobody_in_the_page_or_its_script(rollcall, page, path):
    page.provoke("401")
    rollcall.add_agent("s9", name="Zyxgrid Quux", team="violet")
    key = rollcall.key("view")
    page.sign_in(key["key"], path)
    page.wait_live()
    if path == "/":
        page.wait_loaded()
        page.driver.execute_async_script(
            """
            const done = arguments[0];
            import(`${location.origin}/assets/roster.js`).then(({ Roster }) => {
              const draw = Roster.prototype.draw;
              Roster.prototype.draw = function (mustFill) {
                window.roster = this;
                return draw.call(this, mustFill);
              };
              for (const name of ["beforeprint", "afterprint"]) window.dispatchEvent(new Event(name));
              done();
            });
            """
        )
        assert page.driver.execute_script("return window.roster.agents.size + window.roster.rows.size") >= 2
    assert "Zyxgrid" in page.driver.page_source
    rollcall.must("DELETE", f"/v1/keys/{key['id']}")
    wait_signed_out(page)
    assert "Zyxgrid" not in page.driver.page_source and "violet" not in page.driver.page_source
    assert page.driver.title == "Rollcall"
    # Whatever a person does now meets a script that has nothing and fails at nothing.
    page.driver.execute_script(
        """
        for (const name of ["resize", "beforeprint", "afterprint", "pageshow"]) window.dispatchEvent(new Event(name));
        for (const name of ["scroll", "visibilitychange"]) document.dispatchEvent(new Event(name));
        document.dispatchEvent(new KeyboardEvent("keydown", { key: "/", bubbles: true }));
        """
    )
    if path == "/":
        held = "const { agents, sorted, rows, body } = window.roster; return agents.size + sorted.length + rows.size + body.rows.length"
        assert page.driver.execute_script(held) == 0
    page.driver.execute_async_script("setTimeout(arguments[0], 1500)")  # as long as a page's own clocks take to strike
