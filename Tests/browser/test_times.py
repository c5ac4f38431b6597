"""Times on the page: of which clock they are, in one form, and what came late."""

import datetime
import re
import zoneinfo

import pytest

import story

NEW_YORK = "America/New_York"


@pytest.fixture(scope="module", autouse=True)
def late(rollcall):
    """Somebody in Kolkata, whose clock-in came 95 minutes late, held until an afternoon in New York."""
    rollcall.add_agent("lata", name="Lata", team="times")
    instance = {"engine": "main", "instance_id": "I-lata", "session_name": "wawp-lata"}
    body = {"name": "Lata", "team": "times", "time_zone": "Asia/Kolkata", "instance": instance}
    rollcall.must("PUT", "/v1/agents/lata", body)
    story.clock_in(rollcall, "lata", minutes=95)
    rollcall.wait_for("lata", observed="WORKING", condition="converged")


@pytest.fixture
def until(rollcall):
    """When the hold ends: in a month, at a quarter to nine in the evening by UTC."""
    day = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=30)
    until = day.replace(hour=20, minute=45, second=0, microsecond=0)
    hold = {"state": "running", "until": until.isoformat(), "reason": "the evening"}
    rollcall.must("PUT", "/v1/agents/lata/hold", hold)
    return until


def be_in(page, zone):
    """Puts whoever reads into a time zone."""
    page.driver.execute_cdp_cmd("Emulation.setTimezoneOverride", {"timezoneId": zone})


@pytest.mark.parametrize("language", ["en", "es", "ar"])
def test_clock_times_are_of_24_hours_in_every_language(page, view_key, until, language):
    be_in(page, NEW_YORK)
    page.sign_in(view_key, f"/agents/lata?lang={language}")
    page.wait_live()
    shown = until.astimezone(zoneinfo.ZoneInfo(NEW_YORK)).strftime("%H:%M")
    assert int(shown[:2]) > 12
    page.wait_text("[data-held] time[data-clock]", shown)
    # A moment of today has seconds.
    script = "const { clock, now } = await import('/assets/ages.js'); return [clock(now()), new Date(now()).getHours()]"
    text, hour = page.run(f"return (async () => {{ {script} }})()")
    assert text.startswith(f"{hour:02}:") and len(text) == 8, text
    page.open(f"/?team=times&lang={language}")
    page.wait_live()
    page.wait(lambda: shown in page.cell("lata", "hold"), what="the end of the hold in the table")


@pytest.mark.parametrize(
    "language, words",
    [
        ("en", ["1 h 35 min ago", "for 1 h 35 min", "in 1 h 35 min"]),
        ("es", ["hace 1 h 35 min", "desde hace 1 h 35 min", "dentro de 1 h 35 min"]),
        ("ar", ["قبل 1 س و35 د", "منذ 1 س و35 د", "بعد 1 س و35 د"]),
    ],
)
def test_hours_have_their_minutes_by_the_script_as_by_the_server(page, view_key, language, words):
    page.sign_in(view_key, f"/agents/lata?lang={language}")
    page.wait_live()
    script = """
        const { now, time } = await import("/assets/ages.js");
        const at = (kind) => new Date(now() + (kind === "ahead" ? 5_730_000 : -5_730_000)).toISOString();
        return ["age", "for", "ahead"].map((kind) => time(at(kind), kind).textContent);"""
    assert page.run(f"return (async () => {{ {script} }})()") == words
    own = re.escape(words[1]).replace("35", r"\d+")
    assert re.fullmatch(own, page.text("dd:has(#shift) time"))
    assert re.search(f">{own}</time>", page.run("return fetch(location.href).then((answer) => answer.text())"))


def test_whose_clock_it_is_is_said_where_the_reader_has_another_than_the_agent(page, view_key):
    be_in(page, NEW_YORK)
    page.sign_in(view_key, "/agents/lata")
    page.wait_live()
    page.wait_text("#own-clock", f"in times of {NEW_YORK}, where you are")
    # It stays while the page reads itself again.
    page.count_rereads()
    page.wait_rereads(1)
    assert page.find("#own-clock").is_displayed() and NEW_YORK in page.text("#own-clock")
    page.shoot("whose-clock")
    be_in(page, "Asia/Kolkata")
    page.open("/agents/lata")
    page.wait_live()
    assert not page.find("#own-clock").is_displayed(), "both have the same"
    # A zone of another name whose clocks show the same is no other.
    be_in(page, "Asia/Colombo")
    page.open("/agents/lata")
    page.wait_live()
    assert not page.find("#own-clock").is_displayed()


def test_where_an_event_came_late_the_picture_the_legend_and_the_table_say_so(page, view_key):
    page.sign_in(view_key, "/agents/lata")
    page.wait_live()
    place = "return Number(document.querySelector(`[data-lane=marks] .mark-${arguments[0]}`)?.getAttribute('d').match(/M([\\d.]+)/)[1])"
    happened, came = page.run(place, "event"), page.run(place, "late")
    # 95 minutes of a picture of a day.
    assert 60 < came - happened < 72, (happened, came)
    assert "and came 1 h 35 min later." in page.text("#why")
    look = page.run("const s = getComputedStyle(document.querySelector('.mark-late')); return [s.strokeDasharray, s.stroke]")
    event = page.run("const s = getComputedStyle(document.querySelector('.mark-event')); return [s.strokeDasharray, s.stroke]")
    assert look[0] != "none" and event[0] == "none" and look[1] == event[1], (look, event)
    assert "when a late event came" in page.text(".legend li:has(.bar-late)")
    assert "an event that comes late changes the past" in page.text("#as-known")
    page.driver.execute_script("document.getElementById('timeline-table').open = true")
    assert "Came late: clock-in, from api; it counts from" in page.text("#timeline-table")
