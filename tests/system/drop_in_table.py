"""What tini and dumb-init do, a row a behaviour; where hakim-init differs on purpose (docs/drop-in.md) a row says both.

A program sends the signals itself, to its parent, so that little depends on time. `adopted`, `storm`, `waker` and
`script` are
the helpers of test_drop_in.py.
"""
from __future__ import annotations

from dataclasses import dataclass, field

TINI, DUMB = "tini", "dumb-init"
HANGS = (-1, "")
ANY = "?"

# Becomes its arguments with signals blocked and ignored, of all kinds.
ODD = """
import os, signal, sys
for n in range(1, 65):
    if n not in (9, 19, 32, 33):
        signal.signal(n, signal.SIG_DFL)
for n in (1, 2, 22, 25, 40):
    signal.signal(n, signal.SIG_IGN)
signal.pthread_sigmask(signal.SIG_SETMASK, (4, 6, 10, 15, 17, 21, 37, 50))
os.execvp(sys.argv[1], sys.argv[1:])
"""
SUBREAPER = ("import ctypes, os, sys; ctypes.CDLL(None).prctl(36, 1, 0, 0, 0); "
             "os.execvp(sys.argv[1], sys.argv[1:])")
# A shell with an ignored SIGCHLD would reset it.
NO_CHLD = "import os, signal, sys; signal.signal(17, signal.SIG_IGN); os.execvp(sys.argv[1], sys.argv[1:])"
CLOSED = ["sh", "-c", '"$@" <&- >&- 2>&-', "sh"]
PYTHON = "/usr/bin/python3"

STAT = "read -r pid comm state ppid pgrp session tty tpgid rest </proc/$$/stat; "
WAIT = "while :; do sleep 0.02; done"
# Without 32 and 33, which no library lets one set, and which may be ignored where the tests run.
SETS = ("while read -r key value; do case $key in "
        "SigBlk:|SigIgn:) printf '%s %x\\n' $key $((0x$value & ~0x180000000)); esac; "
        "done </proc/$$/status")
# The outer one is the program; the inner one is in its group.
INNER = ("init=$PPID; mkfifo f; trap 'echo outer; got=1' USR1; "
         f"sh -c \"trap 'echo inner; exit 0' USR1; echo >f; {WAIT}\" & "
         "read -r x <f; kill -USR1 $init; while [ -z \"$got\" ]; do sleep 0.02; done; ")
LEFT = ("mkfifo f; sh -c \"trap 'echo told; exit 0' TERM; echo >f; sleep 0.4 & wait; echo spared\" & "
        "read -r x <f; exit 5")


@dataclass(frozen=True)
class Row:
    """One behaviour. `err` is in standard error, `quiet` is not. `before` becomes the init, `typed` goes to a
    terminal when the
    program has said "ready". `theirs`: status and output of Debian's where they are others. `plain`: hakim-init
    --plain, too."""
    says: str
    who: str
    line: list[str]
    status: int = 0
    out: str = ""
    err: str = ""
    quiet: str = ""
    env: dict[str, str] = field(default_factory=dict)
    before: list[str] = field(default_factory=list)
    pid1: bool = False
    linger: bool = False
    typed: bytes = b""
    theirs: tuple[int, str] | None = None
    plain: bool = True


def sh(*parts: str) -> list[str]:
    """Options, and last the text of a shell."""
    return [*parts[:-1], "--", "sh", "-c", parts[-1]]


def on(name: str, sent: str = "") -> str:
    """A program that sends its parent a signal, says so if it gets one, and ends."""
    return f"trap 'echo got {name}; exit 0' {name}; kill -{sent or name} $PPID; {WAIT}"


def both(says: str, line: list[str], **more: object) -> list[Row]:
    """What the two do alike."""
    return [Row(says, who, line, **more) for who in (TINI, DUMB)]


