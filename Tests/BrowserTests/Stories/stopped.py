"""All sending is stopped: every page says so, what is sent waits, and it goes when an admin lets it go."""

import time

from look import look_everywhere
from panel import compose, expect, tell_story
from surroundings import arrivals, eventually, gateway, make_user, numbers


def story(panel):
    admin = panel.log_in_as_admin()
    mine = numbers(2, first=1_010_000)
    try:
        stop_and_go(panel, admin, mine)
    finally:
        gateway.data("POST", "/api/admin/sending/go")


def stop_and_go(panel, admin, mine):
    admin.get_by_role("link", name="Providers").click()
    expect(admin.get_by_text("Sending is switched on.")).to_be_visible()
    panel.expect_question("Stop all sending, of all users?")
    admin.get_by_role("button", name="Stop all sending").click()
    expect(admin.get_by_role("status")).to_have_text("All sending is stopped.")
    user = panel.log_in(make_user())
    for page in (admin, user):
        # The pages know it by the queue's next sign of life.
        banner = page.get_by_role("alert").filter(has_text="All sending is switched off.")
        eventually("the banner is there", lambda: banner.count() == 1 or page.reload() and banner.count() == 1)
    wrong = look_everywhere(user)
    message = compose(user, mine, "It waits.")
    expect(user.get_by_role("alert")).to_contain_text("what you send waits until it goes on")
    time.sleep(1)
    assert not arrivals(mine), "nothing goes out meanwhile"

    admin.goto("/admin/queue")
    row = admin.locator("[data-live=queue-flows] tbody tr")
    eventually("the queue's page shows who waits", lambda: row.count() == 1 or admin.reload() and row.count() == 1)
    expect(row).to_contain_text("2")
    wrong += look_everywhere(admin)
    # Nothing moves under a pointer that is about to click, and all of it is as it is now when the pointer is gone.
    row.hover()
    title = admin.locator("#flows-title")
    title.evaluate("title => title.append(' of old')")
    admin.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    time.sleep(3)
    expect(title).to_contain_text("of old")
    admin.mouse.move(0, 0)
    expect(title).not_to_contain_text("of old", timeout=20_000)
    admin.goto("/admin/providers")
    wrong += look_everywhere(admin)
    admin.get_by_role("button", name="Resume all sending").click()
    expect(admin.get_by_role("status")).to_have_text("Sending goes on.")
    eventually("it goes out", lambda: len(arrivals(mine)) == 2, 20)
    user.goto(f"/history/{message}")
    expect(user.locator("[data-live=progress] .state").first).to_have_text("Sent")
    eventually("the banner is gone", lambda: user.reload() and user.get_by_role("alert").count() == 0)
    assert not wrong, "\n".join(wrong)


if __name__ == "__main__":
    tell_story(story, 140)
