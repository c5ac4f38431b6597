"""What every view owes to who listens, to who holds a phone, and to who has to act at once."""

import re

import pytest

import story

SETTINGS = story.SETTINGS
VIEWS = ["/", "/agents/bruno", "/agents/hana", "/stats", "/sources", "/sources/hr", "/unmatched"]

LIVE = "[role=status], [role=alert], [role=log], [role=timer], [aria-live], output"
TICKING = "time[data-ahead], time[data-age]"


@pytest.fixture(scope="module", autouse=True)
def team(rollcall):
    story.seed(rollcall)


def ticking_in_live(page):
    """What moves on by itself in a place that is spoken aloud."""
    script = """
        return [...document.querySelectorAll(arguments[0])].flatMap((place) =>
          [...place.querySelectorAll(arguments[1])].map((time) => `${place.id}: ${time.outerHTML}`));"""
    return page.run(script, LIVE, TICKING)


@pytest.mark.parametrize("path", VIEWS)
def test_nothing_that_ticks_stands_where_it_is_spoken(rollcall, page, path):
    page.sign_in(rollcall.admin_key, path)
    if page.has("#live"):
        page.wait_live()
    assert page.run("return document.querySelectorAll(arguments[0]).length", LIVE) > 0
    assert ticking_in_live(page) == []


def test_the_end_of_a_code_is_said_once_and_counted_down_apart(rollcall, page):
    page.sign_in(rollcall.admin_key, "/agents/bruno")
    page.wait_live()
    page.wait(lambda: page.find("#pair").is_displayed())
    page.find("#pair").click()
    page.wait(lambda: page.has("#pairing-place img"), what="the QR code")
    page.wait(lambda: page.has("#pairing-end time[data-ahead]"), what="the countdown")
    assert ticking_in_live(page) == [] and page.text("#pairing-status") == ""
    page.find("[data-as=code]").click()
    page.find("#pairing-phone [name=phone]").send_keys("+34600000000")
    page.find("#pairing-phone .first").click()
    page.wait(lambda: page.has("#pairing-place .code"), what="the code")
    page.run(
        """
        window.spoken = 0;
        new MutationObserver((all) => (window.spoken += all.filter((each) => each.addedNodes.length).length))
          .observe(document.getElementById("pairing-status"), { childList: true, subtree: true, characterData: true });
        """
    )
    first = page.text("#pairing-end")
    page.wait(lambda: page.text("#pairing-end") != first, what="the countdown to move")
    assert ticking_in_live(page) == [] and page.run("return window.spoken") == 0


def test_no_sentence_is_torn_apart_on_a_phone(rollcall, open_browser):
    page = open_browser(width=500)
    page.driver.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride", {"width": 360, "height": 740, "deviceScaleFactor": 1, "mobile": True}
    )
    page.sign_in(rollcall.admin_key)
    # A cell of a card is a grid: texts beside elements each get a line of their own, so there is one at most, and it comes first.
    script = """
        const torn = [];
        let cells = 0;
        for (const details of document.querySelectorAll("main details")) details.open = true;
        for (const cell of document.querySelectorAll("main tbody tr > *")) {
          if (getComputedStyle(cell).display !== "grid") continue;
          cells += 1;
          const parts = [...cell.childNodes].filter((node) => node.nodeType === 1 || node.data.trim());
          if (parts.slice(1).some((node) => node.nodeType === 3)) torn.push(cell.innerHTML);
        }
        return [cells, torn];"""
    for path in VIEWS:
        page.open(path)
        cells, torn = page.run(script)
        assert torn == [], path
        assert cells > 0 or path == "/stats", path
    page.open("/unmatched")
    page.shoot("unmatched-360")


