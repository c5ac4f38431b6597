"""How long a pairing that is left open goes on asking, and what is copied of it."""

PICTURE = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


def test_a_pairing_that_is_left_open_asks_for_nothing_after_some_minutes_or_unseen(rollcall, page, manage_key):
    rollcall.add_agent("sara", name="Sara", team="left")
    rollcall.clock_in("sara")
    rollcall.wait_for("sara", observed="WORKING", condition="converged")
    rollcall.fault("needs_qr", ["I-sara"])
    rollcall.wait_for("sara", condition="needs_pairing")
    page.sign_in(manage_key, "/agents/sara")
    page.wait_live()
    page.wait(lambda: page.find("#pair").is_displayed())
    run = page.driver.execute_script
    watch(page)
    page.find("#pair").click()
    page.wait(lambda: run("return window.repeats.length") >= 2, what="the next question")
    assert run("return window.repeats.slice(0, 2)") == [False, True], "only the first is a person's"
    page.wait(lambda: page.has("#pairing-place img"), what="the QR code")
    # Nobody looks, so nothing is asked for, until somebody does.
    run("Object.defineProperty(document, 'hidden', { configurable: true, get: () => true })")
    page.wait(lambda: page.has("#pairing-place button"), what="the offer of a new one")
    assert not page.has("#pairing-place img")
    assert "no longer asks" in page.text("#pairing-status")
    page.shoot("pairing-paused")
    asked = run("return window.repeats.length")
    run("delete document.hidden; document.dispatchEvent(new Event('visibilitychange'))")
    page.wait(lambda: page.has("#pairing-place img"), what="the QR code again")
    assert run("return window.repeats[arguments[0]]", asked) is True
    # After some minutes it takes a person.
    run("const now = performance.now.bind(performance); performance.now = () => now() + 200_000")
    page.wait(lambda: page.has("#pairing-place button"), what="the offer of a new one")
    asked = run("document.dispatchEvent(new Event('visibilitychange')); return window.repeats.length")
    page.find("#pairing-place button").click()
    page.wait(lambda: page.has("#pairing-place img"), what="a new QR code")
    assert run("return window.repeats[arguments[0]]", asked) is False
    page.wait(lambda: run("return window.repeats.length") >= asked + 2, what="that it follows again")
    assert run("return window.repeats[arguments[0]]", asked + 1) is True


def test_a_code_whose_end_no_engine_tells_is_taken_away_all_the_same(rollcall, page, manage_key):
    rollcall.add_agent("cora", name="Cora", team="codes")
    rollcall.clock_in("cora")
    rollcall.wait_for("cora", observed="WORKING", condition="converged")
    rollcall.fault("needs_qr", ["I-cora"])
    rollcall.wait_for("cora", condition="needs_pairing")
    page.sign_in(manage_key, "/agents/cora")
    page.wait_live()
    page.wait(lambda: page.find("#pair").is_displayed())
    page.find("#pair").click()
    page.wait(lambda: page.has("#pairing-place img"), what="the QR code")
    page.find("#pairing [data-as=code]").click()
    # The engine's own answer; only what the page waits for passes faster than it would.
    page.driver.execute_script(
        "const later = window.setTimeout; window.setTimeout = (what, wait) => { window.waited = wait; return later(what, wait > 60_000 ? 4_000 : wait); }"
    )
    page.find("#pairing-phone input").send_keys("+49 170 1234567")
    page.find("#pairing-phone button").click()
    page.wait_text("#pairing-place output", "ABCD-1234")
    page.wait_text("#pairing-end", "taken away in")
    # Somebody types the next number meanwhile.
    page.find("#pairing-phone input").send_keys("+49 171")
    page.wait(lambda: not page.has("#pairing-place output"), what="the end of the code")
    assert "ABCD-1234" not in page.driver.page_source
    assert page.find("#pairing-phone").is_displayed()
    page.wait_text("#pairing-words", "makes a code for one phone number")
    assert page.find("#pairing-phone input").get_attribute("value") == "+49 171", "and may type on"
    assert page.run("return document.activeElement.name") == "phone"


