"""What people write is text on every page, whatever it looks like."""

from panel import expect, tell_story
from pages import find_pages
from surroundings import PASSWORD, gateway, letter, make_user, numbers

SCRIPT = "<script>window.wasRun = alert(1)</script>"
IMAGE = "\"'><img src=/x onerror=\"window.wasRun = true\">"
LINK = "javascript:window.wasRun = true"
NAME = SCRIPT + IMAGE


def story(panel):
    text = f"{SCRIPT} {IMAGE} </textarea></title> {{t.login}} &lt; ${{1}}"
    gateway.data("POST", "/api/admin/users", {"username": NAME, "password": PASSWORD})
    page = panel.log_in(NAME)
    page.get_by_role("link", name="Compose", exact=True).click()
    for _ in "once", "again":  # checked by the script, then by sending
        page.get_by_label("Recipients", exact=True).fill(f"{numbers(1, 1_005_000)[0]}\n{SCRIPT}\n{IMAGE}")
        page.get_by_label("Message", exact=True).fill(text + " 你")
        expect(page.locator("#check li")).to_have_count(2)
        expect(page.locator("#check")).to_contain_text(SCRIPT)
        panel.expect_status(400)
        page.get_by_role("button", name="Send", exact=True).click()
        expect(page.get_by_role("alert")).to_be_visible()
    # A table whose columns and values are scripts as well.
    page.get_by_label("Recipients", exact=True).fill(
        f"number\t{SCRIPT}\n{numbers(1, 1_005_001)[0]}\t<b onclick=alert(1)>bold</b>")
    page.get_by_label("Message", exact=True).fill("Dear {{" + SCRIPT + "}}" + text)
    expect(page.locator("#check dd")).to_contain_text("Dear <b onclick=alert(1)>bold</b>")
    page.locator("details summary").click()
    page.get_by_label("Reference").fill(NAME + LINK)
    expect(page.locator("#check")).to_contain_text("1 × 2 parts.")
    page.get_by_role("button", name="Send", exact=True).click()
    page.wait_for_url("**/history/*")
    expect_text(page, SCRIPT)

    number = numbers(1, 1_005_002)[0]
    dead, message = letter(number, text)
    gateway("POST", f"/api/admin/dead-letters/{dead}/settle", {"as": "failed", "reason": SCRIPT})
    gateway("POST", "/api/admin/users/%s/tokens" % gateway.data("GET", "/api/auth/me")["id"], {"name": SCRIPT})
    admin = panel.log_in_as_admin()
    panel.expect_status(400, 401, 403, 404)
    found = find_pages(admin)
    assert len(found) > 12, f"the panel has more pages than {found}"
    user = gateway.data("GET", "/api/admin/users?q=script")["users"][0]["id"]
    for path, shown in {
        "/": text, "/history": text, f"/history/{message}": text, "/admin/messages": NAME, "/admin/users": NAME,
        f"/admin/users/{user}": NAME, "/admin/audit": SCRIPT, f"/admin/dead-letter/{dead}": SCRIPT,
        "/admin/dead-letter?status=settled": text,
    }.items():
        admin.goto(path)
        expect_text(admin, shown)
    for path in [*found.values(), *crooked(message)]:
        admin.goto(path)
        expect_text(admin)
    page.goto("/account")
    expect_text(page, NAME)
    # At the door, too.
    stranger = panel.window().new_page()
    stranger.goto("/login?next=" + LINK)
    stranger.get_by_label("User name").fill(NAME)
    stranger.get_by_label("Password").fill("wrong")
    stranger.get_by_role("button", name="Log in").click()
    expect(stranger.get_by_label("User name")).to_have_value(NAME)
    expect_text(stranger)


def crooked(message):
    """Addresses that somebody may send by mail."""
    for address in ["/", "/login", "/compose", "/history", "/admin/messages", "/admin/dead-letter", "/admin/audit"]:
        for name in ["q", "done", "n", "next", "phone", "reference", "content", "recipients", "user_id", "status"]:
            if name in ("q", "reference", "status") or address in ("/login", "/compose", "/"):
                yield f"{address}?{name}={SCRIPT}{IMAGE}"
    yield f"/history/{message}?status={SCRIPT}"
    yield f"/history/{SCRIPT}"
    yield f"/admin/users/{IMAGE}"
    yield f"/language/{SCRIPT}?next={LINK}"


def expect_text(page, text=""):
    """The page shows it as it stands, and holds nothing that it could have made."""
    made = page.evaluate("""() => ({
      wasRun: "wasRun" in window,
      strange: [...document.querySelectorAll("script:not([src='/panel/panel.js']), img, iframe, object, embed, base, b")]
        .map(node => node.outerHTML),
      handlers: [...document.querySelectorAll("*")].flatMap(node => [...node.attributes])
        .filter(one => one.name.startsWith("on") || /^\\s*javascript:/i.test(one.value)).map(one => one.value),
    })""")
    assert made == {"wasRun": False, "strange": [], "handlers": []}, f"{page.url}: {made}"
    assert text in page.locator("body").inner_text(), f"{page.url} does not show {text}"


if __name__ == "__main__":
    tell_story(story, 90)
