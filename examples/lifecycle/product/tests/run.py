"""Runs the service on a free port, asks it what its users ask, and writes JUnit XML."""

import os
import secrets
import sys
import threading
import time
import urllib.error
import urllib.request
from http.server import ThreadingHTTPServer
from pathlib import Path
from xml.sax.saxutils import quoteattr

sys.path.insert(0, str(Path(__file__).parents[1]))
for name in ["TIDE_KEEPER_PASSWORD", "TIDE_SESSION_SECRET"]:
    os.environ[name] = secrets.token_urlsafe()
from tide import app  # noqa: E402


def ask(base, path, data=None):
    try:
        with urllib.request.urlopen(base + path, data, timeout=5) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def finds_a_harbour(base):
    status, text = ask(base, "/search?name=Brine")
    assert status == 200 and "07:45" in text, text


def tells_its_version(base):
    assert app.version() in ask(base, "/version")[1]


def refuses_a_wrong_password(base):
    assert ask(base, "/login", b"password=wrong")[0] == 401


def lets_the_keeper_in(base):
    password = os.environ["TIDE_KEEPER_PASSWORD"]
    assert ask(base, "/login", f"password={password}".encode())[0] == 200


TESTS = [finds_a_harbour, tells_its_version, refuses_a_wrong_password, lets_the_keeper_in]


def main(output):
    server = ThreadingHTTPServer(("127.0.0.1", 0), app.Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    base = f"http://127.0.0.1:{server.server_port}"
    lines, failed = [], 0
    for test in TESTS:
        try:
            test(base)
            lines.append(f'<testcase classname="tide" name={quoteattr(test.__name__)}/>')
        except Exception as error:  # whatever a test raises is its result
            failed += 1
            lines.append(f'<testcase classname="tide" name={quoteattr(test.__name__)}><failure message={quoteattr(repr(error))}/></testcase>')
    now = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime())
    Path(output).parent.mkdir(parents=True, exist_ok=True)
    Path(output).write_text(f'<testsuite name="tide" timestamp="{now}">{"".join(lines)}</testsuite>\n')
    print(f"{len(TESTS) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