def test_the_focus_in_what_a_code_takes_away_goes_to_where_another_is_asked_for(rollcall, page, manage_key):
    rollcall.add_agent("noor", name="Noor", team="codes")
    rollcall.clock_in("noor")
    rollcall.wait_for("noor", observed="WORKING", condition="converged")
    rollcall.fault("needs_qr", ["I-noor"])
    rollcall.wait_for("noor", condition="needs_pairing")
    page.sign_in(manage_key, "/agents/noor")
    page.wait_live()
    page.wait(lambda: page.find("#pair").is_displayed())
    page.find("#pair").click()
    page.wait(lambda: page.has("#pairing-place img"), what="the QR code")
    page.find("#pairing [data-as=code]").click()
    page.run("const later = window.setTimeout; window.setTimeout = (what, wait) => later(what, wait > 60_000 ? 4_000 : wait)")
    page.find("#pairing-phone input").send_keys("+49 170 1234567")
    page.find("#pairing-phone button").click()
    page.wait_text("#pairing-place output", "ABCD-1234")
    page.run("document.querySelector('#pairing-place button').focus()")
    page.wait(lambda: not page.has("#pairing-place output"), what="the end of the code")
    assert page.run("return document.activeElement.name") == "phone"


def test_a_picture_that_is_over_goes_though_the_next_one_does_not_come_which_is_not_waited_for_without_end(rollcall, page, manage_key):
    rollcall.add_agent("hugo", name="Hugo", team="codes")
    rollcall.clock_in("hugo")
    rollcall.wait_for("hugo", observed="WORKING", condition="converged")
    rollcall.fault("needs_qr", ["I-hugo"])
    rollcall.wait_for("hugo", condition="needs_pairing")
    page.sign_in(manage_key, "/agents/hugo")
    page.wait_live()
    page.wait(lambda: page.find("#pair").is_displayed())
    # The picture ends in 2 s; the second question is answered by nobody.
    page.run(
        """
        window.asked = 0;
        const ask = window.fetch;
        window.fetch = (address, wish) => {
          if (!String(address).endsWith("/pairing")) return ask(address, wish);
          window.asked += 1;
          if (window.asked === 2) return new Promise((_, refuse) => wish.signal.addEventListener("abort", () => refuse(wish.signal.reason)));
          const body = { kind: "qr", value: arguments[0], refresh_after: 2, expires_at: null };
          return Promise.resolve(new Response(JSON.stringify(body), { status: 200, headers: { "Content-Type": "application/json" } }));
        };
        """,
        PICTURE,
    )
    page.hasten(5000)
    page.find("#pair").click()
    page.wait(lambda: page.has("#pairing-place img"), what="the QR code")
    page.wait(lambda: not page.has("#pairing-place img"), what="its end")
    assert page.run("return window.asked") == 2
    assert page.text("#pairing-words") == "Asking the engine." and page.text("#pairing-end") == ""
    page.shoot("pairing-hangs")
    page.wait_text("#pairing-status", "Rollcall did not answer", 10)
    page.wait(lambda: page.has("#pairing-place img"), what="the next QR code")
    assert page.run("return window.asked") >= 3 and page.text("#pairing-status") == ""


def watch(page):
    """Notes of each question whether the script asked by itself. The answer is the server's, with a picture that ends in 2 s."""
    page.driver.execute_script(
        """
        window.repeats = [];
        const ask = window.fetch;
        window.fetch = async (address, wish) => {
          if (!String(address).endsWith("/pairing")) return ask(address, wish);
          window.repeats.push(wish.headers["X-Rollcall-Reread"] === "true");
          await ask(address, wish);
          const body = { kind: "qr", value: arguments[0], refresh_after: 2, expires_at: null };
          return new Response(JSON.stringify(body), { status: 200, headers: { "Content-Type": "application/json" } });
        };
        """,
        PICTURE,
    )