END = [
    *[row for code in (0, 1, 7, 127, 128, 255)
      for row in both(f"exit code {code} is the program's", sh(f"exit {code}"), status=code)],
    *[row for name, code in (("TERM", 143), ("KILL", 137), ("HUP", 129), ("USR2", 140), ("SEGV", 139))
      for row in both(f"a program that SIG{name} ends is {code}", sh(f"kill -{name} $$"), status=code)],
    Row("-e makes an exit code 0", TINI, sh("-e", "7", "-e143", "exit 7")),
    Row("-e makes the code of a signal 0", TINI, sh("-e", "7", "-e143", "kill -TERM $$")),
    Row("-e leaves the other codes", TINI, sh("-e", "7", "-e", "143", "exit 8"), status=8),
    Row("a program that is not there is 127", TINI, ["--", "/none/there"], status=127, err="/none/there"),
    Row("a program that may not be run is 126", TINI, ["--", "/etc"], status=126, err="/etc"),
    Row("a program behind a file is 1", TINI, ["--", "/etc/passwd/x"], status=1, err="/etc/passwd/x", plain=False),
    Row("a program that is not there is 2", DUMB, ["/none/there"], status=2,
        err="[dumb-init] /none/there: No such file or directory\n"),
    Row("a program that may not be run is 2", DUMB, ["/etc"], status=2, err="[dumb-init] /etc: Permission denied\n"),
    *both("a script without a first line is the shell's", ["--", "script", "a", "b c"], out="script:a,b c\n"),
    *both("standard input is the program's", ["--", "cat"], before=["sh", "-c", 'echo in | "$@"', "sh"], out="in\n"),
    Row("it works without stdio", DUMB, sh("exit 4"), before=CLOSED, status=4),
]

SIGNALS = [
    *[row for name in ("HUP", "INT", "QUIT", "USR1", "USR2", "ALRM", "TERM", "CONT", "WINCH", "URG", "PWR", "PIPE",
                       "XCPU", "IO")
      for row in both(f"SIG{name} is passed on", sh(on(name)), out=f"got {name}\n")],
    *both("PID 1 passes signals on", sh(on("TERM")), out="got TERM\n", pid1=True),
    *both("PID 1 passes on what is ignored", sh(on("USR1")), out="got USR1\n", pid1=True,
          before=["sh", "-c", 'trap "" HUP; exec "$@"', "sh"]),
    *both("a program that knows no SIGTERM ends of it", sh(f"kill -TERM $PPID; {WAIT}"), status=143),
    *both("real-time signals are passed on", sh(on("37")), out="got 37\n"),
    *both("SIGCHLD is not passed on",
          sh(f"trap 'echo got' CHLD; kill -CHLD $PPID; kill -TERM $PPID; {WAIT.replace('sleep 0.02', ':')}"),
          status=143),
    Row("SIGTTIN and SIGTTOU are not passed on", TINI,
        sh(f"trap 'echo got' TTIN TTOU; kill -TTIN $PPID; kill -TTOU $PPID; kill -TERM $PPID; {WAIT}"), status=143),
    Row("a program finds the blocked and ignored signals as they were", TINI, sh(SETS), before=[PYTHON, "-c", ODD],
        out="SigBlk: 2001000114228\nSigIgn: 8001200003\n"),
    Row("a program finds nothing blocked, and real-time signals ignored as they were", DUMB, sh(SETS),
        before=[PYTHON, "-c", ODD], out="SigBlk: 0\nSigIgn: 8000000000\n"),
]

GROUPS = [
    Row("the program leads a process group", TINI, sh(STAT + "echo $((pgrp == pid)) $((session == pid))"), out="1 0\n"),
    Row("the program leads a session", DUMB, sh(STAT + "echo $((pgrp == pid)) $((session == pid))"), out="1 1\n"),
    *[Row(f"with {' '.join(line) or env} the program stays in the group of its init", DUMB,
          sh(*line, STAT + "echo $((pgrp == pid))"), out="0\n", env=env)
      for line, env in ((["-c"], {}), (["--single-child"], {}), ([], {"DUMB_INIT_SETSID": "0"}))],
    *[Row("a signal is for the program alone", who, sh(*line, INNER + "sleep 0.1; kill -KILL $!"), out="outer\n")
      for who, line in ((TINI, []), (DUMB, ["-c"]))],
    *[Row(f"with {' '.join(line) or env or 'nothing'} a signal is for the whole group", who, sh(*line, INNER + "wait"),
          out="inner\nouter\n", env=env)
      for who, line, env in ((TINI, ["-g"], {}), (TINI, [], {"TINI_KILL_PROCESS_GROUP": ""}), (DUMB, [], {}))],
    Row("what the program leaves is told to end", DUMB, sh(LEFT), status=5, out="told\n", linger=True),
    *[Row("what the program leaves is spared", who, sh(*line, LEFT), status=5, out="spared\n", linger=True)
      for who, line in ((TINI, []), (DUMB, ["-c"]))],
]

