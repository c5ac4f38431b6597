"""A team on an ordinary morning: at least one agent in every condition, for the tests of every view and for its pictures."""

import datetime

# Long enough to be looked at: drift waits for its second look, and a stuck boot counts as one for long.
SETTINGS = {
    "ROLLCALL_CONFIRM_AFTER": "600s",
    "ROLLCALL_STARTING_TIMEOUT": "600s",
    "ROLLCALL_RESTART_LIMIT": "1",
    "ROLLCALL_SWEEP_INTERVAL": "2s",
    "ROLLCALL_OFF_SHIFT_SWEEP_INTERVAL": "2s",
}

# Agent, name, team, whether on shift, and what befalls the session: a fault of the simulator, with parameters.
PEOPLE = [
    ("ada", "Ada Mbeki", "front-desk", True, None),
    ("bruno", "Bruno Sá", "front-desk", True, ("needs_qr", {})),
    ("chen", "Chen Li", "front-desk", True, ("vanish", {})),
    ("dilara", "Dilara Aydın", "front-desk", True, ("self_stop", {})),
    ("emil", "Emil Novák", "support", True, None),
    ("farah", "فرح حداد", "support", True, ("stale_read", {"word": "MAINTENANCE"})),
    ("goran", "Goran Ilić", "support", False, None),
    ("hana", "Hana Sato", "support", True, None),
    ("ines", "Inés Prieto", "late-shift", True, None),
    ("jonas", "Jonas Weber", "late-shift", False, None),
    ("kofi", "Kofi Annor", "late-shift", False, None),
]
UNMAPPED = [("lena", "Lena Olsen", "late-shift", True), ("mara", "Mara Stein", "late-shift", False)]

# The condition that each of some is in at last.
CONDITIONS = {
    "ada": "converged",
    "bruno": "needs_pairing",
    "chen": "needs_attention",
    "dilara": "drifted",
    "emil": "needs_attention",
    "farah": "unknown",
    "hana": "held",
    "ines": "starting",
    "kofi": "stopping",
    "lena": "unassigned",
}


def seed(rollcall, conditions=CONDITIONS):
    """Makes the team, and waits until everybody is in a condition of theirs."""
    for agent, name, team, _, _ in PEOPLE:
        rollcall.add_agent(agent, name=name, team=team)
    for agent, name, team, _ in UNMAPPED:
        rollcall.add_agent(agent, name=name, team=team, with_instance=False)
    for agent, _, _, is_here, _ in PEOPLE:
        if agent in ("ada", "hana"):
            rollcall.clock_in(agent)
        elif is_here and agent not in ("emil", "ines"):
            clock_in(rollcall, agent, minutes=95)
    # Boots end badly, again and again, until the budget of restarts is used up.
    rollcall.fault("failed", ["I-emil"])
    clock_in(rollcall, "emil", minutes=94)
    clock_in(rollcall, "lena", minutes=40)
    clock_in(rollcall, "kofi", minutes=200)
    for agent, _, _, is_here, _ in PEOPLE:
        if (is_here and agent not in ("emil", "ines")) or agent == "kofi":
            rollcall.wait_for(agent, observed="WORKING", condition="converged")
    rollcall.must("POST", "/v1/agents/ada/break-start")
    rollcall.must("POST", "/v1/agents/ada/break-end")
    for agent, _, _, _, fault in PEOPLE:
        if fault:
            rollcall.fault(fault[0], [f"I-{agent}"], **({"params": fault[1]} if fault[1] else {}))
    # A start that does not end, and a stop that is not believed yet.
    rollcall.fault("stuck_starting", ["I-ines"])
    clock_in(rollcall, "ines", minutes=1)
    rollcall.fault("hang", ["I-kofi"], operations=["stop"])
    rollcall.must("POST", "/v1/agents/kofi/clock-out")
    hold(rollcall, "hana", "stopped")
    hold(rollcall, "jonas", "running")
    unmatched(rollcall)
    too_much(rollcall)
    for agent, condition in conditions.items():
        rollcall.wait_for(agent, condition=condition)


def clock_in(rollcall, agent, minutes):
    at = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(minutes=minutes)
    rollcall.must("POST", f"/v1/agents/{agent}/clock-in", {"occurred_at": at.isoformat()})


def hold(rollcall, agent, state):
    until = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=2)
    body = {"state": state, "until": until.isoformat(), "reason": "the number is being moved"}
    rollcall.must("PUT", f"/v1/agents/{agent}/hold", body)


def too_much(rollcall):
    """An order about more agents than may change at once: it waits for somebody."""
    until = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=1)
    here = [agent for agent, _, _, is_here, _ in PEOPLE if is_here]
    hold = {"state": "stopped", "until": until.isoformat(), "reason": "the office moves"}
    rollcall.must("POST", "/v1/actions", {"action": "hold", "agents": here, "hold": hold})


def unmatched(rollcall):
    """What a source says of somebody whom nobody knows, what it was refused, and what it said twice."""
    event = {"agent_id": "E-4711", "kind": "clock_in", "event_id": "e1"}
    event["occurred_at"] = datetime.datetime.now(datetime.timezone.utc).isoformat()
    assert rollcall.deliver("hr", event) == 200
    assert rollcall.deliver("hr", event) == 200
    assert rollcall.deliver("hr", event, secret="another-secret-than-that") == 401
    assert rollcall.deliver("hr", {**event, "agent_id": "ada", "event_id": "e2"}) == 200
