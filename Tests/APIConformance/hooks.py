"""What schemathesis must know to ask sensible things: values of the formats that the API's description names."""

import ast
import os
import threading
import unicodedata
from datetime import date, datetime, timedelta, timezone

import schemathesis
from hypothesis import strategies as st

# CPython 3.11 counts the depth of an AST for all threads together: two that parse at once end in a SystemError.
PARSING, parse = threading.Lock(), ast.parse


def parse_alone(*arguments, **options):
    with PARSING:
        return parse(*arguments, **options)


ast.parse = parse_alone

PROVIDERS = os.environ.get("SLUICE_PROVIDER_NAMES", "hkt").split(",")
SUBSCRIBER = st.integers(min_value=0, max_value=9_999_999).map(lambda n: f"{n:07d}")


def time(low: int, high: int):
    """A time so many seconds from now."""
    return st.integers(min_value=low, max_value=high).map(
        lambda s: (datetime.now(timezone.utc) + timedelta(seconds=s)).isoformat(timespec="milliseconds")
    )


# Numbers that libphonenumber holds possible, in several ways to write them.
schemathesis.openapi.format(
    "phone",
    st.one_of(
        SUBSCRIBER.map(lambda n: f"+8529{n}"),
        SUBSCRIBER.map(lambda n: f"9{n}"),
        SUBSCRIBER.map(lambda n: f"6{n[:3]} {n[3:]}"),
    ),
)
# Each request its own: the same key with another body is refused.
schemathesis.openapi.format("idempotency-key", st.uuids().map(str))
schemathesis.openapi.format("provider", st.sampled_from(PROVIDERS))
schemathesis.openapi.format("date-time", time(-86_400, 30 * 86_400))
schemathesis.openapi.format("future-time", time(31 * 86_400, 60 * 86_400))
schemathesis.openapi.format(
    "day-or-time", st.one_of(time(-86_400, 86_400), st.dates(min_value=date(2020, 1, 1), max_value=date(2030, 1, 1)).map(str))
)
# An empty cursor begins at the beginning; others are what a page before gave.
schemathesis.openapi.format("cursor", st.just(""))


def may_be_in_name(c):
    """Whether a user name may have this character wherever it stands."""
    if c.isascii():
        return "!" <= c <= "~"
    return (
        unicodedata.category(c) in ("Ll", "Lu", "Lo")
        and unicodedata.bidirectional(c) == "L"
        and unicodedata.normalize("NFKC", c) == unicodedata.normalize("NFC", c)
        and not "\u1100" <= c <= "\u11ff"  # conjoining Jamo
        and not "\ua960" <= c <= "\ua97c"
        and not "\ud7b0" <= c <= "\ud7fb"
    )


@schemathesis.hook
def map_body(context, body):
    """At most ten segments, which depends on the alphabet: what is not too long already is made short."""
    if isinstance(body, dict):
        for name in ("content", "text"):
            value = body.get(name)
            if isinstance(value, str) and 300 < len(value) <= 1530:
                body[name] = value[:300]
        # The identifiers of RFC 8265, which no simple pattern says.
        if isinstance(body.get("username"), str):
            body["username"] = "".join(c if may_be_in_name(c) else "x" for c in body["username"])
    return body


@schemathesis.hook
def before_call(context, case, kwargs):
    """A message expires after it may be sent, which a description of single fields cannot say."""
    body = case.body
    if isinstance(body, dict) and isinstance(body.get("send_at"), str) and isinstance(body.get("expires_at"), str):
        try:
            if datetime.fromisoformat(body["expires_at"]) <= datetime.fromisoformat(body["send_at"]):
                del body["send_at"]
        except (TypeError, ValueError):
            pass  # No times at all: that is for the gateway to say.
