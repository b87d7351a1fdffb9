"""Checks an evidence package with nothing but Python and openssl: example_verify.py DIR KEY.pem."""

import hashlib
import json
import re
import subprocess
import sys
from pathlib import Path

package, key = Path(sys.argv[1]), sys.argv[2]
signed = ["openssl", "pkeyutl", "-verify", "-rawin", "-pubin", "-inkey", key]
said_by = ["-in", f"{package}/manifest.json", "-sigfile", f"{package}/manifest.sig"]
faults = ["signature"] if subprocess.run([*signed, *said_by]).returncode else []
manifest = json.loads((package / "manifest.json").read_bytes())
for name, said in {} if faults else manifest["files"].items():
    path, is_media = package / name, name.startswith("media/")
    is_ours = re.fullmatch(r"(records/|media/)?[a-z0-9]+\.[a-z0-9]+", name)
    content = path.read_bytes() if is_ours and path.is_file() and not path.is_symlink() else b""
    is_named = not is_media or name[6:70] == said["sha256"]
    faults += [] if hashlib.sha256(content).hexdigest() == said["sha256"] and is_named else [name]
for feed, stretch in {} if faults else manifest["feeds"].items():
    seq, prev = stretch["first"] - 1, stretch["prev"]
    for line in (package / "records" / f"{feed}.jsonl").read_bytes().splitlines():
        record, seq = json.loads(line), seq + 1
        digest = hashlib.sha256(line[:-75] + b"}").hexdigest()
        is_next = (record["hash"], record["seq"], record["prev"]) == (digest, seq, prev)
        faults, prev = faults + ([] if is_next else [f"{feed} {seq}"]), digest
    faults += [] if seq == stretch["last"] else [f"{feed} is cut off"]
sys.exit(f"NOT SOUND: {', '.join(faults)}" if faults else 0)
