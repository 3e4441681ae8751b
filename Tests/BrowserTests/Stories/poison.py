"""A broker message that nobody could read is shown, mended on its page, and returned to its queue, where it works."""

import time
import uuid

from look import look_everywhere
from panel import expect, tell_story
from surroundings import Client, arrivals, eventually, gateway, make_token, make_user, numbers, publish


def story(panel):
    # Somebody is held back, and the command that lets them go arrives torn.
    name = make_user()
    user = gateway.data("GET", f"/api/admin/users?q={name}")["users"][0]["id"]
    gateway.data("POST", f"/api/admin/users/{user}/pause")
    mine = numbers(1, first=1_009_000)
    Client(gateway.base, make_token(user)).data("POST", "/api/sms", {"recipient": mine[0], "content": "At last."})
    now = time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime())
    whole = f'{{"v":1,"type":"message.resume","id":"{uuid.uuid4()}","at":"{now}","user_id":"{user}"}}'
    publish("sluice.return", "scheduler.commands", whole[:-8])

    page = panel.log_in_as_admin()
    page.get_by_role("link", name="Dead letters").click()
    row = page.locator("main tbody tr").filter(has_text="scheduler.commands").first
    eventually("the letter is listed", lambda: page.reload() and row.count() == 1)
    row.get_by_role("link").first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Broker message nobody could read")
    body = page.get_by_label("Content")
    expect(body).to_have_value(whole[:-8])
    wrong = look_everywhere(page)

    panel.expect_status(400)
    body.fill(whole.replace("user_id", "nobody"))
    page.get_by_role("button", name="Send back to its queue").click()
    expect(page.get_by_role("alert")).to_contain_text("Content: is no whole broker message")
    expect(body).to_have_value(whole.replace("user_id", "nobody"))
    wrong += look_everywhere(page)
    assert not arrivals(mine)
    body.fill(whole)
    page.get_by_label("Reason").fill("The end was torn off.")
    page.get_by_role("button", name="Send back to its queue").click()
    expect(page.get_by_role("status")).to_have_text("It is on its way again.")
    expect(page.locator("[data-live=letter] .state").first).to_have_text("Sent again")
    expect(page.locator("[data-live=requests] tbody tr")).to_contain_text("The end was torn off.")
    expect(page.get_by_role("button", name="Send back to its queue")).to_have_count(0)
    eventually("whoever was held back goes on", lambda: len(arrivals(mine)) == 1, 20)
    wrong += look_everywhere(page)
    assert not wrong, "\n".join(wrong)


if __name__ == "__main__":
    tell_story(story, 140)
