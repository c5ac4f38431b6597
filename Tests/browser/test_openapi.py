"""The description of the API against what the service answers: no member missing, none that is not described, each of its type."""

import copy
import datetime
import http.cookiejar
import json
import re
import time
import urllib.error
import urllib.request

import jsonschema
import pytest
import yaml

import story
from rollcall import wait_until

SETTINGS = story.SETTINGS

# Described as there only sometimes, by schema.
OPTIONAL = {
    "ActionDone": {"change"},
    "ActionRefused": {"field"},
    "Agent": {"removal_asked_at", "aliases", "waiting"},
    "AliasMapping": {"agent"},
    "HeldChange": {"parts"},
    "HeldPart": {"erases", "hold"},
    "Key": {"key"},
    "Problem": {"field"},
}


@pytest.fixture(scope="module", autouse=True)
def scene(rollcall):
    story.seed(rollcall)
    rollcall.must("PUT", "/v1/sources/hr/aliases/4711", {"agent_id": "ada"})
    event = {"agent_id": "4711", "kind": "clock_in", "event_id": "d1"}
    assert rollcall.deliver("hr", event) == 200
    assert rollcall.deliver("quiet", event) == 200
    wait_until(lambda: rollcall.must("GET", "/v1/incidents")["items"], what="an incident")
    wait_until(lambda: rollcall.must("GET", "/v1/sources/hr/deliveries?outcome=refused")["items"], what="the refusal")


@pytest.fixture(scope="module")
def description(rollcall):
    with urllib.request.urlopen(f"{rollcall.address}/openapi.yaml", timeout=30) as response:
        return yaml.safe_load(response.read())


@pytest.fixture(scope="module")
def judge(description):
    """Holds an answer against the schema of its route and status."""
    strict = closed(description)

    def judge_one(method, path, status, answer):
        # As everybody reads it, and with nothing left out and nothing added.
        for document in (description, strict):
            found = faults(document, answer_schema(document, method, path, status), answer)
            assert [f"{method} {path}: {fault}" for fault in found] == []

    return judge_one


def faults(document, schema, value):
    """In what a value is not as a schema of the description has it."""
    formats = jsonschema.FormatChecker()
    formats.checks("date-time", ValueError)(is_instant)
    whole = {"components": document["components"], "allOf": [schema]}
    found = jsonschema.Draft202012Validator(whole, format_checker=formats).iter_errors(value)
    return [f"{fault.json_path}: {fault.message}" for fault in found]


@pytest.fixture(scope="module")
def check(rollcall, judge):
    """Calls a route, and holds the answer against the schema of its status; returns the answer."""

    def check_one(method, path, body=None, status=200, key=None):
        code, answer = rollcall.call(method, path, body, key=key)
        assert code == status, f"{method} {path}: {code} {answer}"
        judge(method, path, status, answer)
        return answer

    return check_one


def is_instant(value):
    return not isinstance(value, str) or datetime.datetime.fromisoformat(value).tzinfo is not None


def answer_schema(document, method, path, status):
    """The schema of an answer's body, by the route's address and the status."""
    responses = route(document, path)[method.lower()]["responses"]
    response = responses.get(str(status)) or responses.get(f"{status // 100}XX") or responses["default"]
    if "$ref" in response:
        response = document["components"]["responses"][response["$ref"].rsplit("/", 1)[1]]
    (content,) = response["content"].values()
    return content["schema"]


