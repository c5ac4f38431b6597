"""What pairs a telephone is shown, and stays nowhere: in no log, no table and no page."""

import json
import pathlib
import subprocess
import urllib.request

from rollcall import OUTPUT

SETTINGS = {"ROLLCALL_LOG_LEVEL": "debug"}
PHONE = "34600123456"


def pairing(rollcall, key, wish):
    """Asks as a script does; gives the answer and its headers."""
    request = urllib.request.Request(f"{rollcall.address}/v1/agents/pia/pairing", json.dumps(wish).encode(), method="POST")
    request.add_header("Authorization", f"Bearer {key}")
    request.add_header("Content-Type", "application/json")
    with urllib.request.urlopen(request, timeout=30) as response:
        return json.loads(response.read()), response.headers


def dump(rollcall):
    """All that the database holds, as text."""
    program = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin/pg_dump"))[-1]
    (socket,) = (rollcall.folder / "database").rglob(".s.PGSQL.5432")
    command = [program, "--data-only", "--inserts", "-h", str(socket.parent), "-p", "5432", "-U", "postgres", "rollcall"]
    return subprocess.run(command, check=True, capture_output=True, timeout=60).stdout.decode()


def test_what_pairs_a_telephone_stays_nowhere(rollcall, page, manage_key):
    rollcall.add_agent("pia", name="Pia")
    rollcall.clock_in("pia")
    rollcall.wait_for("pia", observed="WORKING", condition="converged")
    rollcall.fault("needs_qr", ["I-pia"])
    rollcall.wait_for("pia", condition="needs_pairing")
    shown = []
    for wish in ({"as": "qr"}, {"as": "link"}, {"as": "code", "phone_number": f"+{PHONE}"}):
        answer, headers = pairing(rollcall, manage_key, wish)
        assert headers["Cache-Control"] == "no-store", wish
        shown.append(answer["value"])
    picture = shown[0].split(",", 1)[1]
    secrets = [picture[:60], picture[-60:], shown[1], shown[1].rsplit("/", 1)[1], shown[2], shown[2].replace("-", ""), PHONE]
    # A person looks at each, and closes the dialog.
    page.sign_in(manage_key, "/agents/pia")
    page.wait_live()
    page.wait(lambda: page.find("#pair").is_displayed())
    page.find("#pair").click()
    page.wait(lambda: page.has("#pairing-place img"), what="the QR code")
    secrets.append(page.run("return document.querySelector('#pairing-place img').src").split(",", 1)[1][-60:])
    page.find("#pairing [data-as=link]").click()
    page.wait(lambda: page.has("#pairing-place output"), what="the link")
    secrets.append(page.run("return document.querySelector('#pairing-place output').textContent"))
    page.find("#pairing [data-as=code]").click()
    page.find("#pairing-phone input").send_keys(PHONE)
    page.find("#pairing-phone button").click()
    page.wait(lambda: page.has("#pairing-place output"), what="the code")
    secrets.append(page.run("return document.querySelector('#pairing-place output').textContent"))
    assert secrets[-1] in page.driver.page_source, "while it is shown"
    page.find("#pairing [data-close]").click()
    page.wait(lambda: not page.find("#pairing").is_displayed())
    log = (OUTPUT / f"{__name__}.log").read_text(errors="replace")
    everything = dump(rollcall)
    # That one looks in the right places: both tell of the deed, or of the agent, and not of the secret.
    assert "debug" in log and "agent.pairing" in everything and "I-pia" in everything
    source = page.driver.page_source + str(page.run("return [...document.querySelectorAll('input')].map((each) => each.value)"))
    for secret in secrets:
        assert len(secret) >= 8
        assert secret not in log, "in the log"
        assert secret not in everything, "in the database"
        assert secret not in source, "in the page"
