"""The page of an evidence package that people read: alerts with times, trust and hashes; pure.

English and Chinese side by side; it asks for nothing from elsewhere and runs nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from html import escape

from edge.agent.export.choice import MediaItem, ReadRecord
from edge.evidence_package import Manifest

_STYLE = """
body{font:15px/1.5 system-ui,sans-serif;margin:2em auto;max-width:62em;padding:0 1em;color:#1b1f24}
h1{font-size:1.5em;margin:0}h2{font-size:1.1em;margin:2em 0 .4em;border-top:1px solid #d5dae0;
padding-top:1em}table{border-collapse:collapse;width:100%}td,th{text-align:left;padding:.25em .7em
.25em 0;vertical-align:top}th{font-weight:600;color:#57606a}
code{font-size:.85em;word-break:break-all}
.bad{background:#fff1cc;padding:.1em .4em}img,video{max-width:100%;max-height:22em;margin:.4em 0;
display:block;background:#eee}@media print{video{display:none}}
"""
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src 'self'; media-src 'self'"
_TRUST = {
    "synced": "clock kept in time · 时钟已同步",
    "holdover": "clock was in time earlier, runs free since · 时钟曾同步 现自由运行",
    "unset": "clock not set: this time can't be relied on · 时钟未校准 时间不可信",
}
_KINDS = {
    "alert.open": "opened · 触发", "alert.update": "news · 更新", "alert.close": "closed · 结束",
    "alert.ack": "acknowledged · 已确认", "alert.resolve": "verdict · 结论",
    "media.ready": "file · 文件", "media.gone": "no file · 无文件", "loss": "loss · 丢失",
    "clock": "clock set · 校时", "alert.limited": "held back · 已限制",
}  # fmt: skip
_COLUMNS = ("Time · 时间", "What · 事件", "Record · 记录")


@dataclass(slots=True)
class Shown:
    """What the page tells of: records by their alert, in order; those of none under None."""

    manifest: Manifest
    alerts: dict[str | None, list[ReadRecord]] = field(default_factory=dict)

    def take(self, feed: str, record: ReadRecord) -> None:
        """Add a record of feed `alerts` or `media`, unless it came along for the chain alone."""
        chosen = self.manifest.chosen.get("alerts") or []
        if chosen and record.alert not in chosen:
            return
        if feed == "alerts" or record.alert is not None:
            self.alerts.setdefault(record.alert, []).append(record)


def make_index(shown: Shown) -> bytes:
    """Write the page."""
    manifest = shown.manifest
    parts = [
        '<!doctype html><html lang="en"><head><meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">',
        f"<title>Polewatch {escape(manifest.pole)}</title><style>{_STYLE}</style></head><body>",
        f"<h1>Evidence package · 证据包 · {escape(manifest.pole)}</h1>",
        _table(_head_rows(manifest)),
    ]
    parts += [_make_alert(alert, each, manifest) for alert, each in shown.alerts.items()]
    parts += [
        _make_missing(manifest),
        "<p>Check it with <code>polewatch verify FOLDER --key KEY</code>, or with openssl as"
        " docs/evidence.md says. · 请用上述命令核验。</p></body></html>\n",
    ]
    return "".join(parts).encode()


def _head_rows(manifest: Manifest) -> list[tuple[str, str]]:
    chosen = manifest.chosen
    span = f"{chosen.get('from') or 'oldest · 最早'} / {chosen.get('to') or 'newest · 最新'}"
    return [
        ("Pole · 设备", escape(manifest.pole)),
        ("Log · 日志", f"<code>{escape(manifest.epoch)}</code>"),
        ("Key · 密钥", f"<code>{escape(manifest.key)}</code>"),
        ("Span · 时间范围", escape(span)),
        ("Made · 制作", f"{escape(manifest.made_at)} {_trust(manifest.clock)}"),
        ("What for · 用途", escape(manifest.reason) or "-"),
    ]


def _make_alert(alert: str | None, records: list[ReadRecord], manifest: Manifest) -> str:
    first = records[0]
    rule = first.rule or {}
    said = [first.severity, rule.get("type"), rule.get("name"), first.camera]
    title = " · ".join(escape(str(each)) for each in said if each)
    name = f"<p><code>{escape(alert)}</code></p>" if alert else ""
    top = "<tr>" + "".join(f"<th>{each}</th>" for each in _COLUMNS) + "</tr>"
    rows = "".join(_row(record, manifest) for record in records)
    return f"<h2>{title or 'Pole · 设备'}</h2>{name}<table>{top}{rows}</table>"


def _row(record: ReadRecord, manifest: Manifest) -> str:
    state = str(record.clock.get("state", ""))
    kind = _KINDS.get(record.kind, record.kind)
    files = "".join(_make_file(item, manifest) for item in record.media)
    said = [record.data.get(key) for key in ("verdict", "note", "by", "reason")]
    why = "".join(f"<br>{escape(str(each))}" for each in said if each)
    return (
        f"<tr><td>{escape(record.at)}<br>{_trust(state)}</td><td>{escape(kind)}{why}{files}</td>"
        f"<td>{record.seq} <code>{escape(record.hash)}</code></td></tr>"
    )


def _make_file(item: MediaItem, manifest: Manifest) -> str:
    name = next((n for n in manifest.files if n.startswith(f"media/{item.sha256}.")), None)
    role = escape(item.role)
    if name is None:
        absent = "not in this package · 不在包内"
        return f"<br>{role}: {absent} <code>{escape(item.sha256)}</code>"
    lines = "".join(
        f"<br>{escape(digest)} <code>{escape(str(value))}</code>"
        for digest, value in manifest.files[name].items()
        if digest != "bytes"
    )
    path = escape(name)
    shown = f'<video src="{path}" controls preload="metadata"></video>'
    if name.endswith((".jpg", ".png")):
        shown = f'<img src="{path}" alt="{role}">'
    return f'{shown}<a href="{path}">{role}</a>, {item.bytes} bytes{lines}'


def _make_missing(manifest: Manifest) -> str:
    if not manifest.missing:
        return ""
    rows = [
        (f"<code>{escape(each.sha256)}</code>", escape(each.reason)) for each in manifest.missing
    ]
    return f"<h2>Not in this package · 缺失</h2>{_table(rows)}"


def _trust(state: str) -> str:
    text = escape(_TRUST.get(state, state))
    return f"<small>{text}</small>" if state == "synced" else f'<span class="bad">{text}</span>'


def _table(rows: list[tuple[str, str]]) -> str:
    cells = "".join(f"<tr><th>{name}</th><td>{value}</td></tr>" for name, value in rows)
    return f"<table>{cells}</table>"
