"""Everything works in a browser that runs no scripts."""

from panel import expect, tell_story
from surroundings import arrivals, eventually, final, make_user, numbers


def story(panel):
    page = panel.log_in(make_user(), java_script_enabled=False)
    mine = numbers(22, first=1_007_000)
    page.get_by_role("link", name="Compose").click()
    page.get_by_label("Recipients", exact=True).fill("\n".join(mine[:21] + ["12"]))
    page.get_by_label("Message", exact=True).fill("Plain.")
    page.get_by_role("button", name="Check").click()
    expect(page.locator("#check")).to_contain_text("Line 22: 12")
    page.get_by_label("Recipients", exact=True).fill("\n".join(mine))
    page.get_by_role("button", name="Check").click()
    expect(page.locator("#check")).to_contain_text("22 SMS.")
    page.get_by_role("button", name="Send", exact=True).click()
    expect(page.get_by_text("This goes to 22 recipients. Send it?")).to_be_visible()
    page.get_by_role("button", name="Yes, send now").click()
    expect(page.get_by_role("status")).to_have_text("Accepted for 22 recipients.")
    eventually("all arrive", lambda: len(arrivals(mine)) == 22, 20)
    final(page.url.split("?")[0].rsplit("/", 1)[1])

    page.get_by_role("link", name="History").click()
    row = page.locator("main tbody tr")
    expect(row).to_have_count(1)
    expect(row).to_contain_text("22 of 22")
    row.get_by_role("link").click()
    expect(page.locator("[data-live=progress] .state")).to_have_text("Sent")
    page.get_by_role("button", name="Log out").click()
    expect(page.get_by_role("status")).to_have_text("You are logged out.")


if __name__ == "__main__":
    tell_story(story)
