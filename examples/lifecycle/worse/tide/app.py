"""Tide: a small web service that tells when the tide is high.

It exists to be broken and mended: this is a version with a new page, which its own tests find in order.
"""

import hmac
import html
import json
import os
import sqlite3
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from tide import settings
from tide.log import AccessLog

HEADERS = [
    ("Content-Security-Policy", "default-src 'none'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"),
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "no-referrer"),
    ("Cache-Control", "no-store"),
]
COOKIE = "session={}; HttpOnly; Secure; SameSite=Strict; Path=/"
HARBOURS = [("Anchor Bay", "06:12"), ("Brine Point", "07:45"), ("Cockle Sands", "09:30")]


def version():
    return Path(__file__).with_name("VERSION").read_text().strip()


def tides(name):
    """The harbours whose names hold a text."""
    with sqlite3.connect(":memory:") as store:
        store.execute("CREATE TABLE harbour (name TEXT, high TEXT)")
        store.executemany("INSERT INTO harbour VALUES (?, ?)", HARBOURS)
        return store.execute("SELECT name, high FROM harbour WHERE instr(name, ?) > 0", (name,)).fetchall()


class Handler(BaseHTTPRequestHandler):
    server_version = "tide"
    sys_version = ""
    log = AccessLog()

    def do_GET(self):
        url = urlsplit(self.path)
        query = {key: values[0] for key, values in parse_qs(url.query).items()}
        if url.path == "/":
            self.page('<form action="/search"><label>Harbour <input name="name"></label><button>Search</button></form>'
                      '<form action="/notice"><label>Notice <input name="text"></label><button>Show</button></form>')
        elif url.path == "/search":
            self.search(query.get("name", ""))
        elif url.path == "/notice":
            self.page(f"<h1>Notice to mariners</h1><p>{query.get('text', '')}</p>")
        elif url.path == "/version":
            self.answer(200, "application/json", json.dumps({"version": version()}))
        else:
            self.answer(404, "text/plain", "not found\n")

    def do_POST(self):
        length = min(int(self.headers.get("Content-Length") or 0), 4096)
        form = parse_qs(self.rfile.read(length).decode("utf-8", "replace"))
        right = hmac.compare_digest(form.get("password", [""])[0].encode(), settings.keeper_password().encode())
        if urlsplit(self.path).path != "/login":
            self.answer(404, "text/plain", "not found\n")
        elif right:
            self.answer(200, "text/plain", "welcome\n", ("Set-Cookie", COOKIE.format(settings.session("keeper"))))
        else:
            self.answer(401, "text/plain", "wrong password\n")

    def search(self, name):
        rows = "".join(f"<li>{harbour}: {high}</li>" for harbour, high in tides(name))
        self.page(f"<h1>Tides for {html.escape(name)}</h1><ul>{rows}</ul>")

    def page(self, body):
        self.answer(200, "text/html; charset=utf-8", f"<!doctype html><html lang=\"en\"><title>Tide</title>{body}</html>")

    def answer(self, status, kind, text, *headers):
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        for name, value in [*HEADERS, *headers]:
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def do_HEAD(self):
        self.do_GET()

    def log_message(self, form, *values):
        self.log.write(self.client_address[0], self.requestline, *values)


def serve():
    if "TIDE_PID" in os.environ:
        Path(os.environ["TIDE_PID"]).write_text(str(os.getpid()))
    address = (os.environ.get("TIDE_ADDRESS", "127.0.0.1"), int(os.environ["TIDE_PORT"]))
    ThreadingHTTPServer(address, Handler).serve_forever()


if __name__ == "__main__":
    serve()
