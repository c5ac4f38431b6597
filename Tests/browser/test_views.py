"""Every view, filled with at least one row of every condition, and what opens over it: axe-core finds nothing.

Views in each language, in the dark (in Arabic), and on a phone (in Spanish and Arabic; that nothing is cut off, in each language).
Dialogs in English, light and dark, but for that of pairing also in Arabic in the dark on a phone. What comes of orders and mappings, and
what cannot be read again, in each language and in both colours, not in each of both. What is old in English, in both colours, and there
also with its filter, which axe-core does not count.
"""

import pytest

import axe
import contrast
import story
from views import VIEWS, dark, each_pairing, light, show

SETTINGS = story.SETTINGS


@pytest.fixture(scope="module", autouse=True)
def team(rollcall):
    story.seed(rollcall)


def test_the_team_has_a_row_of_every_condition(rollcall, page):
    page.sign_in(rollcall.admin_key)
    show(page, "fleet")
    script = "return [...new Set([...document.querySelectorAll('#rows tr')].map((row) => row.dataset.condition))]"
    # A stop that hangs is tried again and again, and its session looked at in between.
    page.wait(
        lambda: set(page.driver.execute_script(script)) == {
            "converged", "starting", "stopping", "drifted", "needs_pairing", "needs_attention", "held", "unknown", "unassigned",
        },
        60,
        "a row of every condition",
    )


# Colours do not go by the language, so the dark ones are looked at in one. What a phone cuts off is measured in each, and axe-core
# looks there at the longest words and at the other direction.
@pytest.mark.parametrize("language, scheme", [("en", "light"), ("es", "light"), ("ar", "light"), ("ar", "dark")])
def test_axe_finds_nothing_on_any_view(rollcall, page, language, scheme):
    page.provoke("404")
    if scheme == "dark":
        dark(page)
    page.sign_in(rollcall.admin_key)
    found = []
    for view in VIEWS:
        show(page, view, language)
        found += [f"{view}: {each}" for each in axe.violations(page.driver)]
    assert found == []


def test_axe_finds_nothing_on_a_phone_and_nothing_is_cut_off(rollcall, page):
    page.provoke("404")
    page.sign_in(rollcall.admin_key)
    phone = {"width": 360, "height": 740, "deviceScaleFactor": 1, "mobile": True}
    page.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", phone)
    found = []
    for language in ("en", "es", "ar"):
        for view in VIEWS:
            show(page, view, language)
            width = page.driver.execute_script("return document.documentElement.scrollWidth")
            found += [f"{view} {language}: {width} wide"] if width > 360 else []
            found += [f"{view} {language}: {each}" for each in axe.violations(page.driver)] if language != "en" else []
    assert found == []


def test_on_a_phone_the_first_who_need_somebody_are_seen_without_scrolling(rollcall, page):
    page.sign_in(rollcall.admin_key)
    phone = {"width": 360, "height": 740, "deviceScaleFactor": 2, "mobile": True}
    page.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", phone)
    for language in ("en", "es", "ar"):
        show(page, "fleet", language)
        page.wait(lambda: page.find("#guard-list .buttons").is_displayed(), what="the change that waits")
        page.shoot(f"phone-{language}")
        bottoms = page.driver.execute_script(
            """
            const bottom = (selector) => document.querySelector(selector).getBoundingClientRect().bottom;
            return {
              header: bottom(".bar"), guard: bottom("#guard-list .buttons"), first: bottom("#need-list > li:first-child"),
              second: bottom("#need-list > li:nth-child(2) .reason"), height: innerHeight,
            };
            """
        )
        assert bottoms["height"] == 740
        assert bottoms["header"] <= 100, "two lines"
        assert bottoms["guard"] < bottoms["first"] <= 740 and bottoms["second"] <= 740, (language, bottoms)
        lines = "return new Set([...document.querySelectorAll(arguments[0])].map((each) => each.getBoundingClientRect().bottom)).size"
        assert page.driver.execute_script(lines, ".places a") == 1
        assert page.driver.execute_script("return document.querySelector('#sign-out button').getBoundingClientRect().bottom") < 60


