import pytest

LOST = "net::ERR_"  # what the console says of a connection that broke or was refused


@pytest.fixture(scope="module", autouse=True)
def agents(rollcall):
    rollcall.add_agent("olga")
    rollcall.add_agent("otto")
    rollcall.clock_in("olga")
    rollcall.wait_for("olga", observed="WORKING", condition="converged")


@pytest.mark.parametrize("mode", ["503", "hang"])
def test_what_cannot_be_read_any_more_is_shown_as_old(rollcall, page, view_key, mode):
    page.sign_in(view_key)
    page.wait_live()
    page.wait_cell("olga", "observed", "running")
    page.wait_agreement("olga", "fine")
    rollcall.fault("outage", mode=mode)
    try:
        page.wait_agreement("olga", "here_unsure")
        page.wait_cell("olga", "observed", "last seen: running")
        assert "The engine's turn" in page.text('.need[data-agent="olga"]')
        assert page.find(page.row("olga")).get_attribute("data-stale") == "true"
        assert "too old to be believed" in page.cell("olga", "reason")
        page.wait(lambda: page.count("unknown") == 2 and page.count("converged") == 0, what="the counts")
        page.open("/agents/olga")
        page.wait_text("#observed", "last seen: running")
        page.wait_text("#agreement", "here, not known")
        page.open()
        page.shoot(f"stale-{mode}")
    finally:
        rollcall.mend()
    page.wait(lambda: page.cell("olga", "observed") == "running", 90, "the end of the outage")
    page.wait_agreement("olga", "fine")
    page.wait(lambda: page.count("unknown") == 0, what="the counts")


def test_an_engine_that_is_away_is_named_and_what_was_seen_ages_until_it_is_back(rollcall, page, view_key):
    page.sign_in(view_key)
    page.wait_live()
    assert not page.has("#incidents .incident")
    rollcall.fault("outage", mode="503")
    try:
        page.wait(lambda: page.has("#incidents .incident"), what="the incident")
        assert "Engine main: no call to it succeeds" in page.text("#incidents .incident")
        assert "The engine's turn: whoever runs it has to look at it." in page.text("#incidents .incident")
        # One banner says it; the line that is spoken stays for who listens.
        line = "#pulse [data-name=main]"
        page.wait(lambda: "hidden" in page.find(line).get_attribute("class").split(), what="one banner")
        assert page.run("return getComputedStyle(document.querySelector(arguments[0])).clipPath", line) == "inset(50%)"
        assert "Engine main has not answered since" in page.text("#pulse")
        page.wait(lambda: age(page) >= 8, what="an age that counts up")
    finally:
        rollcall.mend()
    page.wait(lambda: not page.has("#incidents .incident"), 60, "the end of the incident")
    page.wait(lambda: age(page) <= 4, what="a fresh look")


def age(page):
    """How many seconds ago the session was seen."""
    number, unit = page.cell("olga", "as_of").split()[:2]
    assert unit == "s"
    return int(number)


@pytest.mark.parametrize("end", ["stop_server", "kill_server"])
def test_a_page_whose_server_ends_says_so_and_finds_it_again(rollcall, page, view_key, end):
    page.provoke(LOST)
    page.sign_in(view_key)
    page.wait_live()
    page.mark()
    assert not page.find("#silence").is_displayed()
    before = sorted(page.agents())
    getattr(rollcall, end)()
    try:
        page.wait(lambda: page.find("#live").get_attribute("data-state") != "live", what="the break")
        page.wait(lambda: page.find("#silence").is_displayed(), what="the warning")
        assert "may not be true any more" in page.text("#silence")
        page.wait(page.is_grey, what="the grey")
        page.shoot(end)
    finally:
        rollcall.start_server()
    page.wait_live(60)
    page.wait(lambda: not page.find("#silence").is_displayed(), what="the end of the warning")
    page.wait(lambda: not page.is_grey(), what="the colours")
    page.wait(lambda: sorted(page.agents()) == before, what="every row once")
    rollcall.add_agent(f"after-{end}", with_instance=False)
    page.wait(lambda: f"after-{end}" in page.agents())
    page.wait(lambda: page.cell("olga", "observed") == "running")
    assert len(page.agents()) == len(set(page.agents())) == len(before) + 1
    page.wait(lambda: page.count("agents") == len(before) + 1, what="the counts")
    assert page.is_marked()


# Notes what the page asks for, and cuts its stream off where the test says so: the server lives, and so does the page.
CUT = """
  const ask = window.fetch;
  window.streams = []; // after which event each stream goes on
  window.reads = []; // what else is asked for that tells who there is
  window.isAway = false;
  window.fetch = (address, wish) => {
    const path = String(address).replace(location.origin, "");
    if (path.startsWith("/v1/agents?") || wish?.headers?.["X-Rollcall-Reread"]) window.reads.push(path);
    if (!path.startsWith("/v1/stream?")) return ask(address, wish);
    if (window.isAway) return Promise.reject(new TypeError("cut off"));
    window.streams.push(wish.headers["Last-Event-ID"] ?? null);
    window.cut = new AbortController();
    return ask(address, { ...wish, signal: AbortSignal.any([wish.signal, window.cut.signal]) });
  };
"""


