"""Every view of the page, in the languages and colours that tests show it in, and what opens over it."""

VIEWS = {
    "fleet": "/",
    "filtered": "/?team=front-desk&sort=state",
    "nobody": "/?q=nobody-at-all",
    "agent": "/agents/ada",
    "agent-scan": "/agents/bruno",
    "agent-held": "/agents/hana",
    "agent-unmapped": "/agents/lena",
    "agent-month": "/agents/ada?span=month",
    "stats": "/stats",
    "sources": "/sources",
    "source": "/sources/hr",
    "unmatched": "/unmatched",
    "problem": "/agents/nobody",
}


def show(page, view, language="en"):
    path = VIEWS[view]
    path += ("&" if "?" in path else "?") + f"lang={language}"
    page.open(path)
    if view == "stats":
        # Many share figures for a while: those of before the team came may be shown first.
        page.wait(lambda: page.has("#stages") or page.open(path), 180, "figures of the day")
    if page.has("#live"):
        page.wait_live()
    if page.has("#agents[aria-rowcount]"):
        page.wait_loaded()
    page.driver.execute_script("for (const each of document.querySelectorAll('main details')) each.open = true")


def light(page):
    colours(page, "light")


def dark(page):
    colours(page, "dark")


def colours(page, scheme):
    scheme = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
    page.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", scheme)


def each_pairing(page, may_pause):
    """Opens what pairs a phone and goes through all that it shows: gives the name of each. `may_pause`: also what waits for who comes back."""
    page.find("#pair").click()
    page.wait(lambda: page.has("#pairing-place img"), what="the QR code")
    yield "qr"
    if may_pause:
        # Nobody looks, so no other one is asked for.
        page.run("Object.defineProperty(document, 'hidden', { configurable: true, get: () => true })")
        page.wait(lambda: page.has("#pairing-place button"), 60, "the offer of a new one")
        yield "paused"
        page.run("delete document.hidden")
        page.find("#pairing-place button").click()
        page.wait(lambda: page.has("#pairing-place img"), what="a new QR code")
    page.find("#pairing [data-as=code]").click()
    page.wait(lambda: page.find("#pairing-phone").is_displayed())
    yield "number"
    page.find("#pairing-phone input").send_keys("+49 170 1234567")
    page.find("#pairing-phone button").click()
    page.wait(lambda: page.has("#pairing-place output"), what="the code")
    yield "code"
    page.find("#pairing [data-as=link]").click()
    page.wait(lambda: "http" in page.text("#pairing-place"), what="the link")
    yield "link"
