"""The page for programmers, which is made without the panel's frame: it loads, it can be read, and it links to what is there."""

from look import look_everywhere
from panel import URL, expect, tell_story


def story(panel):
    page = panel.window().new_page()
    answer = page.goto("/docs")
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert page.locator("main details").count() > 40
    page.locator("main details summary").first.click()
    expect(page.locator("main details").first).to_have_attribute("open", "")
    missing = page.evaluate("""() => [...document.querySelectorAll("a[href^='#']")].map(link => link.getAttribute("href"))
      .filter(href => !document.getElementById(decodeURIComponent(href.slice(1))))""")
    assert not missing, f"links to nothing: {missing}"
    wrong = look_everywhere(page)
    assert not wrong, "\n".join(wrong)
    page.get_by_role("link", name="openapi.json").first.click()
    expect(page).to_have_url(URL + "/openapi.json")


if __name__ == "__main__":
    tell_story(story, 120)