def test_a_stream_that_breaks_off_goes_on_where_it_was_and_nothing_is_read_anew(rollcall, page, view_key):
    rollcall.add_agent("cut-off", with_instance=False)
    page.before_scripts(CUT)
    page.sign_in(view_key)
    page.wait_live()
    page.wait_loaded()
    page.wait(lambda: "cut-off" in page.agents())
    page.wait(lambda: page.count("agents") == len(page.agents()), what="the counts")
    before = page.agents()
    streams, reads = page.run("return [window.streams, window.reads]")
    assert streams == [None] and any(path.startswith("/v1/agents?") for path in reads), "the first stream begins anew"
    page.record("cut-off", "shift")
    page.run("window.isAway = true; window.cut.abort()")
    page.wait(lambda: page.find("#live").get_attribute("data-state") == "connecting", what="the break")
    rollcall.clock_in("cut-off")
    rollcall.add_agent("meanwhile", with_instance=False)
    rollcall.wait_for("cut-off", shift="in")
    assert "meanwhile" not in page.agents() and len(page.recorded()) == 1
    page.run("window.isAway = false")
    page.wait_live()
    page.wait(lambda: "meanwhile" in page.agents(), what="who came meanwhile")
    page.wait_agreement("cut-off", "here_unmapped")
    streams, later = page.run("return [window.streams, window.reads]")
    assert len(streams) == 2 and streams[1] is not None and streams[1].count("-") == 1, streams
    assert later == reads, "neither the list nor the page is read again"
    assert sorted(page.agents()) == sorted([*before, "meanwhile"]), "every row once"
    page.wait(lambda: page.count("agents") == len(before) + 1, what="the counts")
    texts = page.recorded()
    assert len(texts) == 2 and texts[1].startswith("on shift"), texts
    rollcall.clock_out("cut-off")
    page.wait_agreement("cut-off", "unmapped")


def test_a_page_that_hears_nothing_says_so_and_turns_grey(rollcall, page, view_key):
    page.sign_in(view_key)
    page.wait_live()
    assert not page.find("#silence").is_displayed()
    waited = silence(rollcall, page)
    try:
        assert waited < 10, "within ten seconds"
        assert "may not be true any more" in page.text("#silence")
        frame = "const look = getComputedStyle(document.getElementById('fleet')); return [look.outlineStyle, parseFloat(look.outlineOffset)]"
        style, room = page.run(frame)
        assert style == "dashed" and room >= 4, "it does not cut through what stands at the edge"
        page.shoot("silent")
    finally:
        rollcall.thaw()
    page.wait(lambda: not page.find("#silence").is_displayed(), what="the end of the silence")
    page.wait_live()
    page.wait(lambda: not page.is_grey(), what="the colours")


def test_a_database_that_hangs_greys_the_page_and_is_named(rollcall, page, view_key):
    page.sign_in(view_key)
    page.wait_live()
    assert not page.find("#silence").is_displayed()
    before = sorted(page.agents())
    start_silence_clock(page)
    page.provoke("status of 503")  # what it asks for meanwhile
    rollcall.freeze_database()
    try:
        waited = page.wait_clock("the warning and the grey")
        assert waited < 10, "within ten seconds"
        # The server is there, and says what it lacks.
        assert "Rollcall cannot read its database. Nothing has been heard since" in page.text("#silence")
        assert page.find("#live").get_attribute("data-state") == "silent"
        page.shoot("database-hangs")
    finally:
        rollcall.thaw_database()
    page.wait(lambda: not page.find("#silence").is_displayed(), 60, "the end of the silence")
    page.wait_live(60)
    page.wait(lambda: not page.is_grey(), what="the colours")
    rollcall.add_agent("after-the-hang", with_instance=False)
    page.wait(lambda: sorted(page.agents()) == sorted([*before, "after-the-hang"]), 60, "what happens from then on, every row once")


@pytest.mark.parametrize("path, view", [("/agents/olga", "agent"), ("/sources", "sources"), ("/stats", "stats"), ("/unmatched", "unmatched")])
def test_every_page_that_hears_nothing_says_so(rollcall, page, view_key, path, view):
    page.sign_in(view_key, path)
    page.wait_live()
    waited = silence(rollcall, page, view)
    rollcall.thaw()
    assert waited < 10, "within ten seconds"
    page.wait(lambda: not page.find("#silence").is_displayed(), what="the end of the silence")
    page.wait(lambda: not page.is_grey(view), what="the colours")


