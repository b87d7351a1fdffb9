"""Pulls a pole for ever: `TOKEN=pw_… python3 example_client.py http://127.0.0.1:8470 FOLDER`.

FOLDER gets each record once, in order, as the pole wrote it (alerts.ndjson, media.ndjson), each
file by its hash, and the pole's key. Killed anywhere it goes on where it was: the last line of a
feed is its cursor. What is not as it was sealed and signed ends it. docs/integrator.md says more.
"""

import base64
import hashlib
import json
import os
import random
import shutil
import sys
import time
from http import HTTPStatus
from http.client import HTTPException
from itertools import pairwise
from pathlib import Path
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
        tail, _, torn = kept.read().rpartition(b"\n")
        kept.truncate(kept.tell() - len(torn))  # a power cut may tear the last line
        last = tail.splitlines()[-1:]
        after = "&after={epoch}.{seq}".format(**json.loads(last[0])) if last else ""
        page = ask(f"/v1/feeds/{feed}?wait=5{after}", Accept="application/x-ndjson").read()
        records = check(feed, last + page.splitlines())
        files = [item for record in records for item in record["media"] if fetch(item)]
        os.sync()  # nothing is acknowledged that a power cut could take
        if files:
            ask("/v1/media/ack", {"sha256": [item["sha256"] for item in files]})
        kept.write(page)
    os.sync()
    if records:
        ask(f"/v1/feeds/{feed}/ack", {"upto": "{epoch}.{seq}".format(**records[-1])})


def check(feed: str, lines: list[bytes]) -> list[Any]:
    """Check records by their own bytes, by the ones before them, and by what was signed."""
    records = [json.loads(line) for line in lines]
    digests = [hashlib.sha256(line[:-75] + b"}").hexdigest() for line in lines]
    if [record["hash"] for record in records] != digests:
        sys.exit(f"{feed}: a record was changed")
    for before, record in pairwise(records):
        if (record["seq"], record["prev"]) != (before["seq"] + 1, before["hash"]):
            sys.exit(f"{feed} {record['seq']}: does not follow {before['seq']}")
    key: Any = load_pem_public_key((FOLDER / "pole.pem").read_bytes())
    hashes = {record["seq"]: record["hash"] for record in records}
    after = records[0]["seq"] - 1 if records else 0
    for item in json.load(ask(f"/v1/feeds/{feed}/statements?after={after}"))["items"]:
        fields = ("at", "epoch", "feed", "hash", "kind", "pole", "seq")
        said = json.dumps({name: item[name] for name in fields}, separators=(",", ":"))
        key.verify(base64.b64decode(item["signature"]), said.encode())
        if hashes.get(item["seq"], item["hash"]) != item["hash"]:
            sys.exit(f"{feed} {item['seq']}: signed with another hash")
    return records


def fetch(item: dict[str, Any]) -> bool:
    """Have a file, from the byte on where it was cut; false: it has left the pole."""
    path = FOLDER / bytes.fromhex(item["sha256"]).hex()  # a mere name, whatever the record says
    while not path.exists():
        with path.with_suffix(".part").open("ab") as part:
            if (start := part.tell()) < item["bytes"]:
                try:
                    answer = ask(f"/v1/media/{path.name}", Range=f"bytes={start}-")
                except HTTPError as error:
                    if error.code != HTTPStatus.NOT_FOUND:
                        raise
                    return False
                shutil.copyfileobj(answer, part)
        if hashlib.sha256(Path(part.name).read_bytes()).hexdigest() == path.name:
            Path(part.name).rename(path)
        elif Path(part.name).stat().st_size >= item["bytes"]:
            sys.exit(f"{part.name}: not what was recorded")
    return True


FOLDER.mkdir(exist_ok=True)
while True:
    try:
        if not (FOLDER / "pole.pem").exists():  # compare it with the pole's own device.pub
            (FOLDER / "pole.pem").write_text(json.load(ask("/v1/pole"))["key"]["pem"])
        for feed in ("alerts", "media"):
            pull(feed)
    except (OSError, HTTPException) as error:  # cut, or it says no: on from where we are
        sys.stderr.write(f"{error}\n")
        time.sleep(random.uniform(1, 5))
