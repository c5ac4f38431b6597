import pytest


@pytest.fixture(scope="module", autouse=True)
def team(rollcall):
    rollcall.add_agent("s1", team="red")
    rollcall.add_agent("s2", team="blue")


def test_a_wrong_key_is_refused_and_the_person_is_told(page):
    page.open()
    page.type_key("rk_this_is_no_key")
    page.wait_text("#refusal", "not known")
    assert not page.has("#rows")
    assert "s1" not in page.driver.page_source


def test_who_signs_in_sees_the_table_and_who_signs_out_does_not(page, view_key):
    page.sign_in(view_key)
    page.wait(lambda: page.agents() == ["s2", "s1"])
    page.find("#sign-out button").click()
    page.wait(lambda: page.has("#key"))
    page.open("/agents/s1")
    assert page.has("#key")


def test_the_cookie_is_out_of_the_script_s_reach_and_no_secret_is_in_the_source(page, manage_key):
    page.sign_in(manage_key, "/agents/s1")
    assert page.driver.execute_script("return document.cookie") == ""
    cookie = page.driver.get_cookie("rollcall_session")
    assert cookie["httpOnly"] and cookie["sameSite"] == "Strict"
    source = page.driver.page_source
    assert manage_key not in source and cookie["value"] not in source
    assert "wawp-s1" not in source


def test_a_key_of_a_team_shows_that_team_alone(rollcall, page):
    page.sign_in(rollcall.key("view", teams=["red"])["key"])
    page.wait_live()
    assert page.agents() == ["s1"]
    assert page.count("agents") == 1


def test_without_script_one_can_sign_in_look_and_sign_out(open_browser, view_key):
    page = open_browser(script=False)
    page.sign_in(view_key)
    assert set(page.agents_without_script()) == {"s1", "s2"}
    assert "does not follow" in page.text("noscript")
    page.find("#sign-out button").click()
    page.wait(lambda: page.has("#key"))


def test_a_revoked_key_ends_what_is_open(rollcall, page):
    key = rollcall.key("view")
    page.sign_in(key["key"])
    page.wait_live()
    rollcall.must("DELETE", f"/v1/keys/{key['id']}")
    page.wait(lambda: page.has("#key"), what="the sign-in")
