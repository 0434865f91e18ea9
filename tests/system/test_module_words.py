"""What modules are written with: conditions of their own, the session's environment, variables in questions."""
from __future__ import annotations

from hakim import status, unit, wait_units
from hosts.process import wait_until

SLEEP = "[Service]\nExecStart=/bin/sleep 1000\n"


def test_a_module_is_on_when_its_program_is_there_and_its_variable_says_so(lxc):
    host = lxc()
    unit(host, "on.service", SLEEP + "[X-Hakim]\nConditionProgram=sleep\nConditionEnabled=START_ON=yes\n")
    unit(host, "off.service", SLEEP + "[X-Hakim]\nConditionEnabled=START_OFF=yes\n")
    unit(host, "absent.service", SLEEP + "[X-Hakim]\nConditionProgram=no-such-program\n")
    unit(host, "bad.service", SLEEP + "[X-Hakim]\nConditionEnabled=START_BAD=no\n")
    host.start({"START_OFF": "0", "START_BAD": "perhaps"}, tty=False)
    found = wait_units(host, on="running", bad="failed", off="skipped", absent="skipped")["units"]
    assert "START_OFF=0 switches it off" in str(found["off"])
    assert "the program no-such-program is not installed" in str(found["absent"])
    assert "START_BAD=perhaps is neither yes nor no" in str(found["bad"])
    text = host.exec(["hakimctl", "status"], check=False).stdout
    assert "START_OFF=0 switches it off" in text and "is neither yes nor no" in text, text
    assert host.stop() == 0


def test_a_session_gets_what_the_modules_that_are_on_have_for_it(lxc):
    host = lxc()
    show = "[Service]\nExecStart=/bin/sh -c 'env; echo the end; exec sleep 1000'\n[X-Hakim]\n"
    unit(host, "bus.service", SLEEP + "[X-Hakim]\nSessionEnvironment=BUS=unix:path=${XDG_RUNTIME_DIR}/bus OWN=theirs\n")
    unit(host, "display.service",
         SLEEP + "[X-Hakim]\nConditionEnabled=START_DISPLAY=yes\nSessionEnvironment=DISPLAY=:99\n")
    unit(host, "people.service", show + "Session=yes\n")
    unit(host, "daemon.service", show)
    unit(host, "user.service", "[Unit]\nAfter=home.service\n" + show.replace("[X-Hakim]", "User=coder\n[X-Hakim]")
         + "Session=yes\nUserFrom=CODER_USER\n")
    host.start({"START_DISPLAY": "no", "OWN": "mine", "CODER_USER": "dev", "CODER_UID": "1234"}, tty=False)
    wait_units(host, people="running", daemon="running", user="running")

    def log(name: str) -> str:
        return host.exec(["hakimctl", "logs", name]).stdout

    wait_until("all have spoken", lambda: all("the end" in log(n) for n in ("people", "daemon", "user")), 10)
    assert "XDG_RUNTIME_DIR=/run/user/0" in log("people")
    assert "BUS=unix:path=/run/user/0/bus" in log("people")
    assert "OWN=mine" in log("people")
    assert "DISPLAY=" not in log("people").replace("START_DISPLAY=", "")
    assert "BUS=" not in log("daemon") and "XDG_RUNTIME_DIR" not in log("daemon")
    assert "USER=dev" in log("user") and "BUS=unix:path=/run/user/1234/bus" in log("user")
    assert host.exec(["stat", "-c", "%U %a", "/run/user/1234"]).stdout == "dev 700\n"
    assert host.stop() == 0


def test_a_question_has_the_variables_of_the_service(lxc, helpers):
    host = lxc()
    host.put_file("/usr/local/bin/answer", (helpers / "answer").read_bytes(), 0o755)
    serve = "[Service]\nExecStart=/usr/local/bin/answer tcp ${PORT}\n[X-Hakim]\n" \
        "EnvironmentDefault=PORT=4001\nReadyTCP=127.0.0.1:${PORT}\n"
    unit(host, "a.service", serve)
    unit(host, "b.service", serve.replace("PORT", "PORT_B"))
    unit(host, "c.service", serve.replace("PORT", "PORT_C").replace("/answer tcp ${PORT_C}", "/answer tcp 4003"))
    host.start({"PORT_B": "4002", "PORT_C": "x"}, tty=False)
    wait_units(host, a="running", b="running")
    wait_until("c has been asked", lambda: (status(host)["units"]["c"]["status"] or "").endswith("x is no port"))
    assert status(host)["units"]["c"]["sub"] == "ready-wait"
    assert host.stop() == 0
