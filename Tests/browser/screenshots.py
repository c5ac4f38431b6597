"""Makes the pictures of every view for docs/page, small enough to be read anywhere: scripts/screenshots runs this."""

import pathlib
import sys

from selenium import webdriver
from selenium.webdriver.chrome.service import Service

import story
from page import Page
from rollcall import TOKEN, Rollcall

SIZE_LIMIT = 250_000  # bytes of a picture

VIEWS = {
    "fleet": "/",
    "counts": "/",
    "filters": "/?team=front-desk&shift=in&sort=name",
    "roster": "/?sort=state",
    "agent": "/agents/bruno",
    "timeline": "/agents/dilara?span=six",
    "sources": "/sources",
    "source": "/sources/hr",
    "unmatched": "/unmatched",
    "stats": "/stats",
    "hours": "/stats",
    "problem": "/agents/nobody-of-this-name",
}

# Where a view stands that is not at the top of its page.
PLACES = {"counts": "counts", "filters": "filter", "roster": "agents", "timeline": "timeline", "hours": "hours-title"}

# Name, language, colours, width and height.
KINDS = [
    ("light", "en", "light", 1060, 740),
    ("dark", "en", "dark", 1060, 740),
    ("phone", "en", "light", 390, 844),
    ("right-to-left", "ar", "light", 1060, 740),
]


def browser():
    options = webdriver.ChromeOptions()
    options.binary_location = "/usr/bin/chromium"
    for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--hide-scrollbars"):
        options.add_argument(argument)
    return webdriver.Chrome(options=options, service=Service("/usr/bin/chromedriver"))


def shape(page, scheme, width, height):
    device = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500}
    page.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", device)
    features = [{"name": "prefers-color-scheme", "value": scheme}, {"name": "prefers-reduced-motion", "value": "reduce"}]
    page.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})


def shoot(page, folder, name):
    path = folder / f"{name}.png"
    page.driver.save_screenshot(str(path))
    size = path.stat().st_size
    assert size <= SIZE_LIMIT, f"{path} has {size} bytes"
    print(f"{path} {size}")


def show(page, path, language, place=None):
    page.open(path + ("&" if "?" in path else "?") + f"lang={language}")
    if page.has("#live"):
        page.wait_live()
    if page.has("#agents[aria-rowcount]"):
        page.wait_loaded()
    if place:
        page.driver.execute_script("document.getElementById(arguments[0]).scrollIntoView()", place)


def wait_figures(page, path, language, place):
    """Figures are shared for a while: those of before the team came are shown first."""

    def has_figures():
        if page.has("#stages"):
            return True
        show(page, path, language, place)
        return page.has("#stages")

    page.wait(has_figures, 180, "figures of the day")


def shoot_results(page, folder, kind, language):
    """What came of an order, agent by agent."""
    show(page, "/?team=front-desk", language)
    for agent in ("ada", "bruno", "chen"):
        page.pick(agent)
    page.find("[data-bulk=reconcile]").click()
    page.wait(lambda: page.find("#bulk-results").is_displayed(), what="the results")
    shoot(page, folder, f"bulk-{kind}")


def shoot_silence(page, rollcall, folder, kind, language):
    """A page that hears nothing any more."""
    show(page, "/", language)
    rollcall.freeze()
    try:
        page.wait(lambda: page.is_grey(), 30, "the grey")
        shoot(page, folder, f"silent-{kind}")
    finally:
        rollcall.thaw()
    page.wait(lambda: not page.is_grey(), 60, "the colours")


def shoot_mapping(page, folder, kind, language):
    """What would come of saying who a name is."""
    show(page, "/unmatched", language)
    page.wait(lambda: page.find("form.map").is_displayed(), what="the form")
    field = page.find("form.map [name=agent]")
    field.clear()
    field.send_keys("mara")
    page.find("form.map button").click()
    page.wait(lambda: page.has(".preview button"), what="the preview")
    shoot(page, folder, f"mapping-{kind}")


def shoot_signed_out(page, rollcall, folder, kind, language):
    """What is left of a page whose sign-in ends while it is open."""
    key = rollcall.key("view")
    page.driver.delete_all_cookies()
    page.sign_in(key["key"], f"/?lang={language}")
    page.wait_live()
    rollcall.must("DELETE", f"/v1/keys/{key['id']}")
    page.wait(lambda: page.has("#signed-out"), what="the end of the sign-in")
    shoot(page, folder, f"signed-out-{kind}")


