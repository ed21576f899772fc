#!/usr/bin/env python3
"""An apparatus in 60 lines: keeps a card of each plug that is coupled, in a folder.

    ./hello_apparatus.py 8080 /tmp/cards
"""
import http.server
import json
import pathlib
import sys
import threading

CARDS = pathlib.Path(sys.argv[2])


class Refused(Exception):
    """What is asked for is no event."""


def handle(event, body):
    """What to answer to an event; whatever is done here can be done twice."""
    if event in ("created", "deleted"):
        return {}
    try:
        metadata = body["plug"]["metadata"]
        name, card = metadata["name"], CARDS / (metadata["uid"] + ".json")
        if event in ("coupled", "updated"):
            draft = card.with_suffix(f".{threading.get_ident()}")
            draft.write_text(json.dumps({"plug": name, "config": body["plugConfig"]}))
            draft.replace(card)  # there is a whole card, or none
        elif event == "decoupled":
            card.unlink(missing_ok=True)
        return {"greeting": f"hello {name}"} if event == "config" else {}
    except (KeyError, TypeError) as error:
        raise Refused(f"no plug in the body: {error!r}") from error


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.answer(200 if self.path == "/ping" else 404, {})

    def do_POST(self):
        event, length = self.path[1:], int(self.headers.get("Content-Length", 0))
        if event not in ("config", "created", "coupled", "updated", "decoupled", "deleted"):
            return self.answer(404, {"error": f"there is no event {event}"})
        if length > 1 << 20:
            return self.answer(413, {"error": "more than 1 MiB"})
        try:
            self.answer(200, handle(event, json.loads(self.rfile.read(length))))
        except (ValueError, Refused) as error:
            self.answer(400, {"error": str(error)})

    def answer(self, status, body):
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps(body).encode())


CARDS.mkdir(parents=True, exist_ok=True)
http.server.ThreadingHTTPServer(("", int(sys.argv[1])), Handler).serve_forever()
