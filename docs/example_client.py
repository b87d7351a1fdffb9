"""Pulls a pole for ever: `TOKEN=pw_… python3 example_client.py http://127.0.0.1:8470 FOLDER`.

FOLDER gets each record once, in order, as the pole wrote it (alerts.ndjson, media.ndjson), each
file by its hash, and the pole's key. Killed anywhere it goes on where it was: the last line of a
feed is its cursor. What is not as it was sealed and signed ends it. docs/integrator.md says more.
"""

import json
import os
import random
import sys
import time
from base64 import b64decode
from collections.abc import Iterable, Iterator
from hashlib import sha256
from http import HTTPStatus
from http.client import HTTPException
from itertools import cycle
from pathlib import Path
from shutil import copyfileobj
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from cryptography.hazmat.primitives.serialization import load_pem_public_key

POLE, FOLDER = sys.argv[1], Path(sys.argv[2])


def ask(path: str, body: object = None, **headers: str) -> Any:
    """Ask the pole; should it redirect, nobody else gets the token."""
    headers["Content-Type"] = "application/json"
    request = Request(POLE + path, json.dumps(body).encode() if body else None, headers)
    request.add_unredirected_header("Authorization", f"Bearer {os.environ['TOKEN']}")
    return urlopen(request, timeout=60)


def pull(feed: str) -> None:
    """Have what follows the last line, and the files it names; only then is it ours to ack."""
    with (FOLDER / f"{feed}.ndjson").open("ab+") as kept:
        kept.seek(max(0, kept.tell() - 2**20))
        *_, last, torn = b"", *kept.read().split(b"\n")
        kept.truncate(kept.tell() - len(torn))  # a power cut may tear the last line
        after = "&after={epoch}.{seq}".format(**json.loads(last)) if last else ""
        page = ask(f"/v1/feeds/{feed}?wait=5{after}", Accept="application/x-ndjson").read()
        records = list(check(feed, filter(None, [last, *page.splitlines()])))
        for item in [item for record in records for item in record["media"]]:
            fetch(item)
        kept.write(page)
    os.sync()
    if records:
        ask(f"/v1/feeds/{feed}/ack", {"upto": "{epoch}.{seq}".format(**records[-1])})


def check(feed: str, lines: Iterable[bytes]) -> Iterator[dict[str, Any]]:
    """Check records by their own bytes, by the ones before them, and by what was signed."""
    ours: dict[int, str] = {}
    for line in lines:
        digest, record = sha256(line[:-75] + b"}").hexdigest(), json.loads(line)
        if record["hash"] != digest or (ours and record["prev"] != ours.get(record["seq"] - 1)):
            sys.exit(f"{feed} {record['seq']}: was changed, or does not follow the one before")
        ours[record["seq"]] = digest
        yield record
    key: Any = load_pem_public_key((FOLDER / "pole.pem").read_bytes())
    for one in json.load(ask(f"/v1/feeds/{feed}/statements?after={min(ours or [1]) - 1}"))["items"]:
        one["hash"] = ours.get(one["seq"], one["hash"])  # what was signed must be what we have
        said = {name: one[name] for name in sorted(one.keys() - {"key", "signature"})}
        key.verify(b64decode(one["signature"]), json.dumps(said, separators=(",", ":")).encode())


def fetch(item: dict[str, Any]) -> None:
    """Have a file, from the byte on where it was cut, unless it has left the pole."""
    path = FOLDER / bytes.fromhex(item["sha256"]).hex()  # a mere name, whatever the record says
    kept = path if path.exists() else path.with_suffix(".part")
    with kept.open("ab") as part:
        while (start := part.tell()) < item["bytes"]:
            try:
                copyfileobj(ask(f"/v1/media/{path.name}", Range=f"bytes={start}-"), part)
            except HTTPError as error:
                if error.code == HTTPStatus.NOT_FOUND:
                    return
                raise
    if sha256(kept.read_bytes()).hexdigest() != path.name:
        sys.exit(f"{kept}: not what was recorded")
    kept.rename(path)
    os.sync()  # nothing is acknowledged that a power cut could take
    ask("/v1/media/ack", {"sha256": [path.name]})


FOLDER.mkdir(exist_ok=True)
wait_s = 1.0
for feed in cycle(("alerts", "media")):
    try:
        if not (FOLDER / "pole.pem").exists():  # compare it with the pole's own device.pub
            (FOLDER / "pole.pem").write_text(json.load(ask("/v1/pole"))["key"]["pem"])
        pull(feed)
        wait_s = 1.0
    except (OSError, HTTPException) as error:  # cut, or it says no: on from where we are
        sys.stderr.write(f"{feed}: {error}\n")
        time.sleep(random.uniform(0.5, 1) * (wait_s := min(60, 2 * wait_s)))
