"""Runs axe-core on what a browser shows, and says what it finds in lines that people can read."""

import functools
import importlib.util
import pathlib

# Best practices are not what anybody demands, but whoever follows them helps too.
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


@functools.cache
def source():
    """The script, as a package of PyPI carries it; nothing of that package is run."""
    package = importlib.util.find_spec("axe_playwright_python").submodule_search_locations[0]
    return (pathlib.Path(package) / "axe.min.js").read_text()


def violations(driver):
    """Each rule that is broken, where, and why."""
    driver.execute_cdp_cmd("Runtime.evaluate", {"expression": source()})
    driver.set_script_timeout(60)
    found = driver.execute_async_script(
        """
        const done = arguments[1];
        axe.run(document, { runOnly: arguments[0], resultTypes: ["violations"] })
          .then((result) => done(result.violations), (error) => done([{ id: String(error), nodes: [] }]));
        """,
        TAGS,
    )
    return [
        f"{each['id']}: {node['target']} {node['failureSummary']}" for each in found for node in each["nodes"] or [{"target": "", "failureSummary": ""}]
    ]
