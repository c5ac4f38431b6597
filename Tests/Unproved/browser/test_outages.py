import pytest


@pytest.fixture(scope="module", autouse=True)
def agent(rollcall):
    rollcall.add_agent("olga")
    rollcall.clock_in("olga")
    rollcall.wait_for("olga", observed="WORKING", condition="converged")


def test_what_cannot_be_read_any_more_is_shown_as_old(rollcall, page, view_key):
    page.sign_in(view_key)
    page.wait_live()
    page.wait_cell("olga", "observed", "WORKING")
    rollcall.fault("outage", mode="503")
    try:
        page.wait_cell("olga", "condition", "unknown")
        page.wait_cell("olga", "observed", "last seen WORKING")
        assert page.find(page.row("olga")).get_attribute("data-stale") == "true"
        assert "too old to be believed" in page.cell("olga", "reason")
        page.shoot("stale")
    finally:
        rollcall.mend()
    page.wait(lambda: page.cell("olga", "observed") == "WORKING", 60, "the end of the outage")
    page.wait_cell("olga", "condition", "in order")


def test_a_restarted_server_is_found_again(rollcall, page, view_key):
    page.sign_in(view_key)
    page.wait_live()
    page.mark()
    rollcall.stop_server()
    page.wait(lambda: page.find("#live").get_attribute("data-state") != "live", what="the break")
    rollcall.start_server()
    page.wait_live(60)
    rollcall.add_agent("newcomer")
    page.wait(lambda: "newcomer" in page.agents())
    page.wait_cell("olga", "observed", "WORKING")
    assert page.is_marked()


def test_a_page_that_hears_nothing_says_so_and_turns_grey(rollcall, page, view_key):
    page.sign_in(view_key)
    page.wait_live()
    assert not page.find("#silence").is_displayed()
    rollcall.freeze()
    try:
        page.wait(lambda: page.find("#silence").is_displayed(), 45, "the warning")
        assert "may not be true any more" in page.text("#silence")
        assert "grayscale" in page.driver.execute_script("return getComputedStyle(document.getElementById('fleet')).filter")
        page.shoot("silent")
    finally:
        rollcall.thaw()
    page.wait(lambda: not page.find("#silence").is_displayed(), what="the end of the silence")
    page.wait_live()
