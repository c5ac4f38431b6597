"""What a person sees and does on the page."""

import re

from selenium.common.exceptions import NoSuchElementException, StaleElementReferenceException
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

from rollcall import OUTPUT


class Page:
    def __init__(self, driver, rollcall):
        self.driver = driver
        self.rollcall = rollcall
        # Parts of the console's complaints that the test provokes.
        self.provoked = []

    def provoke(self, *words):
        """Says which complaints of the browser belong to the test: a status, or a net:: word."""
        self.provoked += words

    def run(self, script, *arguments):
        """Has a script run in the page; gives what it returns."""
        return self.driver.execute_script(script, *arguments)

    def open(self, path="/"):
        self.driver.get(self.rollcall.address + path)

    def wait(self, is_so, seconds=30, what=""):
        """Waits until something is so. Elements may be replaced while one looks; then one looks again."""
        ignored = (StaleElementReferenceException, NoSuchElementException)
        return WebDriverWait(self.driver, seconds, 0.05, ignored).until(lambda _: is_so(), what)

    def find(self, selector):
        return self.driver.find_element(By.CSS_SELECTOR, selector)

    def click(self, selector):
        """Clicks on something, again where the page replaced it meanwhile."""
        self.wait(lambda: self.find(selector).click() is None, what=f"a click on {selector}")

    def pick(self, agent):
        """Chooses an agent of the table, scrolled to where nothing lies over it."""
        box = self.find(f"{self.row(agent)} [data-pick]")
        self.driver.execute_script("arguments[0].scrollIntoView({ block: 'center' })", box)
        box.click()

    def has(self, selector):
        return bool(self.driver.find_elements(By.CSS_SELECTOR, selector))

    def text(self, selector):
        """What is read in an element; in one step, since the page may replace it meanwhile. Marks of direction are not read."""
        text = self.run("return document.querySelector(arguments[0])?.innerText", selector)
        if text is None:
            raise NoSuchElementException(selector)
        return re.sub("[\u2068\u2069]", "", text).strip()

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

    def needs(self):
        """Who needs somebody, worst first."""
        return self.driver.execute_script("return [...document.querySelectorAll('#need-list > li')].map((card) => card.dataset.agent)")

    def word(self, agent):
        """The engine's own word for an agent's session."""
        return self.driver.execute_script("return document.querySelector(arguments[0])?.dataset.word", f"{self.row(agent)} [data-field=observed]")

    def wait_agreement(self, agent, agreement, seconds=30):
        row = self.row(agent)
        self.wait(lambda: self.find(row).get_attribute("data-agreement") == agreement, seconds, f"{agent} being {agreement}")

    def wait_loaded(self, seconds=30):
        """Waits until the script has taken over the whole table."""
        is_loaded = lambda: int(self.find("#agents").get_attribute("aria-rowcount")) >= 0
        self.wait(is_loaded, seconds, "the whole table")

    def agents(self):
        """The agents of the table that are in it now, from top to bottom."""
        return self.driver.execute_script("return [...document.querySelectorAll('#rows tr')].map((row) => row.dataset.agent)")

    def count(self, word):
        return int(self.driver.execute_script("return document.querySelector(arguments[0]).textContent", f'[data-count="{word}"]'))

    def record(self, agent, field):
        """Keeps every text that a cell shows from now on; `recorded` gives them."""
        self.driver.execute_script(
            """
            const cell = document.querySelector(arguments[0]);
            window.recorded = [cell.textContent];
            new MutationObserver(() => {
              if (window.recorded.at(-1) !== cell.textContent) window.recorded.push(cell.textContent);
            }).observe(cell, { childList: true, characterData: true, subtree: true });
            """,
            f"{self.row(agent)} [data-field={field}]",
        )

    def recorded(self):
        return self.driver.execute_script("return window.recorded")

    def is_grey(self, element="fleet"):
        """Whether what is shown is greyed out as no longer true."""
        script = "return getComputedStyle(document.getElementById(arguments[0])).filter"
        return "grayscale(1)" in self.driver.execute_script(script, element)

    def agents_without_script(self):
        return [row.get_attribute("data-agent") for row in self.driver.find_elements(By.CSS_SELECTOR, "#rows tr")]

    def first_load(self):
        """What this page took to come whole, its list and all else that it asks for included: bytes compressed, bytes plain, and
        name and both of each part. The stream, which never ends, is not among them."""
        sizes = self.driver.execute_script(
            """
            const asked = [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")];
            return asked.map((each) => [each.name.replace(location.origin, ""), each.encodedBodySize, each.decodedBodySize]);
            """
        )
        return sum(size for _, size, _ in sizes), sum(plain for _, _, plain in sizes), sizes

    def start_clock(self, is_so):
        """Starts a clock in the page that stops once an expression of its script is true."""
        self.driver.execute_script(
            f"""
            const began = performance.now();
            let lastTick = began;
            let lag = 0; // what this machine keeps the page waiting for
            window.clocked = null;
            const ticking = setInterval(() => {{
              lag += Math.max(0, performance.now() - lastTick - 100);
              lastTick = performance.now();
              if (!({is_so})) return;
              clearInterval(ticking);
              window.clocked = (performance.now() - began - lag) / 1000;
            }}, 100);
            """
        )

    def wait_clock(self, what):
        """The seconds that the clock ran, less what this machine kept the page waiting for."""
        return self.wait(lambda: self.driver.execute_script("return window.clocked"), 60, what)

    def before_scripts(self, script):
        """Has a script run in every page that is opened from now on, before the page's own."""
        self.driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": script})

    def hasten(self, milliseconds):
        """Has the page wait only so long from now on for what it would wait for longer than 10 s."""
        script = "const [most] = arguments, later = window.setTimeout; window.setTimeout = (act, wait) => later(act, wait > 10_000 ? most : wait)"
        self.driver.execute_script(script, milliseconds)

    def count_rereads(self):
        """Counts from now on how often the page reads itself again: `window.rereads`, those that are done."""
        self.driver.execute_script(
            """
            const ask = window.fetch;
            window.rereads = 0;
            window.fetch = async (address, wish) => {
              const answer = await ask(address, wish);
              if (wish?.headers?.["X-Rollcall-Reread"]) setTimeout(() => (window.rereads += 1), 200);
              return answer;
            };
            """
        )

    def wait_rereads(self, number):
        self.wait(lambda: self.driver.execute_script("return window.rereads") >= number, 60, f"{number} readings of the page")

    def commands(self):
        """What was done for the agent of this page, newest first."""
        return self.driver.execute_script("return [...document.querySelectorAll('#commands tr[data-action]')].map((row) => row.dataset.action)")

    def observed(self):
        """The engine's word for the session of this agent's page."""
        return self.driver.execute_script("return document.querySelector('#observed')?.dataset.word")

    def agreement(self):
        """How shift and session of this agent's page agree."""
        return self.driver.execute_script("return document.querySelector('#agent')?.dataset.agreement")

    def wait_observed(self, word, seconds=30):
        self.wait(lambda: self.observed() == word, seconds, f"the session being {word}")
