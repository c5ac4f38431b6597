"""The picture of an agent's day, and the same as a table."""

import datetime

import pytest

import story


@pytest.fixture(scope="module", autouse=True)
def day(rollcall):
    rollcall.add_agent("tina", name="Tina", team="day")
    rollcall.must("PUT", "/v1/agents/tina", {"name": "Tina", "team": "day", "time_zone": "Asia/Kolkata", "instance": instance()})
    for kind, minutes in (("clock-in", 150), ("break-start", 90), ("break-end", 60)):
        at = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(minutes=minutes)
        rollcall.must("POST", f"/v1/agents/tina/{kind}", {"occurred_at": at.isoformat()})
    rollcall.wait_for("tina", observed="WORKING", condition="converged")
    story.hold(rollcall, "tina", "running")


def instance():
    return {"engine": "main", "instance_id": "I-tina", "session_name": "wawp-tina"}


def bars(page, lane):
    script = """
        return [...document.querySelectorAll(`[data-lane=${arguments[0]}] rect`)]
          .map((bar) => [bar.getAttribute("class"), Number(bar.getAttribute("x")), Number(bar.getAttribute("width"))])"""
    return page.driver.execute_script(script, lane)


def lines(page):
    page.driver.execute_script("document.getElementById('timeline-table').open = true")
    script = "return [...document.querySelectorAll('#timeline-table tbody tr')].map((row) => row.innerText.replace(/\\s+/g, ' '))"
    return page.driver.execute_script(script)


def test_the_day_is_drawn_in_lanes_and_told_in_a_table(rollcall, page, view_key):
    page.sign_in(view_key, "/agents/tina")
    page.wait_live()
    kinds = [kind for kind, _, _ in bars(page, "shift")]
    assert kinds[-3:] == ["bar-full", "bar-half", "bar-full"], "shift, break, shift"
    starts = [start for _, start, _ in bars(page, "shift")]
    assert starts == sorted(starts) and 0 <= starts[0] and starts[-1] < 1000
    assert bars(page, "seen")[-1][0] == "bar-full" and bars(page, "seen")[0][0] == "bar-gap"
    # A gap is an empty frame, and nothing that could be taken for a session that was stopped.
    look = page.run("const s = getComputedStyle(document.querySelector('[data-lane=seen] .bar-gap')); return [s.fill, s.strokeDasharray]")
    assert look[0] == "rgba(0, 0, 0, 0)" and look[1] != "none", look
    assert "not recorded" in page.text(".legend li:has(.bar-gap)")
    marks = "return document.querySelectorAll('[data-lane=marks] .mark-event').length"
    assert page.driver.execute_script(marks) == 3
    assert page.driver.execute_script("return document.querySelectorAll('[data-lane=marks] .mark-command').length") >= 1
    told = lines(page)
    assert any("on break" in line for line in told) and any("not recorded" in line for line in told)
    assert any("Event: clock-in, from api" in line for line in told)
    label = page.driver.execute_script("return document.querySelector('[data-lane=shift] svg').getAttribute('aria-label')")
    assert label.startswith("Shift. From ") and "on break from" in label
    assert "times of Asia/Kolkata, as set for the agent" in page.text("#timeline-title")
    assert page.text("#timeline-title").startswith("A picture of 1 day")
    # Now has a line through every lane, where what is seen ends, and a word.
    assert page.run("return document.querySelectorAll('.lane .now').length") == len(page.driver.find_elements("css selector", ".lane"))
    assert page.text(".legend li:has(.now)") == "now"
    line = page.run("return Number(document.querySelector('[data-lane=seen] .now').getAttribute('d').match(/^M([0-9.]+) /)[1])")
    _, start, width = bars(page, "seen")[-1]
    assert abs(start + width - line) < 5, (start, width, line)
    # The table goes by the same clock, whatever the reader's shows.
    zone = datetime.timezone(datetime.timedelta(hours=5, minutes=30))
    script = "return [...document.querySelectorAll('#timeline-table time')].map((time) => [time.dateTime, time.textContent])"
    for exact, shown in page.driver.execute_script(script):
        local = datetime.datetime.fromisoformat(exact).astimezone(zone)
        assert shown == local.strftime("%Y-%m-%d %H:%M:%S")
    page.shoot("timeline")


def test_another_zone_of_the_agent_s_is_shown_by_heading_and_table_of_a_page_that_is_open(rollcall, page, view_key):
    rollcall.must("PUT", "/v1/agents/zora", {"name": "Zora", "team": "day", "time_zone": "UTC"})
    story.clock_in(rollcall, "zora", minutes=30)
    page.sign_in(view_key, "/agents/zora")
    page.wait_live()
    page.wait_text("#timeline-title", "times of UTC")
    page.mark()
    rollcall.must("PUT", "/v1/agents/zora", {"name": "Zora", "team": "day", "time_zone": "Asia/Kolkata"})
    page.wait_text("#timeline-title", "times of Asia/Kolkata")
    zone = datetime.timezone(datetime.timedelta(hours=5, minutes=30))
    script = "return [...document.querySelectorAll('#timeline-table time')].map((time) => [time.dateTime, time.textContent])"
    shown = page.run(script)
    assert shown and page.is_marked()
    for exact, text in shown:
        assert text == datetime.datetime.fromisoformat(exact).astimezone(zone).strftime("%Y-%m-%d %H:%M:%S")


