"""An admin makes a user and disables them while they look at the panel."""

import secrets
import time

from panel import URL, expect, tell_story
from surroundings import PASSWORD


def story(panel):
    name = f"newcomer-{secrets.token_hex(3)}"
    admin = panel.log_in_as_admin()
    admin.get_by_role("link", name="Users").click()
    admin.get_by_label("User name").fill(name)
    admin.get_by_label("Password").fill(PASSWORD)
    admin.get_by_role("button", name="Create").click()
    expect(admin.get_by_role("status")).to_have_text("The user was created.")

    dashboard = panel.log_in(name)
    expect(dashboard.get_by_text("You have sent nothing yet.")).to_be_visible()
    expect(dashboard.get_by_role("link", name="Users")).to_have_count(0)
    form = dashboard.context.new_page()
    form.goto("/compose")

    panel.expect_status(401)
    admin.get_by_label("May log in and send").uncheck()
    admin.get_by_role("button", name="Save").click()
    begun = time.monotonic()
    expect(admin.get_by_role("status")).to_have_text("The user was changed.")
    expect(admin.get_by_text("Disabled")).to_be_visible()
    dashboard.wait_for_url("**/login**", timeout=5_000)
    print(f"thrown out of the dashboard after {time.monotonic() - begun:.1f} s")
    form.get_by_role("link", name="History").click()
    expect(form).to_have_url(URL + "/login?next=%2Fhistory")
    took = time.monotonic() - begun
    assert took < 5, f"thrown out after {took:.1f} s"

    form.get_by_label("User name").fill(name)
    form.get_by_label("Password").fill(PASSWORD)
    form.get_by_role("button", name="Log in").click()
    expect(form.get_by_role("alert")).to_contain_text("The user name or the password is not right.")


if __name__ == "__main__":
    tell_story(story)
