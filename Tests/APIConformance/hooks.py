"""What schemathesis must know to ask sensible things: values of the formats that the API's description names."""

import os
from datetime import datetime, timedelta, timezone

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
# At most ten segments, whatever the alphabet.
schemathesis.openapi.format(
    "sms-text",
    st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\x00"), min_size=1, max_size=300),
)
schemathesis.openapi.format("provider", st.sampled_from(PROVIDERS))
schemathesis.openapi.format("date-time", time(-86_400, 30 * 86_400))
schemathesis.openapi.format("future-time", time(31 * 86_400, 60 * 86_400))
# An empty cursor begins at the beginning; others are what a page before gave.
schemathesis.openapi.format("cursor", st.just(""))


@schemathesis.hook
def filter_query(context, query):
    """Lists are paged in one of two ways, which a description of single parameters cannot say."""
    query = query or {}
    return not ({"limit", "cursor"} & set(query) and {"page", "per_page"} & set(query))