def route(document, path):
    """What is described under the address that a path fits, one without places before others."""
    path = path.split("?")[0]
    fitting = [each for each in document["paths"] if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", each), path)]
    return document["paths"][min(fitting, key=lambda each: each.count("{"))]


def closed(description):
    """The same with every member that is described asked for, and no other allowed."""
    document = copy.deepcopy(description)
    parts = set(re.findall(r"'allOf': \[{'\$ref': '#/components/schemas/(\w+)'", str(document)))
    for name, schema in document["components"]["schemas"].items():
        demand(schema, OPTIONAL.get(name, set()), is_part=name in parts)
    for part in (document["components"]["responses"], document["paths"]):
        demand(part, set())
    return document


def demand(schema, optional, is_part=False):
    """Closes an object's schema and those in it; parts of an `allOf` are closed by what holds them."""
    if isinstance(schema, list):
        for each in schema:
            demand(each, optional, is_part)
        return
    if not isinstance(schema, dict):
        return
    for name, inner in schema.items():
        if name == "properties":
            for each in inner.values():
                demand(each, set())
        elif name not in ("enum", "required", "requestBody", "parameters"):
            demand(inner, optional, is_part=name == "allOf")
    properties = schema.get("properties")
    if isinstance(properties, dict) and "additionalProperties" not in schema:
        schema["required"] = sorted(set(properties) - optional)
    if (isinstance(properties, dict) or "allOf" in schema) and not is_part:
        schema["unevaluatedProperties"] = False


LISTS = [
    "/v1/agents", "/v1/agents?limit=1", "/v1/agents?condition=unassigned", "/v1/agents?agreement=unmapped",
    "/v1/engines", "/v1/incidents", "/v1/unmatched",
    "/v1/unmatched?group=name", "/v1/sources", "/v1/sources/hr/deliveries", "/v1/sources/hr/deliveries?outcome=refused",
    "/v1/sources/hr/aliases", "/v1/guard", "/v1/guard?state=held", "/v1/keys",
]


@pytest.mark.parametrize("path", LISTS)
def test_lists_are_as_described(check, path):
    assert check("GET", path)["items"]


@pytest.mark.parametrize("path", ["/v1/summary", "/v1/stats", "/v1/sources/hr", "/v1/alerts", "/livez", "/readyz"])
def test_single_answers_are_as_described(check, path):
    check("GET", path)


@pytest.mark.parametrize("agent", [person[0] for person in story.PEOPLE + story.UNMAPPED])
def test_an_agent_their_explanation_and_their_timeline_are_as_described(check, agent):
    for rest in ("", "/explain", "/timeline"):
        check("GET", f"/v1/agents/{agent}{rest}")


def test_a_held_change_with_its_parts_is_as_described(check):
    change = check("GET", "/v1/guard")["items"][0]["change"]
    assert check("GET", f"/v1/guard/{change}")["parts"]


def test_receipts_and_problems_are_as_described(check, view_key):
    event = {"event_id": "o1", "agent_id": "goran", "kind": "clock_out"}
    check("POST", "/v1/clock-events", event, 202)
    assert check("POST", "/v1/clock-events", event)["replayed"]
    check("POST", "/v1/agents/nobody/clock-in", {"event_id": "o2"}, 202)
    check("POST", "/v1/clock-events", [event, {**event, "event_id": "o3"}], 202)
    check("POST", "/v1/clock-events", [event, {"agent_id": "goran", "kind": "lunch"}], 207)
    check("POST", "/v1/clock-events", {**event, "kind": "clock_in"}, 422)
    check("POST", "/v1/clock-events", {"agent_id": "goran", "kind": "lunch"}, 422)
    check("GET", "/v1/agents?limit=many", None, 422)
    check("GET", "/v1/agents?agreement=asleep", None, 422)
    check("GET", "/v1/stream?agreement=asleep", None, 422)
    check("GET", "/v1/agents/nobody-here", None, 404)
    check("GET", "/v1/keys", None, 403, key=view_key)
    check("GET", "/v1/agents", None, 401, key="rk_nonsense")


def test_what_changes_something_answers_as_described(check):
    check("POST", "/v1/keys", {"name": "described", "role": "view", "teams": ["support"]}, 201)
    check("PUT", "/v1/sources/hr/aliases/4712?dry_run=true", {"agent_id": "goran"})
    check("PUT", "/v1/sources/hr/aliases/4712", {"agent_id": "goran"}, 201)
    check("POST", "/v1/sources/hr/verify", {"agent_id": "4712", "kind": "clock_out"})
    check("PUT", "/v1/agents/goran", {"name": "Goran Ilić"})
    check("POST", "/v1/agents/goran/reconcile", None, 202)
    check("POST", "/v1/engines/main/sweep?wait=30")


def test_orders_holds_and_their_decisions_are_as_described(check):
    until = (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=1)).isoformat()
    hold = {"state": "stopped", "until": until, "reason": "described"}
    check("PUT", "/v1/agents/goran/hold", hold)
    change = check("GET", "/v1/guard")["items"][0]["change"]
    # Of people whom no other test here needs as they are: what is approved stops a session.
    agents = {part["agent_id"] for part in check("GET", f"/v1/guard/{change}")["parts"]}
    assert agents >= {"chen", "dilara"}
    check("POST", f"/v1/guard/{change}/refuse", {"waiting": 1}, 409)
    check("POST", f"/v1/guard/{change}/refuse", {"agents": ["chen"], "waiting": 1})
    check("POST", f"/v1/guard/{change}/approve", {"agents": ["dilara"]})