def test_axe_finds_nothing_on_the_sign_in_and_in_dialogs(rollcall, open_browser):
    outside = open_browser()
    for language in ("en", "es", "ar"):
        outside.open(f"/?lang={language}")
        assert axe.violations(outside.driver) == []
    # What leads past the header is seen once it has the focus, and can be read then.
    outside.run("document.querySelector('.skip').focus()")
    place = "const { left, right } = document.querySelector('.skip').getBoundingClientRect(); return [left > 0, right < innerWidth]"
    assert outside.run(place) == [True, True]
    assert [each for each in axe.violations(outside.driver) if ".skip" in each] == [], "it lies over the name, which is seen without it"
    page = open_browser()
    page.sign_in(rollcall.admin_key)
    show(page, "fleet")
    for agent in ("goran", "kofi"):
        page.pick(agent)
    page.wait(lambda: page.find("#bulk").is_displayed())
    assert axe.violations(page.driver) == []
    page.find("[data-bulk=hold]").click()
    page.wait(lambda: page.find("#bulk-form").is_displayed())
    assert axe.violations(page.driver) == []
    page.find("#bulk-form [data-close]").click()
    page.find("#unpick").click()
    page.wait(lambda: page.find("#guards").is_displayed(), what="the change that waits")
    page.click("#guard-list [data-open]")
    page.wait(lambda: page.find("#guard-dialog").is_displayed())
    assert axe.violations(page.driver) == []
    show(page, "agent-scan")
    page.find("#reboot").click()
    page.wait(lambda: page.find("#sure-yes").is_displayed())
    assert axe.violations(page.driver) == []


def test_axe_finds_nothing_in_the_pairing_on_a_phone_from_right_to_left_in_the_dark(rollcall, page):
    dark(page)
    page.sign_in(rollcall.admin_key)
    phone = {"width": 360, "height": 740, "deviceScaleFactor": 1, "mobile": True}
    page.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", phone)
    show(page, "agent-scan", "ar")
    assert page.find("html").get_attribute("dir") == "rtl"
    wide = """
        const dialog = document.getElementById("pairing");
        const { left, right } = dialog.getBoundingClientRect();
        return [document.documentElement.scrollWidth - 360, dialog.scrollWidth - dialog.clientWidth, -left, right - 360].filter((each) => each > 0);"""
    found = []
    for state in each_pairing(page, may_pause=False):
        found += [f"{state}: {each}" for each in axe.violations(page.driver)]
        found += [f"{state}: too wide {each}" for each in page.run(wide)]
        page.shoot(f"pairing-360-{state}")
    assert found == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_in_the_pairing_and_in_dialogs_whatever_the_colours(rollcall, page, scheme):
    if scheme == "dark":
        dark(page)
    page.sign_in(rollcall.admin_key)
    show(page, "agent-scan")
    found = []
    for state in each_pairing(page, may_pause=True):
        found += [f"{state}: {each}" for each in axe.violations(page.driver)]
    page.find("#pairing > .buttons [data-close]").click()
    page.find("#reboot").click()
    page.wait(lambda: page.find("#sure-yes").is_displayed())
    found += [f"sure: {each}" for each in axe.violations(page.driver)]
    show(page, "fleet")
    page.find("#pick-all").click()
    page.wait(lambda: page.find("#bulk").is_displayed())
    found += [f"chosen: {each}" for each in axe.violations(page.driver)]
    page.find("[data-bulk=hold]").click()
    page.wait(lambda: page.find("#bulk-form").is_displayed())
    found += [f"hold: {each}" for each in axe.violations(page.driver)]
    page.find("#bulk-form [data-close]").click()
    page.find("#unpick").click()
    page.wait(lambda: page.find("#guards").is_displayed(), what="the change that waits")
    page.click("#guard-list [data-open]")
    page.wait(lambda: page.find("#guard-dialog").is_displayed())
    found += [f"guard: {each}" for each in axe.violations(page.driver)]
    assert found == []


# What waits for somebody cannot be read again for as long as this is so.
BROKEN_GUARD = """
  const ask = window.fetch;
  window.fetch = (address, wish) =>
    window.broken && address === "/v1/guard?state=held" ? Promise.resolve(new Response("", { status: 503 })) : ask(address, wish);
"""