ORPHANS = [
    *[Row(f"with {' '.join(line) or env} it adopts", TINI, sh(*line, "adopted $PPID"), out="adopted\n", env=env,
          quiet="reaping")
      for line, env in ((["-s"], {}), ([], {"TINI_SUBREAPER": ""}))],
    *both("PID 1 adopts", sh("adopted $PPID"), out="adopted\n", pid1=True, quiet="reaping"),
    Row("else it does not adopt, and warns", TINI, sh("adopted $PPID"), out="lost\n",
        err="zombie reaping won't work", plain=False),
    Row("else it does not adopt", DUMB, sh("adopted $PPID"), out="lost\n"),
    Row("who was made a subreaper adopts, and does not warn", TINI, sh("adopted $PPID"), out="adopted\n",
        quiet="reaping",
        before=[PYTHON, "-c", SUBREAPER]),
    *both("PID 1 leaves no zombie", sh("storm"), out="none\n", pid1=True),
    Row("-w says who was reaped", TINI, sh("-s", "-w", "adopted $PPID"), out="adopted\n",
        err="Reaped zombie process with pid="),
    Row("without -w it does not", TINI, sh("-s", "adopted $PPID"), out="adopted\n", quiet="Reaped"),
    Row("-p tells of the end of the parent", TINI,
        sh("-p", "SIGUSR1",
            f"trap 'echo alone; exit 0' USR1; kill -KILL $(awk '{{print $4}}' /proc/$PPID/stat); {WAIT}"),
        before=["sh", "-c", '"$@" & wait', "sh"], status=137, out="alone\n", linger=True),
]

REWRITING = [
    *[Row(f"-r {given}:{to} rewrites", DUMB, sh("-r", f"{given}:{to}", on(str(to), str(given))), out=f"got {to}\n")
      for given, to in ((15, 2), (1, 31), (31, 1), (3, 3))],
    Row("two that are rewritten to one another are swapped", DUMB, sh("-r", "15:2", "--rewrite=2:15", on("TERM",
        "INT")),
        out="got TERM\n"),
    Row("-r 15:0 drops", DUMB, sh("-r", "15:0", f"trap 'echo got' TERM; kill -TERM $PPID; kill -HUP $PPID; {WAIT}"),
        status=129),
    Row("what is told to end is told so as it was rewritten", DUMB, sh("-r", "15:10", LEFT.replace("TERM", "USR1")),
        status=5,
        out="told\n", linger=True),
    # It waits without a child: a stop between vfork and exec leaves the shell unstopped, and waiting.
    *[Row(f"SIG{name} stops both, and SIGCONT lets both go on", DUMB,
          sh("trap 'echo on; exit 0' CONT; setsid waker $PPID $$ & while [ ! -e awake ]; do sleep 0.01; done; "
             "mkfifo f; exec 3<>f; "
             f"kill -{name} $PPID; while :; do read -r x <&3; done"), out="on\n")
      for name in ("TSTP", "TTIN", "TTOU")],
    *[Row(f"SIGTSTP stops dumb-init when it is rewritten ({line})", DUMB,
          sh(*line, "-r", "20:10",
              f"trap 'waker $PPID' USR1; trap 'echo on; exit 0' CONT; kill -TSTP $PPID; {WAIT}"), out="on\n")
      for line in ([], ["-c"])],
    Row("it keeps no directory", DUMB,
        sh("while [ \"$(readlink /proc/$PPID/cwd)\" != / ]; do sleep 0.01; done; pwd"), out="HERE\n"),
    Row("it keeps its directory", TINI, sh("readlink /proc/$PPID/cwd; pwd"), out="HERE\nHERE\n"),
]

QUIET = {"TINI_VERBOSITY": "0"}
TERMINAL = [
    *both("the program has the terminal", sh(STAT + "echo ready; read -r x; echo $((tpgid == pgrp)) $x"),
          typed=b"hello\n",
          out="1 hello\n", env=QUIET),
    *both("^C is for the program", sh(f"echo ready; {WAIT}"), typed=b"\x03", status=130, env=QUIET),
    *both("a shell has job control", ["--", "bash", "-mc",
                                      "echo ready; read -r x; sleep 0 & fg >/dev/null; echo $x $-"], typed=b"y\n",
          out="y hmBc\n", env=QUIET),
    *[Row(f"dumb-init does not pass on SIG{name} that it gets for giving up its terminal", DUMB,
          sh("-v", "echo ready; read -r x; exit 6"), typed=b"y\n", status=6,
          err=f"Ignoring tty hand-off signal {number}.", out=ANY)
      for name, number in (("HUP", 1), ("CONT", 18))],
]

