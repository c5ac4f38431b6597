"""The contrast of texts as they are painted: with the filters and the opacity of all that they stand in, which axe-core leaves out.

Each text and what is behind it are two colours that go up through the elements around it: every background comes beneath both, and
every filter and opacity changes both, since it is about all that an element holds. Elements that lie over others are not known of.
"""

# Of each text that is seen: the ratio of contrast, the least that it should have, whether a filter is in it, and where it is.
MEASURE = """
    const canvas = document.createElement("canvas");
    canvas.width = canvas.height = 1;
    const pen = canvas.getContext("2d", { willReadFrequently: true });
    const known = new Map();
    function colour(text) {
      if (!known.has(text)) {
        pen.clearRect(0, 0, 1, 1);
        pen.fillStyle = text;
        pen.fillRect(0, 0, 1, 1);
        const [r, g, b, a] = pen.getImageData(0, 0, 1, 1).data;
        known.set(text, [r / 255, g / 255, b / 255, a / 255]);
      }
      return known.get(text);
    }
    function over([r, g, b, a], [r2, g2, b2, a2]) {
      const alpha = a + a2 * (1 - a);
      const mix = (one, two) => (alpha === 0 ? 0 : (one * a + two * a2 * (1 - a)) / alpha);
      return [mix(r, r2), mix(g, g2), mix(b, b2), alpha];
    }
    // Source: W3C, Filter Effects Module Level 1, 8.1 "grayscale", and CSS: filters calculate in sRGB.
    function filtered([r, g, b, a], filter) {
      if (filter === "none") return [r, g, b, a];
      const amount = /^grayscale\\((\\d*\\.?\\d+)\\)$/.exec(filter);
      if (!amount) throw new Error(`a filter that is not known here: ${filter}`);
      const grey = 0.2126 * r + 0.7152 * g + 0.0722 * b;
      const part = Number(amount[1]);
      return [...[r, g, b].map((each) => each + (grey - each) * part), a];
    }
    function luminance([r, g, b]) {
      const [x, y, z] = [r, g, b].map((each) => (each <= 0.04045 ? each / 12.92 : ((each + 0.055) / 1.055) ** 2.4));
      return 0.2126 * x + 0.7152 * y + 0.0722 * z;
    }
    function measure(element) {
      const own = getComputedStyle(element);
      let [ink, paper, isFiltered] = [colour(own.color), [0, 0, 0, 0], false];
      for (let each = element; each; each = each.parentElement) {
        const style = getComputedStyle(each);
        const background = colour(style.backgroundColor);
        const changed = (pixel) => filtered(over(pixel, background), style.filter).map((part, index) => (index === 3 ? part * style.opacity : part));
        [ink, paper] = [changed(ink), changed(paper)];
        isFiltered ||= style.filter !== "none";
      }
      const [light, dark] = [ink, paper].map((pixel) => luminance(over(pixel, [1, 1, 1, 1]))).sort((one, two) => two - one);
      const size = parseFloat(own.fontSize);
      const isLarge = size >= 24 || (size >= 18.66 && Number(own.fontWeight) >= 700);
      const place = `${element.tagName.toLowerCase()}.${element.className} "${element.textContent.trim().slice(0, 40)}"`;
      return [(light + 0.05) / (dark + 0.05), isLarge ? 3 : 4.5, isFiltered, place];
    }
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    const elements = new Set();
    while (walker.nextNode()) if (walker.currentNode.data.trim()) elements.add(walker.currentNode.parentElement);
    return [...elements]
      .filter((element) => element.checkVisibility({ visibilityProperty: true, opacityProperty: true }) && element.getClientRects().length)
      .filter((element) => !element.closest(".hidden, .skip, :disabled, [aria-disabled]"))
      .map(measure);
"""


def measured(page):
    """Of each text that is seen: the ratio of contrast, the least that it should have, whether a filter is in it, and where it is."""
    return page.run(MEASURE)


def too_weak(texts):
    """Those of them that have too little, in lines that people can read."""
    return sorted({f"contrast {ratio:.2f} of {least} as painted: {place}" for ratio, least, _, place in texts if ratio < least})
