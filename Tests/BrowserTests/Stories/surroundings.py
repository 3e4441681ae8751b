"""Sluice and its provider as a story sees them from outside the browser."""

import base64
import json
import os
import secrets
import time
import urllib.error
import urllib.parse
import urllib.request

ADMIN = (os.environ["SLUICE_ADMIN_USER"], os.environ["SLUICE_ADMIN_PASSWORD"])
PASSWORD = "a password of tests"


class Client:
    """A JSON API."""

    def __init__(self, base, token=None):
        self.base, self.token = base, token

    def __call__(self, method, path, body=None):
        """The answer's status and JSON."""
        headers = {"Content-Type": "application/json"}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.base + path, data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return answer.status, json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.loads(error.read() or b"null")

    def data(self, method, path, body=None):
        """What the answer holds, which must be no error."""
        status, answer = self(method, path, body)
        assert status < 300, f"{method} {path}: {status} {answer}"
        return answer.get("data", answer) if isinstance(answer, dict) else answer


gateway = Client(os.environ["SLUICE_URL"], os.environ["SLUICE_TOKEN"])
mock = Client(os.environ["SLUICE_MOCK_URL"])


def eventually(what, condition, within=10):
    """Asks until the answer is true, and returns it."""
    deadline = time.monotonic() + within
    while True:
        answer = condition()
        if answer:
            return answer
        assert time.monotonic() < deadline, f"not within {within} s: {what}"
        time.sleep(0.05)


def numbers(count, first):
    """Numbers that are possible in Hong Kong. Each story has a thousand of its own."""
    return [f"+8525{first + n:07d}" for n in range(count)]


def arrivals(of):
    """What reached the provider for these numbers."""
    mine = {number.lstrip("+") for number in of}
    return [one for one in mock("GET", "/arrivals?provider=hkt&limit=100000")[1] if one["number"] in mine]


def make_user(**fields):
    """A new user with `PASSWORD`: the name."""
    name = f"person-{secrets.token_hex(3)}"
    return gateway.data("POST", "/api/admin/users", {"username": name, "password": PASSWORD, **fields})["username"]


def make_token(user):
    """A token of a user, by their id."""
    return gateway.data("POST", f"/api/admin/users/{user}/tokens", {"name": "a story"})["token"]


def publish(exchange, key, text):
    """Publishes a text as it is, as the broker's administrator; somebody must take it."""
    url = urllib.parse.urlsplit(os.environ["SLUICE_MANAGEMENT_URL"])
    login = base64.b64encode(f"{url.username}:{url.password}".encode()).decode()
    body = {"routing_key": key, "payload_encoding": "string", "payload": text, "properties": {"delivery_mode": 2}}
    request = urllib.request.Request(
        f"http://{url.hostname}:{url.port}/api/exchanges/sluice/{exchange}/publish", json.dumps(body).encode(),
        {"Content-Type": "application/json", "Authorization": f"Basic {login}"}, method="POST")
    with urllib.request.urlopen(request, timeout=10) as answer:
        assert json.loads(answer.read())["routed"], f"nobody takes what goes to {key}"


def send(recipients, text, **options):
    """Sends as the admin's program would: the message's id."""
    body = {"recipients": recipients, "content": text, **options}
    return gateway.data("POST", "/api/sms/send-bulk", body)["id"]


def final(message, within=30):
    """A message to which nothing more happens."""

    def over():
        status, answer = gateway("GET", f"/api/admin/messages/{message}")
        return status == 200 and answer["data"]["job_status"] not in ("pending", "sending") and answer["data"]

    return eventually(f"message {message} is final", over, within)


def letter(number, text):
    """A dead letter: the provider takes an SMS to this number and never answers. Its id and that of its message."""
    mock.data("POST", "/behaviour", {
        "provider": "hkt", "faults": [{"suffix": number[-7:], "kind": "read_and_close", "times": 1}],
    })
    message = send([number], text)
    try:
        letters = eventually("the letter is there", lambda: gateway.data(
            "GET", f"/api/admin/dead-letters?message_id={message}")["dead_letters"])
    finally:
        mock.data("POST", "/behaviour", {"provider": "hkt"})
    return letters[0]["id"], message
