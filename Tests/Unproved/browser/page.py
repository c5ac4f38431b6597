"""What a person sees and does on the page."""

from selenium.common.exceptions import NoSuchElementException, StaleElementReferenceException
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

from rollcall import OUTPUT


class Page:
    def __init__(self, driver, rollcall):
        self.driver = driver
        self.rollcall = rollcall

    def open(self, path="/"):
        self.driver.get(self.rollcall.address + path)

    def wait(self, is_so, seconds=30, what=""):
        """Waits until something is so. Elements may be replaced while one looks; then one looks again."""
        ignored = (StaleElementReferenceException, NoSuchElementException)
        return WebDriverWait(self.driver, seconds, 0.05, ignored).until(lambda _: is_so(), what)

    def find(self, selector):
        return self.driver.find_element(By.CSS_SELECTOR, selector)

    def has(self, selector):
        return bool(self.driver.find_elements(By.CSS_SELECTOR, selector))

    def text(self, selector):
        return self.find(selector).text

    def wait_text(self, selector, text, seconds=30):
        self.wait(lambda: text in self.text(selector), seconds, f"{selector} showing {text}")

    def type_key(self, key):
        self.find("#key").send_keys(key)
        self.find("#sign-in button").click()

    def shoot(self, name):
        """Keeps what is seen now."""
        self.driver.save_screenshot(str(OUTPUT / f"{name}.png"))

    def sign_in(self, key, path="/"):
        self.open(path)
        self.type_key(key)
        self.wait(lambda: self.has("#sign-out"), what="the sign-in")

    def wait_live(self, seconds=30):
        self.wait(lambda: self.find("#live").get_attribute("data-state") == "live", seconds, "a live page")

    def mark(self):
        """Leaves a mark that a reload would wipe away."""
        self.driver.execute_script("window.mark = true")

    def is_marked(self):
        return self.driver.execute_script("return window.mark === true")

    def row(self, agent):
        return f'tr[data-agent="{agent}"]'

    def cell(self, agent, field):
        return self.text(f"{self.row(agent)} [data-field={field}]")

    def wait_cell(self, agent, field, text, seconds=30):
        self.wait(lambda: text in self.cell(agent, field), seconds, f"{field} of {agent} showing {text}")

    def agents(self):
        """The agents of the table, from top to bottom."""
        return self.driver.execute_script("return [...document.querySelectorAll('#rows tr')].map((row) => row.dataset.agent)")

    def count(self, word):
        return int(self.text(f'[data-count="{word}"]'))

    def agents_without_script(self):
        return [row.get_attribute("data-agent") for row in self.driver.find_elements(By.CSS_SELECTOR, "#rows tr")]

    def commands(self):
        """What was done for the agent of this page, newest first."""
        return [cell.text for cell in self.driver.find_elements(By.CSS_SELECTOR, "#commands td[data-label=What]")]