SAID = [
    Row("the version is tini's", TINI, ["--version"], out="tini version 0.19.0\n", plain=False),
    *[Row(f"{option} says the version", DUMB, [option], err="dumb-init v1.2.5\n") for option in ("-V", "--version")],
    *[Row(f"{option} helps", TINI, [option], out=ANY) for option in ("-h", "-l")],
    *[Row(f"{option} helps", DUMB, [option], err="--rewrite") for option in ("-h", "--help")],
    *[Row(f"'{' '.join(line)}' is a usage error", who, line, status=1, err=err, plain=False) for who, line, err in (
        (TINI, [], "-e"), (TINI, ["-z", "true"], "invalid option -- 'z'"),
        (TINI, ["-p", "SIGNONE", "true"], "Not a valid option for -p: SIGNONE"),
        (TINI, ["-e", "256", "true"], "Not a valid option for -e: 256"), (TINI, ["-e", "x", "true"],
                                                                          "option for -e: x"),
        (TINI, ["-e"], "requires an argument -- 'e'"), (TINI, ["--version", "true"], "option"),
        (DUMB, [], " [option] program [args]\n"), (DUMB, ["--yolo", "true"], "unrecognized option '--yolo'\n"),
        (DUMB, ["-z", "true"], "invalid option -- 'z'"), (DUMB, ["--ver", "true"], "option '--ver' is ambiguous"),
        (DUMB, ["--help=x", "true"], "doesn't allow an argument"), (DUMB, ["-r"], "requires an argument -- 'r'"),
        (DUMB, ["-r", "15:32", "true"], "is between 1 and 31.\n"), (DUMB, ["-r", "15", "true"],
                                                                    "is between 1 and 31.\n"))],
    Row("TINI_VERBOSITY=0 silences the warning", TINI, ["true"], env=QUIET, quiet="reaping"),
    *[Row(f"dumb-init tells what it does ({line} {env})", DUMB, [*line, "sh", "-c", "exit 3"], status=3, env=env,
          err="[dumb-init] Child exited with status 3. Goodbye.\n")
      for line, env in ((["-v"], {}), (["--verb"], {}), ([], {"DUMB_INIT_DEBUG": "1"}))],
    Row("dumb-init says nothing else", DUMB, ["true"], quiet="dumb-init", env={"DUMB_INIT_DEBUG": "yes"}),
    Row("the line that tini's help shows works", TINI, ["sh", "--", "-c", "exit 3"], status=3, plain=False),
    Row("POSIXLY_CORRECT ends the options at the program", TINI, ["sh", "-c", "exit 3"], status=3,
        env={"POSIXLY_CORRECT": "1"}),
]

DIFFERENCES = [
    Row("options end at the program", TINI, ["sh", "-c", "exit 3"], status=3, theirs=(1, "")),
    Row("-v goes to standard error", TINI, ["-svvv", "true"], err="Received SIGCHLD", theirs=(0, ANY)),
    Row("SIGABRT is passed on", TINI, sh(on("ABRT")), out="got ABRT\n", theirs=(134, "")),
    Row("an ignored SIGCHLD loses no end", TINI, sh("exit 3"), status=3, before=[PYTHON, "-c", NO_CHLD], theirs=HANGS),
    Row("a signal that may not be sent is no end", TINI,
        sh("sh -c 'sleep 0.1; kill -TERM '$PPID & exec setpriv --reuid 65534 sleep 0.5"),
        before=["setpriv", "--bounding-set", "-kill", "--inh-caps", "-kill"], err="could not be passed on",
        theirs=(1, "")),
    Row("it works without stdio", TINI, sh("exit 4"), before=CLOSED, status=4, theirs=(1, "")),
    Row("-p takes a name without SIG", TINI, ["-p", "TERM", "true"], theirs=(1, "")),
    Row("-r takes no rest behind its numbers", DUMB, ["-r", "15:2x", "true"], status=1, theirs=(0, "")),
]

TABLE = [*END, *SIGNALS, *GROUPS, *ORPHANS, *REWRITING, *TERMINAL, *SAID, *DIFFERENCES]
