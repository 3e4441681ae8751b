"""A dead letter is sent again once, however often somebody asks for it."""

from panel import expect, tell_story
from surroundings import arrivals, eventually, gateway, letter, numbers


def story(panel):
    number = numbers(1, first=1_004_000)[0]
    letter(number, "Sent into the void.")
    assert len(arrivals([number])) == 1
    page = panel.log_in_as_admin()
    page.get_by_role("link", name="Dead letters").click()
    page.get_by_role("row", name=number).get_by_role("link").click()
    expect(page.get_by_text("It is not known whether this was sent.")).to_be_visible()
    stale = page.context.new_page()
    stale.goto(page.url)

    again = page.get_by_role("button", name="Send again")
    again.dblclick(no_wait_after=True)
    expect(page.get_by_role("status")).to_have_text("It is on its way again.")
    expect(page.locator("[data-live=letter] .state").first).to_have_text("Sent again")
    # Without the script's help, as from a page that was loaded before.
    stale.get_by_role("button", name="Send again").click()
    expect(stale.get_by_role("status")).to_have_text("That was done before; nothing more was done.")
    expect(stale.get_by_role("button", name="Send again")).to_have_count(0)

    eventually("it arrives", lambda: len(arrivals([number])) == 2)
    eventually("nothing is under way", lambda: gateway.data("GET", "/api/queue/status")["queue_depth"] == 0)
    assert len(arrivals([number])) == 2, "sent again once"
    expect(stale.locator("[data-live=requests] tbody tr")).to_have_count(1)


if __name__ == "__main__":
    tell_story(story)
