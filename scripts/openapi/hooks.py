"""What Schemathesis can't know from the document: values of Footfall's own formats, and which values go together."""

import itertools
import json
import uuid

import schemathesis
from hypothesis import strategies as st

LETTERS = "abcdefghijklmnopqrstuvwxyz"

labels = st.text(LETTERS + "0123456789", min_size=1, max_size=12)
domains = st.builds(lambda name, end: f"{name}.{end}", labels, st.sampled_from(["example", "test", "Example", "EXAMPLE."]))
paths = st.lists(st.text(LETTERS + "-._~%20é", max_size=8).map(lambda part: part.replace("%", "%25")), max_size=4).map(
    lambda parts: "/" + "/".join(parts)
)
urls = st.builds(lambda scheme, host, path: f"{scheme}://{host}{path}", st.sampled_from(["http", "https"]), domains, paths)
# Within a week, so that a range of minutes has at most 10,000 of them; and not ahead of the clock.
times = st.builds(
    lambda day, hour, minute, fraction, zone: f"2025-05-{day}T{hour:02}:{minute:02}:00{fraction}{zone}",
    st.integers(20, 25),
    st.integers(0, 23),
    st.integers(0, 59),
    st.sampled_from(["", ".5", ".123456", ".1234569"]),
    st.sampled_from(["Z", "z", "+02:00", "-09:30"]),
)

schemathesis.openapi.format("page", st.one_of(urls, paths))
schemathesis.openapi.format("domain", domains)
schemathesis.openapi.format("date-time", times)
schemathesis.openapi.format("iana-time-zone", st.sampled_from(["UTC", "Europe/Berlin", "Asia/Kolkata", "America/New_York"]))

events = st.builds(
    lambda user, page, at: json.dumps(
        {"event_type": "page_view", "user_id": user, "timestamp": at, "properties": {"page": page}}
    ),
    st.one_of(labels, st.integers(0, 10**12)),
    urls,
    times,
)
schemathesis.openapi.format("json", events)
schemathesis.openapi.format("ndjson", st.lists(events, min_size=1, max_size=5).map("\n".join))


@schemathesis.serializer("application/x-ndjson")
def ndjson(context, value):
    return (value if isinstance(value, str) else json.dumps(value)).encode()


@schemathesis.hook
def before_call(context, case, kwargs):
    # Bodies are not compressed here; the service's own tests do that.
    if case.headers and case.headers.get("Content-Encoding") in ("gzip", "br", "zstd"):
        del case.headers["Content-Encoding"]
    if case.meta is None or not case.meta.generation.mode.is_positive:
        return
    # A key stands for one event: used for another one it is refused.
    if case.headers and "Idempotency-Key" in case.headers:
        case.headers["Idempotency-Key"] = str(next(keys))
    if isinstance(case.query, dict):
        go_together(case.operation.label, case.query)
    case.body = as_sent(case.body)


keys = (uuid.UUID(int=number) for number in itertools.count(1))


def go_together(label, query):
    """`from` is before `to`; where both are needed there are both or neither; a window stands alone; cursors are real ones."""
    needs_both = label in ("GET /analytics/pages", "GET /analytics/summary", "POST /metrics/calculate")
    if needs_both and ("from" in query) != ("to" in query):
        query.pop("from", None)
        query.pop("to", None)
    if "from" in query:
        query.pop("window", None)
    if "from" in query and "to" in query:
        query["from"], query["to"] = "2025-05-20T00:00:00Z", "2025-05-25T12:00:00+02:00"
    if not str(query.get("cursor", "EA")).startswith(("EA", "EQ", "IA")):
        del query["cursor"]


def as_sent(body):
    """To JSON Schema 1.0 is an integer, to the service it isn't. Types that the test's service doesn't know need a user."""
    if isinstance(body, list):
        return [as_sent(item) for item in body]
    if isinstance(body, dict):
        whole = {name: int(value) if isinstance(value, float) and value.is_integer() else value for name, value in body.items()}
        if "event_type" in whole and whole["event_type"] not in ("delivered", "bounced") and whole.get("user_id") is None:
            whole["user_id"] = "ann"
        return whole
    return body
