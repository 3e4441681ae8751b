"""Every page, as an admin and as a user, in both languages, narrow and wide, light and dark."""

import secrets
import time

from look import expect_keyboard, problems
from pages import find_pages
from panel import expect, tell_story
from surroundings import Client, final, gateway, letter, make_user, numbers, send

WIDTHS = [320, 768, 1440]
LANGUAGES = {"en": "en-GB", "zh-Hant": "zh-HK"}
LONG = "A-reference-that-is-one-very-long-word-" * 5


def story(panel):
    everything_there_is()
    admin = panel.log_in_as_admin()
    found = find_pages(admin)
    assert {"/compose", "/history/{id}", "/history/{id}/{id}", "/admin/dead-letter/{id}", "/admin/users/{id}"} <= set(found)
    print("\n".join(found.values()))
    wrong = []
    panel.expect_status(400, 404)
    for language, locale in LANGUAGES.items():
        page = admin if language == "en" else panel.log_in_as_admin(locale=locale)
        paths = [*found.values(), "/logout", "/history/no-such", "/history?phone=nobody", "/history?done=sent&n=3"]
        for path in paths:
            page.goto(path)
            wrong += look(page, language)
            if path == "/compose":
                write(page)
                wrong += look(page, language)
        user = panel.log_in(make_user(), locale=locale)
        for path in ["/", "/compose", "/history", "/account"]:
            user.goto(path)
            wrong += look(user, language)
        stranger = panel.window(locale=locale).new_page()
        stranger.goto("/login")
        wrong += look(stranger, language)
    assert not wrong, "\n".join([f"{len(wrong)} things:", *wrong])
    admin.set_viewport_size({"width": 1440, "height": 900})
    for path in found.values():
        admin.goto(path)
        expect_keyboard(admin)


def everything_there_is():
    """Something to show on each page."""
    mine = numbers(14, first=1_006_000)
    final(send(mine[:12], "A text\nof two lines, 你好", reference=LONG[:200]))
    letter(mine[12], "Sent into the void. " + LONG)
    done, _ = letter(mine[13], "Sent into the void as well.")
    gateway.data("POST", "/api/admin/dead-letters/replay", {"filter": {"message_id": _}, "reason": LONG[:150]})
    for name in (LONG + secrets.token_hex(4), gateway.data("GET", "/api/auth/me")["username"]):
        token = new_token(name)
        Client(gateway.base, token).data("POST", "/api/sms", {"recipient": mine[0], "content": LONG})
    # One that is still to go.
    send(mine[:1], "Tomorrow", send_at=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 86_400)))


def new_token(name):
    """A token of a user, who is made if need be."""
    users = gateway.data("GET", f"/api/admin/users?q={name[-40:]}")["users"]
    user = users[0] if users else gateway.data("POST", "/api/admin/users", {"username": name})
    return gateway.data("POST", f"/api/admin/users/{user['id']}/tokens", {"name": LONG[:120]})["token"]


def write(page):
    """Every mark that the compose page can make."""
    page.locator("#recipients").fill("name\tnumber\nAnn\t12\nBob\t+85251006000\nBob\t+85251006000\n" + LONG + "\t7")
    page.locator("#content").fill("Dear {{name}}, 你好 " + LONG)
    expect(page.locator("#check li")).to_have_count(2)


def look(page, language):
    """What is wrong with a page at every width: in English narrow and dark by axe-core, in Chinese wide and light."""
    wrong = []
    if page.locator("html").get_attribute("lang") != language:
        wrong.append(f"{page.url} is not in {language}")
    for width in WIDTHS:
        dark = width == 320
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(color_scheme="dark" if dark else "light")
        where = f"{page.url} {language} {width} px {'dark' if dark else 'light'}"
        wrong += [f"{where}: {problem}" for problem in problems(page, with_axe=width == (320 if language == "en" else 1440))]
    return wrong


if __name__ == "__main__":
    tell_story(story, 140)
