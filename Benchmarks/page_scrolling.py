"""How smoothly the table scrolls: part of Benchmarks/page.

All agents are to scroll as ten do: the p99 of their frames is at most 1.5 times that of ten agents, scrolled in the same way in the
same run, and nowhere is there no row for longer than 100 ms.
"""

import time

from page_browser import rounded, spread

LONG_FRAME = 50  # milliseconds
RATIO_LIMIT = 1.5  # p99 of all agents' frames to that of ten
BLANK_LIMIT = 100  # milliseconds without a row where one should be

FRAMES = """
    window.frames_ = [];
    window.blank = 0;
    window.longestBlank = 0;
    let last = null;
    let blankSince = null;
    window.isWatching = true;
    const frame = (now) => {
      if (last !== null) window.frames_.push(now - last);
      last = now;
      const row = document.elementFromPoint(innerWidth / 2, innerHeight / 2)?.closest("tr");
      const isBlank = Boolean(row) && !row.dataset.agent;
      if (isBlank) window.blank += 1;
      if (isBlank) blankSince ??= now;
      if (blankSince !== null) window.longestBlank = Math.max(window.longestBlank, now - blankSince);
      if (!isBlank) blankSince = null;
      if (window.isWatching) requestAnimationFrame(frame);
    };
    requestAnimationFrame(frame);
"""
AT_END = "return Math.ceil(scrollY + innerHeight) >= document.documentElement.scrollHeight - 2"


def measure_scrolling(browser, step, path="/", steps=None):
    """Frames from the first row to the last; with `steps` so many, to and fro by turns, as a page has to that one step crosses."""
    browser.open_fleet(path)
    browser.run("document.getElementById('agents').scrollIntoView()")
    time.sleep(1)  # the page settles; nothing is measured yet
    browser.run(FRAMES)
    began = time.monotonic()
    done = 0
    while done < (steps or 20_000):
        step(browser, -1 if steps and done % 2 else 1)
        done += 1
        if not steps and done % 20 == 0 and browser.run(AT_END):
            break
    browser.run("window.isWatching = false")
    last = browser.run("return [...document.querySelectorAll('#rows tr')].at(-1)?.dataset.agent")
    frames, blank, longest = browser.run("return [window.frames_, window.blank, window.longestBlank]")
    return {
        "agents": browser.run("return Number(document.getElementById('agents').getAttribute('aria-rowcount')) - 1"),
        "frame": spread(frames),
        "long_frames": sum(1 for frame in frames if frame > LONG_FRAME),
        "blank_frames": blank,
        "longest_blank_ms": rounded(longest),
        "steps": done,
        "seconds": rounded(time.monotonic() - began),
        "last_row": last,
    }


def compare(everybody, ten):
    """All agents beside ten, and what is not as it should be."""
    ratio = everybody["frame"]["p99"] / ten["frame"]["p99"]
    missed = []
    if ten["agents"] != 10:
        missed.append(f"{ten['agents']} agents were scrolled, and not ten")
    if ratio > RATIO_LIMIT:
        missed.append(f"the p99 of a frame is {ratio:.2f} times that of ten agents, above {RATIO_LIMIT}")
    if everybody["longest_blank_ms"] > BLANK_LIMIT:
        missed.append(f"no row for {everybody['longest_blank_ms']} ms, longer than {BLANK_LIMIT}")
    return {"ratio_of_p99": round(ratio, 2), "missed": missed}


def wheel(browser, way):
    browser.command("Input.dispatchMouseEvent", type="mouseWheel", x=640, y=450, deltaX=0, deltaY=1200 * way)


def page_key(browser, way):
    key, code = ("PageDown", 34) if way > 0 else ("PageUp", 33)
    for kind in ("keyDown", "keyUp"):
        browser.command("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=code)
