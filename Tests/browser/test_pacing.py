"""How often, and how far apart, pages ask that hear of the same at once."""

import pytest
from told_stream import asked, streamed

WAITING = ["waiting", {}]
CHANGE_HELD = ["incident", {"id": 1, "kind": "change_held", "change": 1}]
SOURCE_SILENT = ["incident", {"id": 2, "kind": "source_silent", "source": "quiet"}]
ENGINE_AWAY = ["incident", {"id": 3, "kind": "engine_outage", "engine": "main"}]


@pytest.mark.parametrize(
    "path, news, asks",
    [
        ("/", [WAITING, CHANGE_HELD], ["/unmatched/count", "/v1/guard"]),
        ("/unmatched", [WAITING], ["http"]),
        ("/sources", [SOURCE_SILENT], ["http"]),
    ],
)
def test_a_flood_of_news_is_asked_after_now_and_then_and_once_more_after_it(streamed, path, news, asks):
    page = streamed(path)
    page.run("return new Promise((go) => setTimeout(go, 3000))")  # what it asks for by itself at the beginning is over
    page.run(
        """
        const [news] = arguments;
        window.asked = [];
        window.floodAt = performance.now();
        const flood = setInterval(() => {
          window.alive();
          for (const each of news) window.tell(...each);
          window.lastAt = performance.now();
          if (performance.now() - window.floodAt > 5_000) clearInterval(flood);
        }, 20);
        """,
        news,
    )
    page.run("return new Promise((go) => setTimeout(go, 8600))")
    began, last = page.run("return [window.floodAt, window.lastAt]")
    for each in asks:
        times = asked(page, each)
        # By itself a page asks every 3 s at the most, and seldom while it is told something.
        assert 3 <= len(times) <= 6, (each, times)
        assert times[0] - began < 1_000, "the first at once"
        assert times[-1] > last, "and what came last is shown too"
        assert times[-1] - times[-2] < 2_700, "for it was told; by itself it asks after 3 s"


# Tells something; gives when it did, once a page has had the time to ask.
TELL = """
  const [news] = arguments;
  window.asked = [];
  const told = performance.now();
  window.tell(...news);
  return new Promise((go) => setTimeout(() => go(told), 2000));
"""


@pytest.mark.parametrize("news, asks, leaves", [(WAITING, "/unmatched/count", "/v1/guard"), (CHANGE_HELD, "/v1/guard", "/unmatched/count")])
@pytest.mark.parametrize("chance, soonest, latest", [(0, 0, 650), (0.999, 700, 1_500)])
def test_pages_ask_apart_and_only_for_what_they_were_told_of(streamed, news, asks, leaves, chance, soonest, latest):
    page = streamed()
    page.run("return new Promise((go) => setTimeout(go, 3000))")  # what it asks for by itself at the beginning is over
    page.run("const [chance] = arguments; Math.random = () => chance", chance)
    told = page.run(TELL, news)
    (at,) = asked(page, asks)
    assert soonest <= at - told < latest
    assert asked(page, leaves) == [], "of that it was told nothing"


def test_a_page_of_sources_asks_for_nothing_when_it_hears_of_an_engine(streamed):
    page = streamed("/sources")
    page.run("Math.random = () => 0; window.asked = []")
    page.wait(lambda: asked(page, "http"), 20, "a reading by itself")
    told = page.run(TELL, ENGINE_AWAY)
    # The next one by itself comes 3 s after that one.
    assert [at - told for at in asked(page, "http") if at - told < 1_500] == []
