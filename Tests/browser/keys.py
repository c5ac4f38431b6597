"""The keyboard alone: keys that are pressed, and where they lead."""

from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys


def press(page, *keys):
    """Presses keys, whatever has the focus at that moment: the page may replace it in between."""
    for key in keys:
        ActionChains(page.driver).send_keys(key).perform()


def focused(page, selector):
    return page.driver.execute_script("return document.activeElement.matches(arguments[0])", selector)


def tab_to(page, selector, limit=60):
    """Goes from what has the focus to what fits, as somebody does who sees where the focus is."""
    for _ in range(limit):
        if focused(page, selector):
            outline = page.driver.execute_script("return getComputedStyle(document.activeElement).outlineStyle")
            assert outline != "none", f"the focus is seen on {selector}"
            return
        press(page, Keys.TAB)
    raise AssertionError(f"{selector} is not reached by the keyboard")
