"""Whose turn it is where nobody acts for an engine: of those who are at work, that of whoever runs Rollcall, and not the engine's."""

from test_nobody_acts import engines

CARD = '.need[data-agent="there"]'
OPERATOR = "The operator's turn: nobody acts for the engine."


def source(page, path):
    """The page as the server sends it, with no script of its own."""
    return page.run("return fetch(arguments[0]).then((answer) => answer.text())", path).replace("&#39;", "'")


def test_somebody_at_work_under_an_engine_for_which_nobody_acts_is_the_operators(rollcall, page, view_key):
    page.provoke("net::ERR_")
    engines(rollcall, "main", "spare")
    rollcall.add_agent("here")
    rollcall.sim("PUT", "/_sim/sessions", {"sessions": [{"instance_id": "I-there", "status": "STOPPED"}]})
    instance = {"engine": "spare", "instance_id": "I-there", "session_name": "wawp-there"}
    rollcall.must("PUT", "/v1/agents/there", {"name": "There", "team": "support", "instance": instance})
    for agent in ("here", "there"):
        rollcall.clock_in(agent)
    for agent in ("here", "there"):
        rollcall.wait_for(agent, observed="WORKING", condition="converged")
    page.sign_in(view_key)
    page.wait_live()
    page.wait_agreement("there", "fine")
    assert page.needs() == []
    # The account is no longer set up, and nobody else has it.
    engines(rollcall, "main")
    page.wait_live(60)
    page.wait(lambda: "there" in page.needs(), 60, "the card of who cannot be looked at")
    page.wait_text(f"{CARD} [data-field=turn]", OPERATOR)
    assert page.find(f"{CARD} [data-field=turn]").get_attribute("data-turn") == "operator"
    # What the stream tells of the agent says no more than whose turn it is while somebody acts.
    rollcall.must("POST", "/v1/agents/there/break-start")
    page.wait_cell("there", "shift", "on break")
    page.wait_text(f"{CARD} [data-field=turn]", OPERATOR)
    assert "The engine's turn" not in page.text("#needs")
    page.shoot("whose-turn")
    # The server says the same.
    served = source(page, "/")
    assert f'data-attended="engine" data-turn="operator">{OPERATOR}' in served and "The engine's turn: it has" in served, "as a word"
    assert 'data-turn="engine"' not in served
    page.open("/agents/there")
    page.wait_live()
    page.wait_text("#turn", OPERATOR)
    page.wait_text("#why", "For somebody to act for the engine.")
    assert "For the engine to answer" not in page.text("#why")
    # Somebody acts for it again, and nobody is needed any more.
    page.open()
    page.wait_live()
    engines(rollcall, "main", "spare")
    page.wait_live(60)
    page.wait(lambda: page.needs() == [], 60, "nobody needing anybody")