def test_who_may_act_finds_the_buttons_under_whose_turn_it_is(rollcall, open_browser):
    page = open_browser(width=500)
    page.driver.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride", {"width": 360, "height": 740, "deviceScaleFactor": 1, "mobile": True}
    )
    page.sign_in(rollcall.admin_key, "/agents/bruno")
    page.wait_live()
    page.wait(lambda: page.find("#pair").is_displayed())
    box = "const box = document.querySelector(arguments[0]).getBoundingClientRect(); return [box.top + scrollY, box.bottom + scrollY]"
    assert page.run(box, "#pair")[1] < 740, "on the first screen of a phone"
    assert page.run(box, "#turn")[1] <= page.run(box, "#pair")[0] < page.run(box, "#why")[0]
    page.shoot("acts-360")
    # What is being filled in stays while the page reads itself again.
    page.find("#holding summary").click()
    page.find("#hold [name=reason]").send_keys("moving")
    page.count_rereads()
    page.wait_rereads(2)
    assert page.find("#hold [name=reason]").get_attribute("value") == "moving" and page.find("#hold [name=reason]").is_displayed()
    page.open("/agents/lena")
    assert "rollcall agents import" in page.text("#turn-how") and "PUT /v1/agents/lena" in page.text("#turn-how")


def test_one_who_is_chosen_is_named_and_more_than_five_are_asked_about(rollcall, page):
    agents = [f"five-{number}" for number in range(6)]
    for agent in agents:
        rollcall.add_agent(agent, name=f"Person {agent}", team="five")
    for agent in agents:
        rollcall.wait_for(agent, observed="STOPPED")
    page.sign_in(rollcall.admin_key, "/?team=five")
    page.wait_live()
    page.wait_loaded()
    page.pick(agents[0])
    page.find("[data-bulk=hold]").click()
    page.wait_text("#bulk-title", f"Hold Person {agents[0]}?")
    page.find("#bulk-form [data-close]").click()
    for agent in agents[1:5]:
        page.pick(agent)
    page.wait_text("#picked", "5 agents are chosen.")
    page.find("[data-bulk=reconcile]").click()
    page.wait(lambda: page.find("#bulk-results").is_displayed(), what="the results of five, unasked")
    assert len(page.driver.find_elements("css selector", "#bulk-list li")) == 5
    page.find("#bulk-results [data-close]").click()
    for agent in agents:
        page.pick(agent)
    page.wait_text("#picked", "6 agents are chosen.")
    page.find("[data-bulk=reconcile]").click()
    page.wait_text("#bulk-title", "Check the sessions of 6 agents now?")
    assert page.find("#bulk-form").is_displayed() and not page.find("#bulk-results").is_displayed()


def test_a_change_says_how_many_it_is_about_above_its_list(rollcall, page):
    page.sign_in(rollcall.admin_key)
    page.wait_live()
    page.wait(lambda: page.find("#guards").is_displayed(), what="the change that waits")
    page.click("#guard-list [data-open]")
    page.wait(lambda: page.find("#guard-dialog").is_displayed())
    number = page.run("return document.querySelectorAll('#guard-parts li').length")
    assert number > 1 and page.text("#guard-count") == f"{number} agents:"


def test_a_source_says_that_repetitions_are_counted_only(rollcall, page):
    page.sign_in(rollcall.admin_key, "/sources/hr")
    page.wait_text("#today", "repeated")
    page.wait_text("#repeats", "A delivery that comes again under the same id is counted, and not listed again.")
    assert not page.run("return [...document.querySelectorAll('.effect')].some((e) => /changed nothing/.test(e.innerText) && /decides now/.test(e.innerText))")


