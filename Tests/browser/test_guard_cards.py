"""The card of a change that waits: what is asked for, by whom, for whom and what comes of it; what came of its parts."""

import axe
import pytest
from held_changes import NAMES, REASON, came, hold, order, team


def check(page, card):
    """What the card says, whoever put it there."""
    text = page.text(card)
    for words in (
        "The session would be held stopped until", "because", REASON, "8 agents: Ana · Ben · Chen · And 5 more.",
        "It waits because much would change at once: with this order by", "8 agents wait.", "Asked", " ago.", "It is dropped", "if nobody decides.",
        "sessions within five minutes.", "A manager's turn: look and decide.",
    ):
        assert words in text, (words, text)
    # Nothing of it is so yet, and what that is stands above it, to be seen.
    assert "is held" not in text and "Asked for" not in text
    assert page.text("#guards-title") == "Changes that wait for somebody"
    assert page.run("return document.getElementById('guards-title').getBoundingClientRect().height") > 10
    # Somebody's words are text, and run for themselves.
    assert page.run("return document.querySelector(arguments[0]).textContent", f"{card} .ask q") == REASON
    assert page.run("return getComputedStyle(document.querySelector(arguments[0])).unicodeBidi", f"{card} .ask q") == "isolate"
    assert not page.has(f"{card} b")
    assert page.run("return [...document.querySelectorAll(arguments[0])].map((each) => each.textContent).slice(-4, -1)", f"{card} bdi") == NAMES[:3]
    assert "Approved, it happens at once; refused, or if nobody decides, everything stays as it is." in page.text("#guards")


def test_a_card_says_what_is_asked_for_live_and_after_a_reload_and_without_a_script(rollcall, open_browser, view_key, manage_key, team):
    page = open_browser()
    page.sign_in(view_key)
    page.wait_live()
    page.mark()
    change = order(rollcall, manage_key, "hold", team[1])
    card = f'#guard-list [data-change="{change}"]'
    page.wait(lambda: "8 agents wait." in page.text(card), what="the card of all eight, who come one after the other")
    check(page, card)
    assert page.is_marked()
    assert axe.violations(page.driver) == []
    page.shoot("guard-card")
    page.open()
    page.wait_live()
    page.wait(lambda: page.find(f"{card} [data-open]").is_displayed(), what="the card after a reload")
    check(page, card)
    plain = open_browser(script=False)
    plain.sign_in(view_key)
    text = plain.find(card).text
    for words in ("The session would be held stopped until", "A manager's turn: look and decide.", REASON, "8 agents: Ana · Ben · Chen · And 5 more.", "8 agents wait."):
        assert words in text, (words, text)
    rollcall.must("POST", f"/v1/guard/{change}/refuse")
    page.wait(lambda: not page.has(card), what="the end of the change")


@pytest.mark.parametrize(
    "language, words", [("es", ["quedaría retenida", "Le toca a un responsable", "8 agentes: Ana · Ben · Chen", "Y 5 más."]), ("ar", ["ستُثبَّت الجلسة متوقفة", "الدور على مدير", "و5 غيرهم."])]
)
def test_a_card_speaks_the_reader_s_language(rollcall, page, view_key, manage_key, team, language, words):
    change = order(rollcall, manage_key, "hold", team[1])
    card = f'#guard-list [data-change="{change}"]'
    page.sign_in(view_key, f"/?lang={language}")
    page.wait_live()
    page.wait(lambda: words[-1] in page.text(card), what="the card of all eight")
    for word in words:
        assert word in page.text(card), (word, page.text(card))
    assert axe.violations(page.driver) == []
    for width in (1280, 360):
        screen = {"width": width, "height": 740, "deviceScaleFactor": 1, "mobile": width == 360}
        page.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen)
        page.wait(lambda: page.run("return innerWidth") == width)
        assert page.run("return document.documentElement.scrollWidth - innerWidth") <= 0
        place = page.run(
            """
            const [list, ask] = [arguments[0], arguments[1]].map((each) => document.querySelector(each).getBoundingClientRect());
            return ask.top >= list.top && ask.bottom <= list.bottom;
            """,
            "#guard-list",
            f"{card} .ask",
        )
        assert place, "what is asked for is seen without scrolling"
        parts = page.run(
            "return [...document.querySelectorAll(arguments[0])].filter((each) => each.checkVisibility()).map((each) => each.className)",
            f"{card} > p",
        )
        bottoms = page.run("return arguments[0].map((each) => document.querySelector(each).getBoundingClientRect().bottom)", [card, "#guard-list"])
        if width == 360:
            # The rest stands where somebody looks closer; nothing is cut through.
            assert parts == ["ask", "turn", "buttons"] and bottoms[0] <= bottoms[1] + 1, (parts, bottoms)
        else:
            assert len(parts) == 6, parts
        assert page.run("return document.getElementById('guards-title').getBoundingClientRect().height") > 10
        page.shoot(f"guard-card-{language}-{width}")
    rollcall.must("POST", f"/v1/guard/{change}/refuse")


def test_what_came_of_a_part_has_a_sign_and_a_word_of_its_own(rollcall, page, manage_key, team):
    _, agents = team
    change = order(rollcall, manage_key, "hold", agents)
    rollcall.must("POST", f"/v1/guard/{change}/refuse", {"agents": agents[:1]})
    rollcall.must("PUT", f"/v1/agents/{agents[1]}/hold", hold("running"))
    page.sign_in(manage_key)
    page.wait_live()
    card = f'#guard-list [data-change="{change}"]'
    page.wait(lambda: "6 agents wait." in page.text(card), what="the card of those who wait still")
    # Whose part waits no more is not among those whom it is about.
    assert "6 agents: Chen · Dalia · Emre · And 3 more." in page.text(card)
    assert "Your turn: look and decide." in page.text(card)
    page.click(f"{card} [data-open]")
    page.wait(lambda: page.find("#guard-dialog").is_displayed(), what="the change")
    refused, superseded, waits = (came(page, agent) for agent in agents[:3])
    assert refused[0] == '"–"' and refused[1].endswith("(refused)"), refused
    assert superseded[0] == '"→"' and superseded[1].endswith("(a newer change took its place)"), superseded
    assert waits[0] is None and waits[1].endswith("Then the session should be stopped."), waits
    page.find("#guard-dialog [data-decide=approve]").click()
    page.wait(lambda: came(page, agents[2])[1].endswith("(approved and done)"), what="what came of it")
    assert came(page, agents[2])[0] == '"✓"'
    assert [came(page, agent) for agent in agents[:2]] == [refused, superseded]
    # Only what waits still would be so; of the rest the deed is named.
    assert "The session would be held stopped until" in waits[1]
    for agent in agents[:3]:
        text = came(page, agent)[1]
        assert "Hold the session stopped until" in text and "would" not in text, text
    assert axe.violations(page.driver) == []
    page.shoot("guard-parts")


# A change is shown as it was when less of it waited, until somebody approves it.