def silence(rollcall, page, view="fleet"):
    """Freezes the server; gives the seconds until the page says so and is grey."""
    start_silence_clock(page, view)
    rollcall.freeze()
    try:
        return page.wait_clock("the warning and the grey")
    except BaseException:
        rollcall.thaw()
        raise


def start_silence_clock(page, view="fleet"):
    """Starts a clock that runs until the page says that it hears nothing, and is grey."""
    shown = f"getComputedStyle(document.getElementById('{view}')).filter.includes('grayscale(1)')"
    page.start_clock(f"!document.getElementById('silence').hidden && {shown}")


@pytest.mark.parametrize("how", ["refused", "hang"])
@pytest.mark.parametrize("path, view", [("/agents/olga", "agent"), ("/sources", "sources"), ("/unmatched", "unmatched")])
def test_a_page_that_cannot_be_read_again_says_so_although_it_is_live(page, view_key, path, view, how):
    page.sign_in(view_key, path)
    page.wait_live()
    assert not page.find("#unread").is_displayed()
    # The stream goes on; only the page itself is not to be had.
    page.driver.execute_script(
        """
        const ask = window.fetch;
        window.broken = arguments[0];
        // By the page's own clock, less what this machine keeps the page waiting for.
        const began = performance.now();
        let lastTick = began;
        let lag = 0;
        const ticking = setInterval(() => {
          lag += Math.max(0, performance.now() - lastTick - 100);
          lastTick = performance.now();
        }, 100);
        const place = document.getElementById("unread");
        new MutationObserver(() => {
          if (place.hidden || window.waited) return;
          clearInterval(ticking);
          window.waited = (performance.now() - began - lag) / 1000;
        }).observe(place, { attributes: true });
        window.fetch = (address, wish) => {
          if (!window.broken || !wish?.headers?.["X-Rollcall-Reread"]) return ask(address, wish);
          if (window.broken === "refused") return Promise.resolve(new Response("", { status: 503 }));
          return new Promise((_, refuse) => wish.signal.addEventListener("abort", () => refuse(wish.signal.reason)));
        };
        """,
        how,
    )
    page.wait(lambda: page.find("#unread").is_displayed(), 30, "the warning")
    assert "could not be read again" in page.text("#unread")
    page.wait(lambda: page.is_grey(view), what="the grey")
    assert page.find("#live").get_attribute("data-state") == "live"
    assert page.driver.execute_script("return window.waited") < 10
    page.driver.execute_script("window.broken = null")
    page.wait(lambda: not page.find("#unread").is_displayed(), what="the end of it")
    assert not page.is_grey(view)


@pytest.mark.parametrize("mode", ["503", "hang"])
def test_an_engine_that_falls_silent_greys_its_sessions_and_the_counts_and_nothing_else(rollcall, page, view_key, mode):
    page.sign_in(view_key)
    page.wait_live()
    page.wait_agreement("olga", "fine")
    row = """document.querySelector('tr[data-agent="olga"]')"""
    page.start_clock(f"{row}.dataset.uncertain === 'true' && getComputedStyle({row}).filter.includes('grayscale(1)')")
    rollcall.fault("outage", mode=mode)
    try:
        waited = page.wait_clock("the grey")
        page.wait_text("#pulse", "Engine main has not answered since")
        assert page.is_grey("counts") and not page.find("#calm").is_displayed(), "nobody knows how many can work"
        assert not page.is_grey(), "the page itself is live"
        assert not page.find("#silence").is_displayed()
        page.shoot(f"engine-silent-{mode}")
    finally:
        rollcall.mend()
    page.wait(lambda: page.text("#pulse") == "", 90, "the end of the silence")
    assert page.find(page.row("olga")).get_attribute("data-uncertain") == "false"
    assert waited < 10, "within ten seconds"
    page.wait_agreement("olga", "fine", 60)
    page.wait(lambda: page.find("#calm").is_displayed(), what="calm")
    assert not page.is_grey("counts")


def test_an_outage_is_told_once_and_not_every_second_to_who_listens(rollcall, page, view_key):
    page.sign_in(view_key)
    page.wait_live()
    page.wait_agreement("olga", "fine", 60)
    page.run(
        """
        const place = document.getElementById("pulse");
        window.said = [];
        new MutationObserver(() => {
          window.said.push(place.textContent);
          window.saidAt ??= performance.now();
        }).observe(place, { childList: true, characterData: true, subtree: true });
        """
    )
    rollcall.fault("outage", mode="503")
    try:
        page.wait(lambda: page.run("return performance.now() - window.saidAt > 5000"), 60, "five seconds of the outage")
        said = page.run("return window.said")
    finally:
        rollcall.mend()
    assert len(said) == 1 and "Engine main has not answered since" in said[0], said
    page.wait(lambda: page.text("#pulse") == "", 90, "the end of the silence")
