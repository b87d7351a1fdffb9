"""Receives webhooks: `SECRET=… python3 example_webhook.py 8080` prints each message once."""

import base64
import hashlib
import hmac
import json
import os
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

SEEN: set[str] = set()  # of a receiver of yours: on a disk


class Receiver(BaseHTTPRequestHandler):
    """Believes what is signed, is not old, and was not told before."""

    def do_POST(self) -> None:
        """Answer 204 where it was taken: anything else is sent again."""
        body = self.rfile.read(min(int(self.headers.get("content-length", 0)), 2**20))
        name, sent = self.headers["webhook-id"], self.headers["webhook-timestamp"]
        key = os.environ["SECRET"].encode()  # whsec_…: base64.b64decode of what follows
        digest = hmac.new(key, f"{name}.{sent}.".encode() + body, hashlib.sha256).digest()
        shown = self.headers.get("webhook-signature", "").encode()
        is_signed = hmac.compare_digest(shown, b"v1," + base64.b64encode(digest))
        if not is_signed or abs(time.time() - int(sent)) > 300:  # noqa: PLR2004 - seconds
            return self.send_error(401)
        if name not in SEEN:
            SEEN.add(name)
            told = json.loads(body)
            sys.stdout.write(f"{told['type']} {told['pole']} {told['record']['alert']}\n")
            sys.stdout.flush()
        self.send_response(204)
        return self.end_headers()


ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Receiver).serve_forever()