def test_an_order_that_is_broken_off_says_who_is_left_and_keeps_them_chosen(rollcall, page):
    agents = [f"broken-{number}" for number in range(4)]
    for agent in agents:
        rollcall.add_agent(agent, team="broken", with_instance=False)
    page.sign_in(rollcall.admin_key, "/?team=broken")
    page.wait_live()
    page.wait_loaded()
    page.run(
        """
        const ask = window.fetch;
        window.fetch = (address, wish) => {
          if (address !== "/v1/actions") return ask(address, wish);
          const results = JSON.parse(wish.body).agents.map((agent_id, place) =>
            place < 2 ? { agent_id, status: 202 } : { agent_id, status: 503, code: "database_unavailable", detail: "-" });
          return Promise.resolve(new Response(JSON.stringify({ results }), { status: 207, headers: { "Content-Type": "application/json" } }));
        };
        """
    )
    for agent in agents:
        page.pick(agent)
    page.find("[data-bulk=reconcile]").click()
    page.wait(lambda: page.find("#bulk-results").is_displayed(), what="the results")
    script = "return [...document.querySelectorAll('#bulk-list li')].map((line) => [line.dataset.agent, line.dataset.done])"
    assert page.run(script) == [[agent, "false"] for agent in agents[2:]] + [[agent, "later"] for agent in agents[:2]]
    assert "The database cannot be reached. Try again in a moment." in page.text("#bulk-list")
    page.find("#bulk-results [data-close]").click()
    page.wait_text("#picked", "2 agents are chosen.")
    chosen = "return [...document.querySelectorAll('#rows tr')].filter((row) => row.querySelector('[data-pick]').checked).map((row) => row.dataset.agent)"
    assert sorted(page.run(chosen)) == agents[2:]


# Every field that is seen: its name, the colour of its border, and what that stands against, inside and outside.
FIELDS = """
  const paper = (place) => {
    for (let at = place; at; at = at.parentElement) {
      const colour = getComputedStyle(at).backgroundColor;
      if (colour.startsWith("rgb(")) return colour;
    }
    return "rgb(255, 255, 255)";
  };
  return [...document.querySelectorAll("input:not([type=checkbox], [type=hidden]), select, textarea")]
    .filter((field) => field.checkVisibility())
    .map((field) => [field.name, getComputedStyle(field).borderTopColor, paper(field), paper(field.parentElement)]);"""


def luminance(colour):
    parts = [int(part) / 255 for part in re.fullmatch(r"rgb\((\d+), (\d+), (\d+)\)", colour).groups()]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one, other):
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_where_a_field_is_can_be_seen_whatever_the_colours(rollcall, page, scheme):
    page.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": scheme}]})
    page.open()
    found = [("the sign-in", *field) for field in page.run(FIELDS)]
    page.sign_in(rollcall.admin_key)
    for path in ("/", "/agents/bruno", "/stats", "/unmatched"):
        page.open(path)
        page.wait_live()
        page.run("for (const part of document.querySelectorAll('main details')) part.open = true")
        page.wait(lambda: page.run(FIELDS), what=f"fields of {path}")
        found += [(path, *field) for field in page.run(FIELDS)]
    page.open()
    page.wait_live()
    page.wait_loaded()
    page.pick("goran")
    page.find("[data-bulk=hold]").click()
    page.wait(lambda: page.find("#bulk-form").is_displayed(), what="the dialog")
    found += [("the dialog", *field) for field in page.run(FIELDS)]
    names = {name for _, name, *_ in found}
    assert names >= {"key", "q", "team", "reason", "hours", "day", "agent"}, names
    faint = [each for each in found if min(contrast(each[2], each[3]), contrast(each[2], each[4])) < 3]
    assert faint == []


@pytest.mark.parametrize("language", ["en", "es", "ar"])
def test_nothing_is_cut_off_on_the_narrowest_screen_live_or_not(rollcall, open_browser, language):
    page = open_browser(width=500)
    page.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {"width": 320, "height": 640, "deviceScaleFactor": 1, "mobile": True})
    page.sign_in(rollcall.admin_key)
    found = []
    for path in VIEWS:
        page.open(f"{path}?lang={language}")
        page.wait_live()
        # What the header says of the connection, which follows what it was told last.
        script = """
            return (async () => {
              const { say } = await import("/assets/words.js");
              const state = document.getElementById("live");
              return ["live", "reconnecting", "silent"].map((word) => {
                state.textContent = say(`live.${word}`);
                return [word, document.documentElement.scrollWidth];
              });
            })();"""
        found += [(path, word, width) for word, width in page.run(script) if width > 320]
        assert page.find("#sign-out button").is_displayed() and page.find(".places").is_displayed()
    page.shoot(f"narrowest-{language}")
    assert found == []
