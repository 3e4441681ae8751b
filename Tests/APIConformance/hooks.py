"""What schemathesis must know to ask sensible things: values of the formats that the API's description names."""

import os
from datetime import date, datetime, timedelta, timezone

import schemathesis
from hypothesis import strategies as st

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


@schemathesis.hook
def map_body(context, body):
    """At most ten segments, which depends on the alphabet: what is not too long already is made short."""
    if isinstance(body, dict):
        for name in ("content", "text"):
            value = body.get(name)
            if isinstance(value, str) and 300 < len(value) <= 1530:
                body[name] = value[:300]
        # No control characters and no space at the ends, which no simple pattern says.
        if isinstance(body.get("username"), str):
            body["username"] = "".join(c if c.isprintable() and not c.isspace() else "x" for c in body["username"])
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