def test_a_code_that_the_browser_does_not_copy_is_marked_instead(rollcall, page, manage_key):
    rollcall.add_agent("lia", name="Lia \u202eאבג", team="codes")
    rollcall.clock_in("lia")
    rollcall.wait_for("lia", observed="WORKING", condition="converged")
    rollcall.fault("needs_qr", ["I-lia"])
    rollcall.wait_for("lia", condition="needs_pairing")
    page.sign_in(manage_key, "/agents/lia")
    page.wait_live()
    page.wait(lambda: page.find("#pair").is_displayed())
    page.find("#pair").click()
    assert page.run("return document.querySelector('#pairing-title bdi').textContent") == "Lia \u202eאבג\u202c"
    page.run("navigator.clipboard.writeText = () => Promise.reject(new Error())")
    page.find("#pairing [data-as=code]").click()
    page.find("#pairing-phone input").send_keys("+49 170 1234567")
    page.find("#pairing-phone button").click()
    page.wait_text("#pairing-place output", "ABCD-1234")
    page.find("#pairing-place button").click()
    page.wait(lambda: page.run("return getSelection().toString()") == "ABCD-1234", what="the mark")


def test_codes_that_ran_out_begin_anew_for_a_person_alone_and_the_dialog_waits_for_them(rollcall, page, manage_key):
    rollcall.add_agent("vera", name="Vera", team="codes")
    rollcall.clock_in("vera")
    rollcall.wait_for("vera", observed="WORKING", condition="converged")
    rollcall.fault("needs_qr", ["I-vera"])
    rollcall.wait_for("vera", condition="needs_pairing")
    page.sign_in(manage_key, "/agents/vera")
    page.wait_live()
    page.wait(lambda: page.find("#pair").is_displayed())
    page.find("#pair").click()
    page.wait(lambda: page.has("#pairing-place img"), what="the QR code")
    page.provoked += ["status of 409", "status of 503"]
    # As an engine does whose codes end.
    rollcall.fault("failed", ["I-vera"], count=1)
    rollcall.wait_for("vera", observed="FAILED", condition="needs_pairing")
    page.wait_text("#pairing-status", "Nobody scanned", 20)
    assert not page.has("#pairing-place img")
    assert rollcall.agent("vera")["observed"] == "FAILED", "what the page repeats by itself starts nothing"
    page.find("#pairing-place button").click()
    # To people: what a program should send is none of theirs.
    page.wait(
        lambda: page.text("#pairing-status") == "The session is starting and has no code yet. This page asks again by itself.",
        what="the word that a code is coming",
    )
    page.wait(lambda: page.has("#pairing-place img"), 30, what="the new QR code")
    assert rollcall.agent("vera")["observed"] == "SCAN_QR_CODE"
    rollcall.sim("POST", "/_sim/scan", {"scope": ["I-vera"]})
    page.wait(lambda: not page.find("#pairing").is_displayed(), 30, what="the dialog's end")


def test_what_pairs_is_loaded_when_somebody_wants_it_and_again_where_that_failed(rollcall, page, manage_key):
    rollcall.add_agent("lars", name="Lars", team="lazy")
    rollcall.clock_in("lars")
    rollcall.wait_for("lars", observed="WORKING", condition="converged")
    rollcall.fault("needs_qr", ["I-lars"])
    rollcall.wait_for("lars", condition="needs_pairing")
    page.sign_in(manage_key, "/?team=lazy")
    page.wait_live()
    button = '[data-agent="lars"] [data-pair]'
    page.wait(lambda: page.has(button) and page.find(button).is_displayed(), what="the card")
    loaded = "return performance.getEntriesByType('resource').some((each) => each.name.includes('/assets/pairing.js'))"
    assert page.run(loaded) is False, "most people never need it"
    page.driver.execute_cdp_cmd("Network.enable", {})
    page.driver.execute_cdp_cmd("Network.setBlockedURLs", {"urls": ["*/assets/pairing.js*"]})
    page.click(button)
    page.wait(lambda: "Rollcall did not answer, so this cannot be shown." in page.text('[data-agent="lars"]'), what="that it failed")
    page.driver.execute_cdp_cmd("Network.setBlockedURLs", {"urls": []})
    page.click(button)
    page.wait(lambda: page.has("#pairing-place img"), what="the QR code")
    assert page.find("#pairing[open]")
