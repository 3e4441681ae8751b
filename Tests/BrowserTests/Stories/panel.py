"""A browser at the panel that notices whatever goes wrong on a page.

A story is a function that is given a `Panel`. Messages in the console, errors of scripts, violations of the
Content-Security-Policy, dialogs nobody asked for, answers of 5xx and requests to elsewhere make it fail.
"""

import faulthandler
import os
import sys
import traceback

from playwright.sync_api import expect, sync_playwright

from surroundings import ADMIN, PASSWORD

URL = os.environ["SLUICE_URL"]
CHROMIUM = "/usr/bin/chromium"
LIMIT_MS = 10_000
VIOLATIONS = """
document.addEventListener("securitypolicyviolation", (event) =>
  console.error(`violates ${event.effectiveDirective}: ${event.blockedURI} ${event.sample}`));
"""


class Panel:
    """The windows of one story; each is another person's browser."""

    def __init__(self, browser):
        self.browser = browser
        self.problems, self.expected, self.dialogs = [], [], []
        self.windows = []

    def window(self, **options):
        """A browser of somebody: nothing of the others' cookies."""
        context = self.browser.new_context(base_url=URL, **{"locale": "en-GB", **options})
        context.set_default_timeout(LIMIT_MS)
        context.set_default_navigation_timeout(LIMIT_MS)
        context.add_init_script(VIOLATIONS)
        context.on("console", self.listen)
        context.on("weberror", lambda error: self.note(f"error: {error.error}"))
        context.on("dialog", self.answer)
        context.on("response", self.look_at)
        self.windows.append(context)
        return context

    def log_in(self, name, password=PASSWORD, **options):
        """The page that somebody sees who has just logged in."""
        page = self.window(**options).new_page()
        page.goto("/login")
        page.locator("#username").fill(name)
        page.locator("#password").fill(password)
        page.locator("main button.main").click()
        expect(page).to_have_url(URL + "/")
        return page

    def log_in_as_admin(self, **options):
        return self.log_in(*ADMIN, **options)

    def expect_status(self, *statuses):
        """Answers with these statuses, of which browsers tell in the console, belong to the story."""
        self.expected += [f"the server responded with a status of {status}" for status in statuses]

    def expect_question(self, text):
        """The next dialog asks this; it is answered with yes."""
        self.dialogs.append(text)

    def answer(self, dialog):
        if self.dialogs and dialog.message == self.dialogs[0]:
            self.dialogs.pop(0)
            dialog.accept()
        else:
            self.note(f"dialog: {dialog.type} {dialog.message}")
            dialog.dismiss()

    def listen(self, said):
        # Chromium's hints to authors are no messages of the page.
        if said.type != "verbose":
            self.note(f"console {said.type}: {said.text} ({said.location.get('url', '')})")

    def look_at(self, response):
        if response.status >= 500:
            self.note(f"{response.status} of {response.url}")
        if not response.url.startswith(URL + "/"):
            self.note(f"loaded from elsewhere: {response.url}")

    def note(self, problem):
        if not any(text in problem for text in self.expected):
            self.problems.append(problem)

    def expect_nothing_wrong(self):
        assert not self.problems, "\n".join(["this went wrong on the pages:", *self.problems])
        assert not self.dialogs, f"nobody asked: {self.dialogs}"

    def tell(self):
        """What the pages show, for whoever has only the log."""
        for problem in self.problems:
            print("noticed:", problem)
        for page in (page for window in self.windows for page in window.pages):
            try:
                print(f"--- {page.url}: {page.title()}\n{page.locator('body').inner_text(timeout=2_000)[:2_500]}")
            except Exception as error:  # A page that hangs is the reason for being here.
                print(f"--- {page.url} shows nothing: {error}")


def tell_story(story, seconds=60):
    """Runs a story; the exit code says whether it went well."""
    faulthandler.dump_traceback_later(seconds, exit=True)
    expect.set_options(timeout=LIMIT_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"], timeout=30_000)
        panel = Panel(browser)
        try:
            story(panel)
            panel.expect_nothing_wrong()
        except Exception:
            print_error()
            panel.tell()
            raise SystemExit(1) from None
        finally:
            browser.close()


def print_error():
    """What went wrong, and where in the story."""
    kind, error, trace = sys.exc_info()
    own = [frame for frame in traceback.extract_tb(trace) if frame.filename.startswith(os.path.dirname(__file__))]
    print("".join(traceback.format_list(own) + traceback.format_exception_only(kind, error)))


def progress(page):
    """How far the bar of a message's page is."""
    return page.locator("[data-live=progress] progress").evaluate("bar => bar.value")


def facts(page):
    """The counts that a message's page shows, by their names."""
    return page.locator("[data-live=progress] dl").evaluate(
        "list => Object.fromEntries([...list.querySelectorAll('dt')].map(dt => [dt.innerText, dt.nextElementSibling.innerText]))"
    )


def compose(page, recipients, text):
    """Writes and sends; the page of the message."""
    page.goto("/compose")
    page.locator("#recipients").fill("\n".join(recipients))
    page.locator("#content").fill(text)
    page.get_by_role("button", name="Send", exact=True).click()
    if len(recipients) > 20:
        page.get_by_role("button", name="Yes, send now").click()
    page.wait_for_url("**/history/*")
    return page.url.split("?")[0].rsplit("/", 1)[1]
