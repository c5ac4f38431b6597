"""Runs axe-core on what a browser shows, and says what it finds in lines that people can read.

Where it cannot tell what contrast a text has, that is found as well: what a bar covers at the moment is looked at again in the middle
of the window, what stands in a dialog with all else out of sight, and the rest has to be one of `UNDECIDED`. Filters it does not count: see contrast.py.
"""

import functools
import importlib.util
import pathlib

# Best practices are not what anybody demands, but whoever follows them helps too.
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]

# What may be left undecided about the contrast of a text, by a selector, and why that is all right.
UNDECIDED = {
    ".skip:not(:focus)": "it stands outside of the page until it has the focus; test_views.py looks at it then",
    "body:has(dialog:modal) :not(dialog, dialog *)":
        "it lies behind an open dialog, where nobody can read or press it; every view is looked at without one",
}

RUN = """
    const [tags, undecided, done] = arguments;
    const contrast = { runOnly: { type: "rule", values: ["color-contrast"] }, resultTypes: ["violations", "incomplete"] };
    const unsure = ({ incomplete }) => incomplete.filter((rule) => rule.id === "color-contrast").flatMap((rule) => rule.nodes);
    const told = (rule, { target, failureSummary }) => `${rule}: ${target} ${failureSummary}`;
    const broken = ({ violations }) => violations.flatMap((rule) => rule.nodes.map((node) => told(rule.id, node)));

    // What lies behind an open dialog counts as partly before it, since axe knows nothing of the top layer.
    function showAlone(dialog, isAlone) {
      for (const part of document.body.children) part.style.visibility = isAlone ? "hidden" : "";
      dialog.style.visibility = isAlone ? "visible" : "";
    }

    async function lookAgain(node) {
      const element = document.querySelector(node.target.at(-1));
      if (!element || undecided.some((selector) => element.matches(selector))) return [];
      element.scrollIntoView({ block: "center" });
      const dialog = element.closest("dialog:modal");
      if (dialog) showAlone(dialog, true);
      const result = await axe.run(element, contrast);
      if (dialog) showAlone(dialog, false);
      const keys = (each) => each.any.map((check) => check.data?.messageKey).join();
      return [...broken(result), ...unsure(result).map((each) => told(`undecided (${keys(each)})`, each))];
    }

    (async () => {
      const result = await axe.run(document, { runOnly: tags, resultTypes: ["violations", "incomplete"] });
      const found = broken(result);
      const { scrollX, scrollY } = window;
      for (const node of unsure(result)) found.push(...(await lookAgain(node)));
      window.scrollTo(scrollX, scrollY);
      return found;
    })().then(done, (error) => done([String(error)]));
"""


@functools.cache
def source():
    """The script, as a package of PyPI carries it; nothing of that package is run."""
    package = importlib.util.find_spec("axe_playwright_python").submodule_search_locations[0]
    return (pathlib.Path(package) / "axe.min.js").read_text()


def violations(driver):
    """Each rule that is broken, where, and why; and each text whose contrast cannot be told."""
    driver.execute_cdp_cmd("Runtime.evaluate", {"expression": source()})
    driver.set_script_timeout(60)
    return driver.execute_async_script(RUN, TAGS, list(UNDECIDED))
