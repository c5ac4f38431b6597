"""What a page reads again by itself: which reading counts, and how soon the next one follows."""

import pytest


@pytest.fixture(scope="module", autouse=True)
def agents(rollcall):
    rollcall.add_agent("otto")


# The stream is the test's: it says what the test tells it to. So is the clock as far as it is noted what is waited for.
STREAM = """
  const ask = window.fetch;
  const later = window.setTimeout;
  let stream = null;
  window.delays = [];
  window.setTimeout = (what, delay, ...more) => {
    window.delays.push(delay);
    return later(what, delay, ...more);
  };
  window.tell = (name, data) => stream.enqueue(new TextEncoder().encode(`event: ${name}\\ndata: ${JSON.stringify(data)}\\n\\n`));
  window.fetch = (address, wish) => {
    if (!String(address).startsWith("/v1/stream")) return window.read(address, wish);
    return Promise.resolve(new Response(new ReadableStream({ start: (controller) => (stream = controller) })));
  };
"""
# The first reading of the list waits for the test; those after it may be refused.
OVERTAKEN = STREAM + """
  window.lists = 0;
  window.read = (address, wish) => {
    if (!String(address).startsWith("/v1/agents?")) return ask(address, wish);
    window.lists += 1;
    if (window.lists > 1) return window.isBroken ? Promise.resolve(new Response("", { status: 503 })) : ask(address, wish);
    return new Promise((give, refuse) => {
      window.give = () => give(new Response('{"items":[],"next_cursor":null}'));
      window.refuse = () => refuse(new TypeError("lost"));
    });
  };
"""
# The first reading of the page waits for the test.
HELD = STREAM + """
  window.rereads = 0;
  window.read = async (address, wish) => {
    if (!wish?.headers?.["X-Rollcall-Reread"]) return ask(address, wish);
    window.rereads += 1;
    if (window.rereads === 1) await new Promise((go) => (window.go = go));
    if (window.rereads === 2) window.waited = window.delays;
    window.delays = [];
    return ask(address, wish);
  };
"""


def then(page, value="null"):
    """What is so once all has happened that follows at once."""
    return page.run(f"return new Promise((give) => requestAnimationFrame(() => requestAnimationFrame(() => give({value}))))")


def begin(page):
    """Has the stream begin anew."""
    page.run("window.tell('reset', { as_of: new Date().toISOString() })")


def begin_twice(page, view_key, is_broken):
    """Has it begin anew while the list is read for the first time."""
    page.sign_in(view_key)
    page.before_scripts(OVERTAKEN)
    page.open()
    page.wait_live()
    page.run("window.isBroken = arguments[0]", is_broken)
    if page.run("return window.lists") == 0:  # else the page goes on from where it was read, and reads the list by itself
        begin(page)
    page.wait(lambda: page.run("return window.lists") == 1, what="the first reading")
    begin(page)
    page.wait(lambda: page.run("return window.lists") >= 2, what="the second reading")


def test_a_reading_that_was_overtaken_does_not_say_that_the_list_was_read(page, view_key):
    begin_twice(page, view_key, is_broken=True)
    page.wait(lambda: page.find("#unread").is_displayed(), what="the warning")
    page.run("window.give()")
    assert then(page, "!document.getElementById('unread').hidden")


def test_a_reading_that_was_overtaken_and_fails_is_not_tried_again(page, view_key):
    begin_twice(page, view_key, is_broken=False)
    page.wait_loaded()
    page.run("window.delays = []; window.refuse()")
    delays = then(page, "window.delays")
    assert not [each for each in delays if 2_000 <= each <= 4_000], delays
    assert page.run("return window.lists") == 2


def test_what_changes_while_the_page_is_read_is_read_a_tenth_of_a_second_later(page, view_key):
    page.sign_in(view_key)
    page.before_scripts(HELD)
    page.open("/agents/otto")
    page.wait_live()
    page.wait(lambda: page.run("return window.go !== undefined"), what="a reading")
    page.run("window.tell('agent', { agent_id: 'otto' })")
    then(page)
    page.run("window.go()")
    page.wait(lambda: page.run("return window.rereads") >= 2, what="the next reading")
    waited = page.run("return window.waited")
    assert 100 in waited and max(waited) <= 100, waited


def test_an_open_page_stays_in_its_language_and_leaves_the_choice_to_others(page, view_key):
    page.sign_in(view_key, "/sources?lang=en")
    page.wait_live()
    # As another tab does that changes the language.
    page.driver.add_cookie({"name": "rollcall_lang", "value": "es", "path": "/"})
    page.count_rereads()
    page.wait_rereads(2)
    assert "Came today" in page.text(".sources thead") and "The figures were counted" in page.text("#counted")
    assert page.driver.get_cookie("rollcall_lang")["value"] == "es"
    page.open("/sources")
    page.wait_live()
    page.driver.add_cookie({"name": "rollcall_lang", "value": "en", "path": "/"})
    page.count_rereads()
    page.wait_rereads(2)
    assert "Las cifras se contaron" in page.text("#counted"), "also where nothing in the address says so"
