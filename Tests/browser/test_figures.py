"""The filter of the page of figures: it asks for nothing by itself, and follows the day."""


def test_nothing_is_asked_for_before_somebody_shows_it(page, view_key):
    page.sign_in(view_key, "/stats")
    page.wait_live()
    page.mark()
    # What a browser says of each digit of a day, and of each step through a list.
    page.run(
        """
        for (const [name, value] of [["day", "2020-01-02"], ["zone", null]]) {
          const field = document.querySelector(`form.filter [name=${name}]`);
          if (value) field.value = value;
          for (const kind of ["input", "change"]) field.dispatchEvent(new Event(kind, { bubbles: true }));
        }
        """
    )
    page.driver.execute_async_script("setTimeout(arguments[0], 1500)")
    assert page.is_marked() and page.driver.current_url.endswith("/stats")
    page.find("form.filter button").click()
    page.wait(lambda: "day=2020-01-02" in page.driver.current_url, what="the day that was asked for")


def test_a_day_that_the_page_itself_puts_there_is_nobody_s(page, view_key):
    page.sign_in(view_key, "/stats")
    page.wait_live()
    # Yesterday's page, a minute after it was read.
    page.run(
        """
        const day = document.querySelector("form.filter [name=day]");
        day.defaultValue = day.value = "2020-01-01";
        document.getElementById("figures").dataset.day = "2020-01-01";
        const now = Date.now;
        Date.now = () => now() + 61_000;
        """
    )
    values = "const day = document.querySelector('form.filter [name=day]'); return [day.value, day.defaultValue]"
    page.wait(lambda: page.run(values)[0] != "2020-01-01", what="today")
    assert page.run(values) == [page.run("return document.getElementById('figures').dataset.day")] * 2
