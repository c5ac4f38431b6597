"""The end of a sign-in that nobody uses: it is said before it comes, and one press puts it off."""

import axe
import pytest

# The page's clock is `ahead`, and the session is said to end in `endsIn` milliseconds, unless that is 0 or it was prolonged. What is
# looked at once a minute is looked at twice a second.
NEAR = """
  const now = Date.now;
  const ask = window.fetch;
  const every = window.setInterval;
  window.ahead = 0;
  window.endsIn = 0;
  window.asked = [];
  Date.now = () => now() + window.ahead;
  window.setInterval = (act, wait) => every(act, Math.min(wait, 500));
  window.fetch = async (address, wish) => {
    const method = wish?.method ?? "GET";
    window.asked.push(`${method} ${address}`);
    if (method === "PUT") window.endsIn = 0;
    const answer = await ask(address, wish);
    if (`${method} ${address}` !== "GET /session" || !window.endsIn) return answer;
    return Response.json({ ...(await answer.json()), expires_at: new Date(now() + window.endsIn).toISOString() });
  };
"""


def leave(page, ends_in):
    """Nobody did anything for eleven and a half hours."""
    page.run("window.endsIn = arguments[0]; window.ahead = 41_500_000", ends_in)


def asked(page, what):
    return page.run("return window.asked.filter((each) => each === arguments[0]).length", what)


@pytest.fixture
def near(page, view_key):
    def open_page(path="/"):
        page.before_scripts(NEAR)
        page.sign_in(view_key, path)
        page.wait_live()
        return page

    return open_page


@pytest.mark.parametrize(
    "path, words, button",
    [
        ("/", "You will be signed out at ", "Stay signed in"),
        ("/stats?lang=es", "Su sesión terminará a las ", "Seguir en la sesión"),
        ("/sources?lang=ar", "ينتهي تسجيل دخولك في ", "ابقَ مسجَّل الدخول"),
    ],
)
def test_the_end_is_said_and_one_press_puts_it_off(near, path, words, button):
    page = near(path)
    assert not page.run("return performance.getEntriesByType('resource').some((each) => each.name.includes('ending.js'))")
    leave(page, 600_000)
    page.wait(lambda: page.find("#ending").is_displayed(), what="the warning")
    assert page.text("#ending span").startswith(words) and page.text("#ending button") == button
    assert page.find("#ending").get_attribute("role") == "alert" and not page.has("#ending time")
    page.wait_live()
    assert axe.violations(page.driver) == []
    page.shoot("ending")
    page.find("#ending button").click()
    page.wait(lambda: not page.has("#ending"), what="the end of the warning")
    assert asked(page, "PUT /session") > 0
    page.wait(lambda: page.run("return document.activeElement.id") == "main", what="the focus")
    # By the server's word it ends much later now.
    page.driver.execute_async_script("setTimeout(arguments[0], 2000)")
    assert not page.has("#ending")


def test_who_acts_in_another_tab_is_not_warned_and_no_longer_warned(near):
    page = near()
    leave(page, 0)
    page.wait(lambda: asked(page, "GET /session") == 1, what="the question when it ends")
    page.driver.execute_async_script("setTimeout(arguments[0], 2000)")
    assert not page.has("#ending") and asked(page, "GET /session") == 1


def test_a_warning_goes_when_somebody_acts_elsewhere(near):
    page = near()
    leave(page, 600_000)
    page.wait(lambda: page.find("#ending").is_displayed(), what="the warning")
    page.run("window.endsIn = 0")
    page.wait(lambda: not page.has("#ending"), what="the end of the warning")
    assert asked(page, "PUT /session") == 0
