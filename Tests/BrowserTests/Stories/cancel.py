"""A message is cancelled half-way: what is shown adds up, and no more arrives than it says."""

import re

from panel import compose, expect, facts, tell_story
from surroundings import arrivals, final, make_user, numbers


def story(panel):
    page = panel.log_in(make_user())
    mine = numbers(60, first=1_002_000)
    message = compose(page, mine, "Never mind.")
    page.wait_for_function("() => document.querySelector('[data-live=progress] progress')?.value >= 10", timeout=20_000)
    panel.expect_question("Cancel what has not been sent yet?")
    page.get_by_role("button", name="Cancel").click()
    notice = page.get_by_role("status")
    expect(notice).to_contain_text("Cancelled.")
    sent, cancelled, in_flight = map(int, re.findall(r"\d+", notice.inner_text()))
    print(notice.inner_text())
    assert cancelled + sent + in_flight == 60 and cancelled > 0 and sent >= 10

    final(message)
    expect(page.get_by_role("button", name="Cancel")).to_have_count(0)
    shown = {name: int(number) for name, number in facts(page).items() if number.isdigit()}
    arrived = arrivals(mine)
    assert len(arrived) == len({one["number"] for one in arrived}), "none twice"
    assert sent <= len(arrived) <= sent + in_flight, f"{len(arrived)} arrived"
    assert shown.get("Sent", 0) == len(arrived) and sum(shown.values()) == 60, f"{shown}, {len(arrived)} arrived"
    expect(page.locator("[data-live=progress]")).to_contain_text(f"{len(arrived)} of 60 sent")


if __name__ == "__main__":
    tell_story(story)
