"""A request that schemathesis has made up in; the one that is sent out: every third write is one that can work.

Made-up bodies and ids are nearly always refused, and it is the answers to what works that say the most.
"""

import json
import os
from itertools import count, cycle
from pathlib import Path

import schemathesis

KNOWN = json.loads(Path(os.environ["COUNTERPLAY_KNOWN"]).read_text())
NUMBERS = count()
NEXT = {name: cycle(values) for name, values in KNOWN.items()}
# Letters that are put aside, and others that are tried again.
NEXT["aside"], NEXT["again"] = cycle(KNOWN["letters"][::2]), cycle(KNOWN["letters"][1::2])
SOURCE = """use ticket

playbook probe_{n} "Probe {n}" {{
  when manual(user: User, reason: Text)

  then {{
    let case = ticket.create(title: "Probe {n}", priority: low, team: "SOC", details: "Asked: {{reason}}")
  }}
}}
"""


def fitting(method: str, path: str, number: int):
    """What a call needs in order to work: path parameters and body."""
    user = next(NEXT["users"])
    api = "/api/automation"
    start = {"tenant": "contoso", "values": {"user": user, "reason": f"probe {number}"}}
    risk = {**KNOWN["risk"][0], "id": f"probe-{number}"}
    return {
        ("POST", f"{api}/playbooks"): ({}, {"source": SOURCE.format(n=number)}),
        ("POST", f"{api}/playbooks/{{id}}/run"): ({"id": "contain_account"}, start),
        ("POST", f"{api}/playbooks/{{id}}/simulate"): ({"id": "contain_account"}, start),
        ("POST", f"{api}/runs/{{id}}/cancel"): ({"id": next(NEXT["runs"])}, None),
        ("POST", f"{api}/dead-letters/{{letter}}/dismiss"): ({"letter": next(NEXT["aside"])}, {"why": "a probe"}),
        ("POST", f"{api}/dead-letters/{{letter}}/replay"): ({"letter": next(NEXT["again"])}, None),
        ("POST", f"{api}/people"): ({}, {"email": f"p{number}@msp.example", "name": "P", "roles": ["viewer"]}),
        ("POST", f"{api}/tokens"): ({}, {"name": f"probe-{number}", "role": "viewer"}),
        ("DELETE", f"{api}/playbooks/{{id}}/mode"): ({"id": next(NEXT["playbooks"])}, None),
        ("POST", "/events/{event}"): ({"event": "identity.risk_detected"}, risk),
        ("POST", "/events"): ({}, risk),
    }.get((method, path))


@schemathesis.hook
def before_call(context, case, kwargs):
    """Takes what fits in place of what was made up, a third of the time; and a key that no other request has."""
    number = next(NUMBERS)
    wanted = fitting(case.operation.method.upper(), case.operation.path, number)
    if number % 3 or wanted is None:
        return
    case.path_parameters, body = wanted
    case.headers["Idempotency-Key"] = f"probe-{number}"
    if "If-Match" in case.headers:
        case.headers["If-Match"] = "*"
    if body is not None:
        case.body = body
        case.media_type = "application/json"
        case.headers["Content-Type"] = "application/json"
