def test_the_order_stands_in_the_address(rollcall, page, view_key):
    for agent, name in (("o-1", "Zoe"), ("o-2", "Åsa"), ("o-3", "Ben")):
        rollcall.add_agent(agent, name=name, team="orders", with_instance=False)
    rollcall.clock_in("o-3")
    page.sign_in(view_key, "/?team=orders")
    page.wait_live()
    page.wait_loaded()
    assert page.agents() == ["o-1", "o-2", "o-3"]
    page.find('[name=sort] option[value="name"]').click()
    assert "sort=name" not in page.driver.current_url, "nothing happens while one goes through the choices"
    page.find("#filter button").click()
    page.wait(lambda: "sort=name" in page.driver.current_url and "team=orders" in page.driver.current_url)
    page.wait(lambda: page.agents() == ["o-2", "o-3", "o-1"], what="the order of names")
    page.open("/?team=orders&sort=state")
    page.wait_loaded()
    assert page.agents()[0] == "o-3"


def test_filters_stand_in_the_address_and_no_key_alone_takes_the_focus(rollcall, page, view_key):
    rollcall.add_agent("fi-1", name="Filippa", team="north")
    rollcall.add_agent("fi-2", name="Finn", team="south")
    page.sign_in(view_key, "/?q=fi-")
    page.wait_live()
    assert set(page.agents()) == {"fi-1", "fi-2"}
    # Who speaks to a computer says many letters and signs.
    page.driver.switch_to.active_element.send_keys("/")
    assert page.run("return document.activeElement === document.body")
    search = page.find("#search")
    search.clear()
    search.send_keys("filippa\n")
    page.wait(lambda: "q=filippa" in page.driver.current_url)
    page.wait(lambda: page.agents() == ["fi-1"])
    page.open("/?team=south")
    page.wait(lambda: page.agents() == ["fi-2"])
    page.find('[name=agreement] option[value="stuck"]').click()
    page.find("#filter button").click()
    page.wait(lambda: "agreement=stuck" in page.driver.current_url and "team=south" in page.driver.current_url)
    assert page.agents() == []
    assert "Nobody fits" in page.text("#nobody")


def test_a_named_state_is_asked_for_and_who_leaves_it_leaves_the_list(rollcall, page, view_key):
    for agent in ("ns-1", "ns-2"):
        rollcall.add_agent(agent, team="named")
        rollcall.wait_for(agent, observed="STOPPED", condition="converged")
    page.sign_in(view_key, "/?team=named")
    page.wait_live()
    page.wait_agreement("ns-1", "off")
    assert choice(page, "option[value=off]") == page.cell("ns-1", "agreement") == "off, as it should be"
    page.find("[name=agreement] option[value=off]").click()
    page.find("#filter button").click()
    page.wait(lambda: "agreement=off" in page.driver.current_url and "team=named" in page.driver.current_url)
    page.wait_live()
    page.wait_loaded()
    assert page.agents() == ["ns-1", "ns-2"] and choice(page, "option:checked") == "off, as it should be"
    page.mark()
    rollcall.clock_in("ns-1")
    page.wait(lambda: page.agents() == ["ns-2"], what="only who is off")
    rollcall.add_agent("ns-3", team="named-too", with_instance=False)
    page.wait(lambda: page.has("#teams tr[data-team=named-too] a"), what="the new team")
    rollcall.clock_out("ns-1")
    page.wait(lambda: page.agents() == ["ns-1", "ns-2"], what="who is off again")
    assert page.is_marked()
    # A count leads to all whom it counts, or back from its own team to the others.
    hrefs = page.run("return [...document.querySelectorAll('#counts a')].map((link) => link.getAttribute('href'))")
    assert any("condition=drifted" in href for href in hrefs) and any("team=named-too" in href for href in hrefs)
    assert [href for href in hrefs if "agreement" in href] == ["/?agreement=off"]


def test_the_state_that_a_count_led_to_stays_until_another_is_chosen(rollcall, page, view_key):
    for agent in ("kept-1", "kept-2"):
        rollcall.add_agent(agent, team="kept", with_instance=False)
    page.sign_in(view_key, "/?team=kept&condition=unassigned")
    page.wait_live()
    assert choice(page, "option:checked") == "no session"
    page.find("#search").send_keys("kept-1\n")
    page.wait(lambda: "q=kept-1" in page.driver.current_url)
    assert "condition=unassigned" in page.driver.current_url and "agreement" not in page.driver.current_url
    page.wait_live()
    page.find("[name=agreement] option[value=unmapped]").click()
    page.find("#filter button").click()
    page.wait(lambda: "agreement=unmapped" in page.driver.current_url)
    assert "condition" not in page.driver.current_url
    page.wait_live()
    assert page.agents() == ["kept-1"]
    page.open("/?team=kept&condition=unassigned")
    page.wait_live()
    page.find("[name=agreement] option").click()
    page.find("#filter button").click()
    page.wait(lambda: "condition" not in page.driver.current_url and "team=kept" in page.driver.current_url)


def test_who_comes_back_finds_what_the_address_says_and_nobody_chosen(page, manage_key, long_team):
    page.sign_in(manage_key, "/?team=long")
    page.wait_live()
    page.wait_loaded()
    page.pick("k003")
    page.find("#search").send_keys("k00")
    page.run("document.querySelector('#filter [name=shift]').value = 'in'")
    page.run("location.assign('/stats')")
    page.wait(lambda: page.has("#stats"), what="the other page")
    page.wait_live()
    page.driver.back()
    page.wait(lambda: page.has("#fleet"), what="the page before")
    page.wait_live()
    page.wait_loaded()
    filled = "return [...document.getElementById('filter').elements].filter((each) => each.name && !each.disabled).map((each) => each.value)"
    assert page.run(filled) == ["", "long", "", "", "agent"]
    assert not page.find(f"{page.row('k003')} [data-pick]").is_selected() and not page.find("#bulk").is_displayed()


def choice(page, option):
    return page.run("return document.querySelector(`[name=agreement] ${arguments[0]}`).textContent", option)