def test_what_pairs_a_telephone_is_as_described(check):
    for wish in ({"as": "qr"}, {"as": "link"}, {"as": "code", "phone_number": "+34600123456"}):
        assert check("POST", "/v1/agents/bruno/pairing", wish)["kind"] == wish["as"]
    check("POST", "/v1/agents/ada/pairing", {"as": "qr"}, 409)


def test_what_comes_of_an_order_about_many_is_as_described(check):
    assert check("POST", "/v1/actions", {"action": "reconcile", "agents": ["ada", "ines"]})["results"]
    done, refused = check("POST", "/v1/actions", {"action": "reconcile", "agents": ["ada", "lena"]}, 207)["results"]
    assert "code" not in done and refused["code"] == "no_instance"
    until = (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=1)).isoformat()
    here = [agent for agent, _, _, is_here, _ in story.PEOPLE if is_here]
    order = {"action": "hold", "agents": here, "hold": {"state": "stopped", "until": until, "reason": "described"}}
    results = check("POST", "/v1/actions", order)["results"]
    assert any("change" in result for result in results), "more than may change at once"
    check("POST", "/v1/actions", {"action": "dance", "agents": ["ada"]}, 422)


def told(rollcall, key, seconds=60):
    """What the stream tells a key until it ends: each event's name and data."""
    deadline = time.monotonic() + seconds
    request = urllib.request.Request(f"{rollcall.address}/v1/stream", headers={"Authorization": f"Bearer {key}"})
    with urllib.request.urlopen(request, timeout=30) as stream:
        name = None
        for line in stream:  # a sign of life every 2 s, if nothing else
            assert time.monotonic() < deadline, "the stream goes on"
            kind, _, rest = line.decode().rstrip("\n").partition(": ")
            if kind == "event":
                name = rest
            elif kind == "data":
                yield name, json.loads(rest)


def test_every_event_of_the_stream_has_its_data_as_described(rollcall, description):
    rollcall.add_agent("passing", with_instance=False)
    key = rollcall.key("view")
    documents = [description, closed(description)]
    described = description["components"]["schemas"]["StreamData"]["properties"]
    named = re.search(r"Server-sent events - (.*?)\.", description["paths"]["/v1/stream"]["get"]["summary"])[1]
    assert re.findall(r"`(\w+)`", named) and set(re.findall(r"`(\w+)`", named)) == set(described)
    seen = set()
    for name, data in told(rollcall, key["key"]):
        for document in documents:
            schema = document["components"]["schemas"]["StreamData"]["properties"][name]
            assert faults(document, schema, data) == [], name
        # With the counts everything was told; now something changes.
        if name == "summary" and "summary" not in seen:
            rollcall.must("DELETE", "/v1/agents/passing")
            at = datetime.datetime.now(datetime.timezone.utc).isoformat()
            rollcall.must("POST", "/v1/clock-events", {"agent_id": "nobody-of-the-stream", "kind": "clock_in", "occurred_at": at})
        wanted = set(described) - {"signed_out"}
        if seen < wanted <= seen | {name}:
            rollcall.must("DELETE", f"/v1/keys/{key['id']}")
        seen.add(name)
    assert seen == set(described)


def test_what_the_page_asks_for_by_its_cookie_is_as_described(rollcall, judge):
    jar = http.cookiejar.CookieJar()
    browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar))

    def ask(method, path, body=None, **headers):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(rollcall.address + path, data, headers, method=method)
        request.add_header("Content-Type", "application/json")
        with browser.open(request, timeout=30) as response:
            answer = json.load(response)
            judge(method, path, response.status, answer)
            return answer

    proof = ask("POST", "/session", {"key": rollcall.admin_key})["csrf"]
    assert [cookie.name for cookie in jar] == ["rollcall_session"]
    assert ask("GET", "/session")["csrf"] == proof
    assert ask("PUT", "/session", {}, **{"X-Rollcall-CSRF": proof})["role"] == "admin"
    assert ask("GET", "/unmatched/count")["names"] > 0
    with pytest.raises(urllib.error.HTTPError) as refused:
        ask("PUT", "/session", {})
    judge("PUT", "/session", refused.value.code, json.load(refused.value))
