"""Somebody's login ends while they write: they log in and find all of it again, and it goes out by their own click."""

from look import look_everywhere
from panel import expect, tell_story
from surroundings import PASSWORD, arrivals, eventually, gateway, make_user, numbers

TEXT = 'Dear guests,\n\n"the <b>pool</b>" & the bar are closed. 你好'


def story(panel):
    name = make_user()
    mine = numbers(2, first=1_008_000)
    page = panel.log_in(name)
    page.get_by_role("link", name="Compose").click()
    page.locator("#recipients").fill("\n".join(mine))
    page.locator("#content").fill(TEXT)
    page.get_by_text("When and how").click()
    page.locator("#reference").fill("R & D")
    expect(page.locator("#check")).to_contain_text("2 SMS.")

    # A new password ends all logins.
    panel.expect_status(401)
    user = gateway.data("GET", f"/api/admin/users?q={name}")["users"][0]
    gateway.data("PATCH", f"/api/admin/users/{user['id']}", {"password": PASSWORD})
    page.locator("#content").press("End")
    page.locator("#content").dispatch_event("input")
    expect(page.locator("#check")).to_contain_text("You are not logged in any more.")
    expect(page.locator("#content")).to_have_value(TEXT)
    page.get_by_role("button", name="Send", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("nothing is lost")
    wrong = look_everywhere(page)
    page.get_by_label("User name").fill(name)
    page.get_by_label("Password").fill("wrong")
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_text("The user name or the password is not right.")).to_be_visible()
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()

    expect(page.get_by_role("alert")).to_contain_text("Nothing was sent")
    expect(page.locator("#recipients")).to_have_value("\n".join(mine))
    expect(page.locator("#content")).to_have_value(TEXT)
    expect(page.locator("#reference")).to_have_value("R & D")
    assert not arrivals(mine), "nothing goes out by itself"
    wrong += look_everywhere(page)
    page.get_by_role("button", name="Send", exact=True).click()
    page.wait_for_url("**/history/*")
    eventually("both arrive", lambda: len(arrivals(mine)) == 2, 20)
    assert not wrong, "\n".join(wrong)


if __name__ == "__main__":
    tell_story(story, 120)