@pytest.mark.parametrize("language, scheme", [("en", "light"), ("es", "dark"), ("ar", "light")])
def test_axe_finds_nothing_in_what_comes_of_orders_and_mappings(rollcall, page, language, scheme):
    if scheme == "dark":
        dark(page)
    page.sign_in(rollcall.admin_key)
    show(page, "fleet", language)
    # Of one agent it is under way, of the other refused: there is no session to look at.
    for agent in ("goran", "mara"):
        page.pick(agent)
    page.find("[data-bulk=reconcile]").click()
    page.wait(lambda: page.find("#bulk-results").is_displayed(), what="what came of it")
    lines = "return [...document.querySelectorAll('#bulk-list li')].map((line) => [line.dataset.agent, line.dataset.done])"
    assert page.run(lines) == [["mara", "false"], ["goran", "later"]]
    found = [f"results: {each}" for each in axe.violations(page.driver)]
    show(page, "unmatched", language)
    page.wait(lambda: page.find("form.map").is_displayed(), what="the form")
    field = page.find("form.map [name=agent]")
    field.clear()
    field.send_keys("mara")
    page.find("form.map button").click()
    page.wait(lambda: page.has(".preview button"), what="the preview")
    found += [f"preview: {each}" for each in axe.violations(page.driver)]
    assert found == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_where_the_page_cannot_be_read_again_or_nobody_is_signed_in(rollcall, page, scheme):
    page.provoke("401")
    if scheme == "dark":
        dark(page)
    key = rollcall.key("admin")
    page.before_scripts(BROKEN_GUARD)
    page.sign_in(key["key"])
    found = []
    for language in ("en", "es", "ar"):
        show(page, "fleet", language)
        page.wait(lambda: page.find("#guards").is_displayed(), what="the change that waits")
        # A beginning or an end of a change would have it asked for as well.
        page.run("window.broken = true; const now = Date.now; Date.now = () => now() + 31_000")
        page.wait(lambda: page.find("#unread").is_displayed(), what="the word that it is old")
        page.run("for (const each of document.getAnimations()) each.finish()")
        found += [f"unread {language}: {each}" for each in axe.violations(page.driver)]
    show(page, "agent", "ar" if scheme == "dark" else "en")
    rollcall.must("DELETE", f"/v1/keys/{key['id']}")
    page.wait(lambda: page.has("#signed-out"), what="the end of the sign-in")
    found += [f"signed out: {each}" for each in axe.violations(page.driver)]
    assert found == []


@pytest.mark.parametrize(
    "view, place",
    [
        ("fleet", "#needs-title"),
        ("fleet", "#counts-title"),
        ("stats", "#counted"),
        ("sources", "#counted"),
        ("source", "#counted"),
        ("unmatched", "#counted"),
        ("agent", "#desired-since"),
    ],
)
def test_what_is_counted_or_wanted_says_its_age_and_nobody_is_told_of_every_second(rollcall, page, view, place):
    page.sign_in(rollcall.admin_key)
    show(page, view)
    first = page.text(f"{place} time")
    assert any(letter.isdigit() for letter in first)
    script = "return document.querySelector(arguments[0]).closest('[aria-live], [role=status], [role=alert], [role=log], [role=timer]')"
    assert page.run(script, f"{place} time") is None
    if view != "agent":
        page.wait(lambda: page.text(f"{place} time") != first, what="its age moving on")


def test_what_is_old_can_still_be_read_whatever_the_colours(rollcall, page):
    page.sign_in(rollcall.admin_key)
    found = []
    for view in ("fleet", "agent", "sources", "unmatched", "stats"):
        show(page, view)
        rollcall.freeze()
        try:
            page.wait(lambda: page.find("#silence").is_displayed(), 20, "the silence")
            for scheme in (light, dark):
                scheme(page)
                page.driver.execute_script("for (const each of document.getAnimations()) each.finish()")
                found += [f"{view}, {scheme.__name__}: {each}" for each in axe.violations(page.driver)]
                texts = contrast.measured(page)
                assert sum(1 for _, _, is_filtered, _ in texts if is_filtered) > 5, "what is old is greyed"
                found += [f"{view}, {scheme.__name__}: {each}" for each in contrast.too_weak(texts)]
        finally:
            rollcall.thaw()
        page.wait(lambda: not page.find("#silence").is_displayed(), what="the end of the silence")
    assert found == []


