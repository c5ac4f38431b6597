"""A stream that the test tells, for tests of what a page makes of what it hears."""

import pytest

# The stream is the test's: `say` has the newest one say what is told, and a stream that was called off says nothing more. What else
# is asked for is noted in `asked`, with the instant, and refused where its address has `refused` in it. The clock is `ahead`.
STREAM = """
  const ask = window.fetch;
  const now = Date.now;
  let stream = null;
  window.ahead = 0;
  Date.now = () => now() + window.ahead;
  window.streams = [];
  window.asked = [];
  window.refused = null;
  window.say = (text) => stream.enqueue(new TextEncoder().encode(`${text}\\n\\n`));
  window.alive = () => window.say(`: alive ${new Date().toISOString()}`);
  window.tell = (name, data = {}) => window.say(`event: ${name}\\ndata: ${JSON.stringify(data)}`);
  window.fetch = (address, wish) => {
    if (!String(address).startsWith("/v1/stream")) {
      window.asked.push([String(address), performance.now()]);
      if (window.refused && String(address).includes(window.refused)) return Promise.resolve(new Response("", { status: 503 }));
      return ask(address, wish);
    }
    window.streams.push(performance.now());
    const body = new ReadableStream({
      start(controller) {
        stream = controller;
        wish.signal.addEventListener("abort", () => {
          try { controller.error(wish.signal.reason); } catch {}
        });
      },
    });
    setTimeout(() => window.opening?.(), 0);
    return Promise.resolve(new Response(body));
  };
"""


@pytest.fixture
def streamed(page, view_key):
    """Opens a page whose stream is the test's; `opening` is what each stream begins with."""

    def open_page(path="/", opening="window.alive()"):
        page.sign_in(view_key, path)
        page.before_scripts(STREAM + f"window.opening = () => {{ {opening} }};")
        page.open(path)
        page.wait_live()
        return page

    return open_page


def asked(page, path):
    """The milliseconds at which something was asked for."""
    return page.run("return window.asked.filter(([address]) => address.startsWith(arguments[0])).map(([, at]) => at)", path)
