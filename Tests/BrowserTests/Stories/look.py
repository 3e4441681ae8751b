"""What every page must be for everybody to use it."""

from importlib import resources

from panel import expect

AXE = resources.files("axe_playwright_python").joinpath("axe.min.js").read_text()
# WCAG 2.2 A and AA, and what is good besides.
RULES = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    "resultTypes": ["violations"],
}
OWN = """() => {
  const problems = [];
  // The page for programmers names parts of paths so.
  if (location.pathname !== "/docs") for (const [left] of document.body.innerText.matchAll(/(?<!\{)\{[a-z_]+\}(?!\})/g))
    problems.push(`a value is missing: ${left}`);
  const seen = new Set();
  for (const node of document.querySelectorAll("[id]")) {
    if (seen.has(node.id)) problems.push(`two have the id ${node.id}`);
    seen.add(node.id);
  }
  for (const name of ["aria-labelledby", "aria-describedby", "for", "form", "list"])
    for (const node of document.querySelectorAll(`[${name}]`))
      for (const id of node.getAttribute(name).split(" "))
        if (!document.getElementById(id)) problems.push(`${name} names ${id}, which is not there`);
  if (document.querySelectorAll("h1").length !== 1) problems.push("there is not one h1");
  const root = document.documentElement;
  if (!root.lang) problems.push("no language");
  if (root.scrollWidth > root.clientWidth) {
    const wide = [...document.body.querySelectorAll("*")].filter(node => node.getBoundingClientRect().right > root.clientWidth)
      .map(node => node.outerHTML.slice(0, 90));
    problems.push(`it scrolls sideways (${root.scrollWidth} of ${root.clientWidth}): ${wide.slice(0, 4)}`);
  }
  for (const node of document.querySelectorAll("td, dd, th, p, button, a, .state, .numbers > div")) {
    const style = getComputedStyle(node);
    if (style.overflowX === "visible" && node.scrollWidth > node.clientWidth + 1 && node.clientWidth > 1)
      problems.push(`its text sticks out: ${node.outerHTML.slice(0, 90)}`);
  }
  return problems;
}"""
# A stop of the tab key: what it is, and how one sees that it is there.
STOP = """() => {
  const node = document.activeElement;
  const style = getComputedStyle(node);
  const box = node.getBoundingClientRect();
  return {
    what: node.outerHTML.slice(0, 90), isBody: node === document.body, isSkip: node.classList.contains("skip"),
    isMarked: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2,
    isInView: box.width > 0 && box.right > 0 && box.left < innerWidth && box.bottom > 0 && box.top < innerHeight,
  };
}"""


def problems(page, with_axe):
    """What is wrong with a page as it stands."""
    found = page.evaluate(OWN)
    if with_axe:
        if not page.evaluate("() => 'axe' in window"):
            page.evaluate(AXE)
        answer = page.evaluate("rules => axe.run(rules)", RULES)
        for violation in answer["violations"]:
            for node in violation["nodes"][:4]:
                found.append(f"{violation['id']}: {node['html'][:160]} {node['failureSummary'][:300]}")
    return found


def look_everywhere(page):
    """What is wrong with a page at every width, light and dark; it is left wide and light."""
    found = []
    for width in (320, 768, 1440):
        page.set_viewport_size({"width": width, "height": 900})
        for scheme in ("dark", "light"):
            page.emulate_media(color_scheme=scheme)
            found += [f"{page.url} {width} px {scheme}: {problem}" for problem in problems(page, with_axe=True)]
    return found


def expect_keyboard(page):
    """The first stop skips to the content, and each of the next shows that it is there."""
    page.evaluate("() => { document.activeElement.blur(); getSelection().removeAllRanges(); }")
    page.keyboard.press("Tab")
    first = page.evaluate(STOP)
    assert first["isSkip"] and first["isMarked"] and first["isInView"], f"{page.url} begins with {first}"
    for _ in range(80):
        page.keyboard.press("Tab")
        stop = page.evaluate(STOP)
        if stop["isBody"] or stop["isSkip"]:
            break
        assert stop["isMarked"] and stop["isInView"], f"{page.url}: {stop}"
    page.evaluate("() => document.querySelector('.skip').focus()")
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()