def test_it_zooms_from_an_hour_to_a_month_and_says_what_began_before(rollcall, page, view_key):
    page.sign_in(view_key, "/agents/tina")
    page.click('[data-span="hour"]')
    page.wait(lambda: "span=hour" in page.driver.current_url)
    assert [kind for kind, _, _ in bars(page, "shift")][-1] == "bar-full"
    assert page.has("[data-lane=shift] .carried"), "the shift began before the picture does"
    assert any("began before" in line for line in lines(page))
    page.click('[data-span="month"]')
    page.wait(lambda: "span=month" in page.driver.current_url)
    assert page.text("#timeline-title").startswith("A picture of 30 days") and page.has(".lane .now")
    assert not page.has("[data-lane=shift] .carried")
    assert len(page.driver.find_elements("css selector", ".axis span")) == 10
    first = page.text(".axis")
    page.click(".spans a")
    page.wait(lambda: "until=" in page.driver.current_url)
    assert page.text(".axis") != first
    assert [kind for kind, _, _ in bars(page, "shift")] == ["bar-thin"], "long before"
    assert not page.has(".now"), "it is of the past"


def test_a_span_that_makes_no_sense_is_refused_in_words(page, view_key):
    page.provoke("422")
    page.sign_in(view_key)
    page.open("/agents/tina?span=century")
    page.wait_text("h1", "A value is missing or not allowed.")


def show_figures(rollcall, page, key, agent, path):
    """Opens the figures once there are any: of an agent who clocks in."""
    rollcall.add_agent(agent, team="day")
    rollcall.clock_in(agent)
    rollcall.wait_for(agent, observed="WORKING", condition="converged")
    page.sign_in(key, path)

    def are_there():
        page.open(path)
        return page.has("#stages tbody tr")

    page.wait(are_there, 60, "the figures, which many share for a while")
    page.wait_live()


def test_the_figures_of_a_day_stand_beside_their_pictures(rollcall, page, view_key):
    show_figures(rollcall, page, view_key, "tom", "/stats")
    words = [row.get_attribute("data-stage") for row in page.driver.find_elements("css selector", "#stages tbody tr")]
    assert words[-1] == "total" and "boot" in words
    assert page.text("#p50") != "–" and "ms" in page.text("#stages")
    assert "found" in page.text("#drift")
    # Their hours have an axis, and the numbers stand there without a click.
    assert [chart.get_attribute("data-chart") for chart in page.driver.find_elements("css selector", ".chart")][0] == "way"
    assert page.has('[data-chart="hibernation"] rect') and "00:00" in page.text('[data-chart="way"] .axis')
    assert page.text('[data-chart="way"] .scale').endswith("0") and "s" in page.text('[data-chart="way"] .scale')
    assert page.find("#hours tbody tr").is_displayed()
    # An hour is at the same place in each.
    edges = "return [...document.querySelectorAll('.chart svg')].map((each) => each.getBoundingClientRect()).map(({ left, right }) => [left, right])"
    first, *others = page.run(edges)
    assert others and all(each == first for each in others), [first, *others]
    for picture in page.driver.find_elements("css selector", "svg.plot"):
        assert picture.get_attribute("aria-label")
    # The day is one of a zone that is said, and can be chosen.
    assert "those of " in page.text("#window")
    page.driver.execute_script("document.querySelector('[name=zone]').value = 'Asia/Kolkata'")
    page.find("form.filter button").click()
    page.wait(lambda: "zone=Asia" in page.driver.current_url)
    page.wait_text("#window", "those of Asia/Kolkata")
    assert page.text("#window time").endswith("00:00:00")
    page.wait_live()
    # They are counted anew while the page is open, though not while nobody can see it.
    page.mark()
    page.driver.execute_script("const now = Date.now; Date.now = () => now() + 61_000; document.querySelector('#p50').textContent = 'old'")
    page.wait(lambda: page.text("#p50") != "old", what="fresh figures")
    assert page.is_marked()
    page.open("/stats?day=2020-01-01")
    assert page.has("#no-stats")


def labels(page, picture):
    """The names of hours that are seen below a picture of the figures: each with its ends."""
    script = """
        return [...document.querySelectorAll(`[data-chart=${arguments[0]}] .axis span`)]
          .filter((label) => label.textContent && label.checkVisibility({ visibilityProperty: true }))
          .map((label) => {
            const text = document.createRange();
            text.selectNodeContents(label);
            const { left, right } = text.getBoundingClientRect();
            return [label.textContent, left, right];
          })"""
    return page.run(script, picture)


def test_the_hours_below_the_figures_do_not_touch_on_a_phone(rollcall, page, view_key):
    show_figures(rollcall, page, view_key, "tess", "/stats?zone=UTC")
    assert [name for name, _, _ in labels(page, "way")] == [f"{hour:02}:00" for hour in range(0, 24, 3)]
    phone = {"width": 360, "height": 740, "deviceScaleFactor": 1, "mobile": True}
    page.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", phone)
    page.wait(lambda: page.run("return innerWidth") == 360, what="a phone's width")
    for picture in ("way", "hibernation"):
        seen = labels(page, picture)
        assert [name for name, _, _ in seen] == ["00:00", "06:00", "12:00", "18:00"], seen
        # A gap of less than a letter could not be told from none.
        assert all(right + 8 <= left for (_, _, right), (_, left, _) in zip(seen, seen[1:])), seen
        assert seen[-1][2] <= 360, seen
    page.shoot("hours-360")
