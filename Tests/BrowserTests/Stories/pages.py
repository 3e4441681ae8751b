"""All pages of the panel, found by their links, so that a new one is looked at without being named here."""

import re
from urllib.parse import urlsplit

ID = re.compile(r"/[0-9a-f]{8}-[0-9a-f-]{27}(?=/|$)|(?<=\{id\})/[^/]+$")
# Leads out of the panel, or changes it.
OUTSIDE = re.compile(r"^/(docs|openapi|language/|api/|logout$)")


def shape(path):
    """`/history/{id}` for each message's page."""
    return ID.sub("/{id}", ID.sub("/{id}", path))


def find_pages(page):
    """One page of every shape that somebody who has logged in can reach: the paths by their shapes, in order."""
    found, left = {"/": "/"}, ["/"]
    while left:
        page.goto(left.pop(0))
        for link in page.locator("a[href]:not([download])").evaluate_all("links => links.map(link => link.href)"):
            parts = urlsplit(link)
            if parts.netloc == urlsplit(page.url).netloc and not OUTSIDE.match(parts.path):
                if shape(parts.path) not in found:
                    found[shape(parts.path)] = parts.path
                    left.append(parts.path)
    return found
