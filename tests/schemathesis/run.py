"""The address of nothing in; whether a running service keeps to the API that it describes out.

Starts `counterplay serve --sandbox` in a folder of its own, gathers ids that exist, and lets schemathesis ask every
call of the served description with made-up and with existing ids. Exit code 0: every answer was a described one.
"""

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import requests
from openapi_spec_validator import validate

BINARY = os.environ["COUNTERPLAY_BIN"]
HERE = Path(__file__).parent
EXAMPLES = os.environ.get("COUNTERPLAY_EXAMPLES", "15")
SEED = os.environ.get("COUNTERPLAY_SEED", "20261125")
START_S = 60
# What a stream answers never ends; a session's calls would log the caller out; the person and the token that ask
# must not be disabled meanwhile.
LEFT_OUT = r"/(stream|session)$|/people/\{person\}|/tokens/\{token\}"
# People of the made-up tenant.
USERS = [f"7c9e1a40-52b1-4d0e-8a11-0f6b3c2d100{n}" for n in (2, 4, 5, 6)]
# Where existing values go.
PARAMETERS = {
    "path.letter": "letters",
    "path.revision": "revisions",
    "path.event": "events",
    "query.tenant": "tenants",
    "query.playbook": "playbooks",
    "header.If-Match": "tags",
    "body.tenant": "tenants",
}
CHECKS = [
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
    "response_headers_conformance",
    "ignored_auth",
    "unsupported_method",
]


class Service:
    """A service in a folder, until it is stopped."""

    def __init__(self, folder: Path):
        self.process = subprocess.Popen(
            [BINARY, "serve", "--sandbox", "--accept-deploys", "--listen", "127.0.0.1:0"],
            cwd=folder,
            env={**os.environ, "NO_COLOR": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.told = ""
        self.hearing = threading.Thread(target=self.hear, daemon=True)
        self.hearing.start()
        end = time.monotonic() + START_S
        while "Ctrl-C stops" not in self.told:
            if time.monotonic() > end or self.process.poll() is not None:
                sys.exit(f"the service did not start:\n{self.told}")
            time.sleep(0.05)
        self.url = re.search(r"dashboard\s+(http:\S+)/", self.told)[1]
        self.password = re.search(r"finn\.murphy@msp\.example\s+(\S+)", self.told)[1]

    def hear(self):
        for line in self.process.stdout:
            self.told += line

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=60)


def token(service: Service) -> str:
    """An administrator's token."""
    session = requests.Session()
    api = f"{service.url}/api/automation"
    who = {"email": "finn.murphy@msp.example", "password": service.password}
    login = session.post(f"{api}/session", json=who)
    login.raise_for_status()
    made = session.post(
        f"{api}/tokens",
        json={"name": "schemathesis", "role": "administrator"},
        headers={"x-csrf-token": login.json()["csrf"], "origin": service.url},
    )
    made.raise_for_status()
    return made.json()["secret"]


def known(service: Service, secret: str) -> dict[str, list]:
    """What exists, by kind: what made-up requests would find by chance only."""
    api = f"{service.url}/api/automation"
    asked = requests.Session()
    asked.headers["authorization"] = f"Bearer {secret}"

    def found(path: str, name: str, key: str) -> list:
        answer = asked.get(f"{api}/{path}")
        answer.raise_for_status()
        values = [item[key] for item in answer.json()[name]]
        if not values:
            sys.exit(f"{path} has nothing to ask with")
        return values

    # Runs that wait for an approval until something ends them, and letters that something puts aside.
    for user in USERS:
        body = {"tenant": "contoso", "values": {"user": user, "reason": "asked by a program"}}
        asked.post(f"{api}/playbooks/contain_account/run", json=body).raise_for_status()
    for number in range(12):
        asked.post(f"{service.url}/events/identity.risk_detected", json={"id": number})
    end = time.monotonic() + START_S
    while len(asked.get(f"{api}/approvals").json()["approvals"]) < len(USERS):
        if time.monotonic() > end:
            sys.exit("the runs do not come to their approvals")
        time.sleep(0.1)
    return {
        "playbooks": found("playbooks", "playbooks", "id"),
        "runs": found("runs", "runs", "id"),
        "approvals": found("approvals", "approvals", "id"),
        "letters": found("dead-letters", "letters", "letter"),
        "revisions": found("revisions", "revisions", "revision"),
        "events": [*found("events", "events", "event"), "identity.risk_detected"],
        "tenants": ["contoso"],
        "users": USERS,
        "tags": ["*"],
    }


def settings(names: dict[str, list], folder: Path) -> Path:
    """A file that has schemathesis use what exists in three of four cases; `hooks.py` gets it, too."""
    risk = (HERE / "../../examples/shipped-responses/events/risk-detection.json").read_text()
    known = folder / "known.json"
    known.write_text(json.dumps({**names, "risk": [json.loads(risk)]}))
    os.environ["COUNTERPLAY_KNOWN"] = str(known)
    lines = [f"hooks = {json.dumps(str(HERE / 'hooks.py'))}"]
    for name, values in names.items():
        lines += [f"[dictionaries.{name}]", f"values = {json.dumps(values[::2][:20])}"]
    lines += ["[parameters]"]
    for parameter, name in PARAMETERS.items():
        lines += [f'"{parameter}" = {{ dictionary = "{name}", probability = 0.75 }}']
    for part, name in [("playbooks", "playbooks"), ("runs", "runs"), ("approvals", "approvals")]:
        lines += [
            "[[operations]]",
            f'include-path-regex = "/{part}/"',
            f'parameters = {{ "path.id" = {{ dictionary = "{name}", probability = 0.75 }} }}',
        ]
    file = folder / "schemathesis.toml"
    file.write_text("\n".join(lines) + "\n")
    return file


def asked(service: Service, secret: str, config: Path) -> int:
    """What schemathesis says of the service: 0 for nothing."""
    return subprocess.run(
        [
            sys.executable, "-m", "schemathesis.cli", "--config-file", str(config),
            "run", f"{service.url}/api/openapi.json",
            "--header", f"Authorization: Bearer {secret}",
            "--checks", ",".join(CHECKS),
            "--phases", "examples,coverage,fuzzing",
            "--max-examples", EXAMPLES,
            "--seed", SEED,
            "--generation-database", "none",
            "--no-shrink",
            "--continue-on-failure",
            "--request-timeout", "10",
            "--exclude-path-regex", LEFT_OUT,
            "--no-color",
        ],
        cwd=config.parent,
    ).returncode


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="counterplay-schemathesis-") as name:
        folder = Path(name)
        service = Service(folder)
        try:
            validate(requests.get(f"{service.url}/api/openapi.json").json())
            secret = token(service)
            found = asked(service, secret, settings(known(service, secret), folder))
            if service.process.poll() is not None:
                print(f"the service ended:\n{service.told}")
                return 1
        finally:
            ended = service.stop()
        return found or ended


if __name__ == "__main__":
    sys.exit(main())