def test_a_wall_screen_is_filled_and_large(rollcall, page):
    page.sign_in(rollcall.admin_key)
    show(page, "fleet")
    wall = {"width": 3840, "height": 2160, "deviceScaleFactor": 1, "mobile": False}
    page.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", wall)
    page.wait(lambda: page.driver.execute_script("return innerWidth") == 3840)
    size, width = page.driver.execute_script(
        "return [parseFloat(getComputedStyle(document.documentElement).fontSize), document.getElementById('agents').clientWidth]"
    )
    assert size >= 20 and width > 3000
    assert page.driver.execute_script("return document.documentElement.scrollWidth") <= 3840


def test_the_page_speaks_the_language_that_is_chosen_and_keeps_it(rollcall, page):
    page.sign_in(rollcall.admin_key)
    assert page.find("html").get_attribute("lang") == "en"
    page.find('.languages a[lang="ar"]').click()
    page.wait(lambda: page.find("html").get_attribute("lang") == "ar")
    assert page.find("html").get_attribute("dir") == "rtl"
    page.wait_live()
    page.wait_loaded()
    assert page.text("#live") == "مباشر"
    # What the script writes is in the same language as what the server wrote.
    rollcall.must("PUT", "/v1/agents/goran", {"name": "Goran I.", "team": "support", "instance": instance("goran")})
    page.wait_cell("goran", "name", "Goran I.")
    assert page.cell("goran", "agreement") == "متوقفة كما ينبغي"
    page.open("/agents/ada")
    assert page.find("html").get_attribute("lang") == "ar", "the choice is remembered"
    assert "الموظف في الدوام" in page.text("#why")
    page.open("/agents/ada?lang=es")
    assert "El agente está de turno" in page.text("#why")
    english = ("Clock", "session", "shift", "Check now", "Nobody", "since", "Rollcall did")
    shown = page.text("body")
    assert [word for word in english if word in shown] == []


def instance(agent):
    return {"engine": "main", "instance_id": f"I-{agent}", "session_name": f"wawp-{agent}"}


def test_a_browser_s_own_language_is_spoken_without_asking(rollcall, open_browser):
    page = open_browser()
    page.driver.execute_cdp_cmd("Network.enable", {})
    page.driver.execute_cdp_cmd("Network.setExtraHTTPHeaders", {"headers": {"Accept-Language": "es-MX,es;q=0.9"}})
    page.open()
    assert page.text("h1") == "Iniciar sesión"


@pytest.mark.parametrize("language", ["en", "es", "ar"])
def test_the_first_load_is_small_and_compressed(rollcall, page, language):
    page.sign_in(rollcall.admin_key, f"/?lang={language}")
    page.driver.execute_cdp_cmd("Network.clearBrowserCache", {})
    page.open()
    assert page.find("html").get_attribute("lang") == language
    page.wait_live()
    page.wait_loaded()
    total, plain, sizes = page.first_load()
    print(f"first load, {language}: {total} bytes compressed, {plain} plain, {len(sizes)} requests")
    assert any(name.startswith("/v1/agents?") and size > 0 for name, size, _ in sizes), "the list is counted too"
    assert total < 60_000, sizes
    assert all(size < plain for _, size, plain in sizes if plain > 2_000), sizes


def test_motion_stops_for_who_asks_and_paper_shows_what_matters(rollcall, page):
    page.sign_in(rollcall.admin_key)
    show(page, "fleet")
    # What turns pale when nothing is heard any more does so slowly, or at once.
    duration = """
        document.body.classList.add("silent");
        const duration = getComputedStyle(document.getElementById("fleet")).transitionDuration;
        document.body.classList.remove("silent");
        return duration;"""
    for wish, lasts in (("no-preference", "0.4s"), ("reduce", "0s")):
        features = [{"name": "prefers-reduced-motion", "value": wish}]
        page.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
        assert page.run(duration) == lasts, wish
    page.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print", "features": []})
    page.wait(lambda: not page.find("#filter").is_displayed(), what="the page on paper")
    assert page.find("#agents").is_displayed() and page.find("#need-list").is_displayed()


def test_who_is_signed_in_is_told_by_which_key(rollcall, page):
    page.sign_in(rollcall.admin_key)
    assert page.text(".who") == "Your key: bootstrap (may do everything)"