def take_calm(page, rollcall, folder):
    """Before the day's trouble: nobody needs anybody."""
    for agent, name, team, _, _ in story.PEOPLE[:1] + story.PEOPLE[6:7]:
        rollcall.add_agent(agent, name=name, team=team)
    rollcall.clock_in("ada")
    rollcall.wait_for("ada", observed="WORKING", condition="converged")
    rollcall.wait_for("goran", observed="STOPPED", condition="converged")
    for kind, language, scheme, width, height in KINDS:
        shape(page, scheme, width, height)
        page.driver.delete_all_cookies()
        page.sign_in(rollcall.admin_key, f"/?lang={language}")
        show(page, "/", language)
        page.wait(lambda: page.find("#calm").is_displayed(), what="calm")
        shoot(page, folder, f"calm-{kind}")
    # The day begins with everybody's session stopped; one that works and is stopped behind its back counts as drift for long.
    rollcall.clock_out("ada")
    rollcall.wait_for("ada", observed="STOPPED", condition="converged")


def set_up(rollcall, *names):
    """Starts the server anew with these engine accounts, all on the one simulator."""
    rollcall.stop_server()
    rollcall.settings = story.SETTINGS | {"ROLLCALL_ENGINES": ",".join(names)}
    for name in names:
        account = f"ROLLCALL_ENGINE_{name.upper()}_"
        address = f"http://127.0.0.1:{rollcall.simulator_port}"
        rollcall.settings |= {f"{account}KIND": "wawp", f"{account}URL": address, f"{account}TOKEN": TOKEN}
    rollcall.start_server()


def take_outage(page, rollcall, folder):
    """An engine that is away, and one for which nobody acts."""
    set_up(rollcall, "main", "spare")
    rollcall.sim("PUT", "/_sim/sessions", {"sessions": [{"instance_id": "I-sven", "status": "STOPPED"}]})
    instance = {"engine": "spare", "instance_id": "I-sven", "session_name": "wawp-sven"}
    rollcall.must("PUT", "/v1/agents/sven", {"name": "Sven Dahl", "team": "support", "instance": instance})
    rollcall.wait_for("sven", observed="STOPPED", condition="converged")
    set_up(rollcall, "main")
    rollcall.fault("outage", mode="503")
    try:
        for kind, language, scheme, width, height in KINDS:
            shape(page, scheme, width, height)
            page.driver.delete_all_cookies()
            page.sign_in(rollcall.admin_key, f"/?lang={language}")
            show(page, "/", language)
            page.wait(lambda: len(page.driver.find_elements("css selector", "#pulse .incident")) == 2, 60, "both engines named")
            page.wait(lambda: page.has("#incidents .incident:not([data-scripted-away])"), 60, "the incident")
            shoot(page, folder, f"outage-{kind}")
            show(page, "/agents/sven", language)
            page.wait(lambda: page.find("#agent").get_attribute("data-uncertain") == "true", what="the grey")
            shoot(page, folder, f"nobody-acts-{kind}")
    finally:
        rollcall.mend()


def take(rollcall, folder):
    """Takes all of them; gives the build of the page that is on them."""
    page = Page(browser(), rollcall)
    try:
        take_calm(page, rollcall, folder)
        story.seed(rollcall)
        for kind, language, scheme, width, height in KINDS:
            shape(page, scheme, width, height)
            page.driver.delete_all_cookies()
            page.open(f"/?lang={language}")
            shoot(page, folder, f"sign-in-{kind}")
            page.type_key(rollcall.admin_key)
            page.wait(lambda: page.has("#sign-out"), what="the sign-in")
            for view, path in VIEWS.items():
                show(page, path, language, PLACES.get(view))
                if path == "/stats":
                    wait_figures(page, path, language, PLACES.get(view))
                shoot(page, folder, f"{view}-{kind}")
            show(page, "/agents/bruno", language)
            page.find("#holding summary").click()
            shoot(page, folder, f"acts-{kind}")
            page.find("#pair").click()
            page.wait(lambda: page.has("#pairing-place img"), what="the QR code")
            shoot(page, folder, f"pairing-{kind}")
            show(page, "/?team=front-desk", language)
            page.pick("ada")
            page.find("[data-bulk=hold]").click()
            shoot(page, folder, f"hold-{kind}")
            show(page, "/", language)
            page.wait(lambda: page.find("#guards").is_displayed(), what="the change that waits")
            page.click("#guard-list [data-open]")
            page.wait(lambda: page.find("#guard-dialog").is_displayed())
            shoot(page, folder, f"guard-{kind}")
            shoot_results(page, folder, kind, language)
            shoot_mapping(page, folder, kind, language)
            shoot_silence(page, rollcall, folder, kind, language)
            shoot_signed_out(page, rollcall, folder, kind, language)
        take_outage(page, rollcall, folder)
        return page.run("return document.body.dataset.build")
    finally:
        page.driver.quit()


def main():
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    made_of = folder / "made-of.txt"  # PagePicturesTests compares it with the page as it is
    for old in [made_of, *folder.glob("*.png")]:
        old.unlink(missing_ok=True)
    rollcall = Rollcall("screenshots", story.SETTINGS)
    try:
        rollcall.start()
        made_of.write_text(take(rollcall, folder) + "\n")
    finally:
        rollcall.stop()


if __name__ == "__main__":
    main()
