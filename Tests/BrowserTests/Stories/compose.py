"""Thirty recipients, of which two are wrong at first, are checked, sent and watched until all are gone."""

import time

from panel import expect, progress, tell_story
from surroundings import arrivals, eventually, make_user, numbers


def story(panel):
    page = panel.log_in(make_user())
    page.get_by_role("link", name="Compose").click()
    good = numbers(30, first=1_001_000)
    lines = good[:6] + ["12"] + good[7:18] + ["nobody"] + good[19:]
    page.get_by_label("Recipients", exact=True).fill("\n".join(lines))
    page.get_by_label("Message", exact=True).fill("Your parcel is here.")
    check = page.locator("#check")
    expect(check).to_contain_text("2 numbers are not valid:")
    expect(check).to_contain_text("Line 7: 12")
    expect(check).to_contain_text("Line 19: nobody")
    expect(page.locator("#recipients")).to_have_attribute("aria-invalid", "true")

    panel.expect_status(400)
    page.get_by_role("button", name="Send", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("Some numbers are not valid.")
    expect(page.locator("#recipients")).to_have_value("\n".join(lines))
    expect(check).to_contain_text("Line 19: nobody")

    page.get_by_label("Recipients", exact=True).fill("\n".join(good))
    expect(check).to_contain_text("30 SMS.")
    expect(check).to_contain_text("20 characters, 1 part per SMS")
    # The first estimate of a fresh system may have to wait for the scheduler.
    eventually("the estimate has times", lambda: "done about" in seen_anew(page, check), 20)
    expect(page.locator("#recipients")).to_have_attribute("aria-invalid", "false")
    assert not arrivals(good), "nothing goes out by being checked"

    page.get_by_role("button", name="Send", exact=True).click()
    expect(page.get_by_text("This goes to 30 recipients. Send it?")).to_be_visible()
    assert not arrivals(good), "nothing goes out before it is confirmed"
    page.get_by_role("button", name="Yes, send now").click()
    page.wait_for_url("**/history/*")
    expect(page.get_by_role("status")).to_have_text("Accepted for 30 recipients.")
    watch(page, good)


def seen_anew(page, check):
    """What the check says after the text was touched."""
    with page.expect_response("**/compose"):
        page.locator("#content").dispatch_event("input")
    return check.inner_text()


def watch(page, good):
    """The bar goes from none to all by itself."""
    expect(page.locator("[data-live=progress]")).to_be_visible()
    page.evaluate("window.isTheSame = true")
    seen = []
    while not seen or seen[-1] < 30:
        before = seen[-1] if seen else -1
        page.wait_for_function(
            "before => document.querySelector('[data-live=progress] progress').value !== before", arg=before)
        seen.append(progress(page))
    arrived = arrivals(good)
    late = time.monotonic() - max(one["monotonic_ns"] for one in arrived) / 1e9
    print(f"the bar: {seen}, all shown {late:.1f} s after the last had arrived")
    assert seen == sorted(seen) and len([n for n in seen if 0 < n < 30]) >= 3, f"it moves on: {seen}"
    assert late < 5, "what one looks at keeps up"
    expect(page.locator("[data-live=progress] .state")).to_have_text("Sent")
    expect(page.locator("[data-live=recipients] .state", has_text="Sent")).to_have_count(30)
    assert page.evaluate("window.isTheSame"), "without a reload"
    assert sorted(one["number"] for one in arrived) == sorted(n.lstrip("+") for n in good)


if __name__ == "__main__":
    tell_story(story)
