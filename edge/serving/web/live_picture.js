// Keeps a camera's picture on a canvas: live, or a still that is renewed now and then. The stream is
// read here and not by an <img>, for an <img> does not say that nothing comes any more, and an old
// picture must never pass for a live one.

import { parse, pause, refusal, Refused, Unreachable } from "./api.js";
import { homeNow_ms } from "./times.js";

const SILENCE_MS = 10_000;
const STILL_EVERY_MS = 60_000; // Each is on record: who saw what.
const RETRY_MS = [1000, 2000, 5000, 15_000, 30_000];
const PICTURE_BYTES_MAX = 16 * 1024 * 1024;
const STEADY_MS = 10_000; // A stream that held this long was no failure: begin at the short waits.

/**
 * `path(rest)` gives the address of something of the camera. `onNews({kind, at?, detail?})`: kind is
 * `live`, `still`, `waiting` or `fault`.
 */
export class LivePicture {
  #mode = "off";
  #ending = null;

  constructor(canvas, { path, link, onNews }) {
    this.canvas = canvas;
    this.path = path;
    this.link = link;
    this.onNews = onNews;
  }

  /** Change to `live`, `still` or `off`. */
  set(mode) {
    if (mode === this.#mode) return;
    this.#mode = mode;
    this.#ending?.abort();
    this.#ending = mode === "off" ? null : new AbortController();
    if (mode !== "off") this.#run(mode, this.#ending.signal);
  }

  async #run(mode, signal) {
    const work = mode === "live" ? () => this.#follow(signal) : () => this.#takeStill(signal);
    for (let tries = 0; !signal.aborted; tries += 1) {
      const begun_ms = performance.now();
      const wait_ms = RETRY_MS[Math.min(tries, RETRY_MS.length - 1)];
      try {
        await work();
        await pause(mode === "still" ? STILL_EVERY_MS : wait_ms, signal);
      } catch (error) {
        if (signal.aborted) return;
        this.#fail(error);
        await pause(wait_ms, signal);
      }
      if (performance.now() - begun_ms > STEADY_MS + wait_ms) tries = -1;
    }
  }

  #fail(error) {
    if (!(error instanceof Refused)) error = new Unreachable(String(error));
    if (error.status === 401) this.link.note(error);
    this.onNews({ kind: "fault", detail: error.detail ?? "" });
  }

  async #follow(signal) {
    const silence = new AbortController();
    const stop = () => silence.abort();
    signal.addEventListener("abort", stop, { once: true });
    let timer = setTimeout(stop, SILENCE_MS);
    try {
      const response = await open(this.path("live.mjpg?fps=5"), silence.signal);
      for await (const jpeg of readParts(response.body)) {
        clearTimeout(timer);
        timer = setTimeout(stop, SILENCE_MS);
        await this.#draw(jpeg, signal);
        this.onNews({ kind: "live", at: homeNow_ms() });
      }
      this.onNews({ kind: "waiting" });
    } finally {
      clearTimeout(timer);
      signal.removeEventListener("abort", stop);
      silence.abort();
    }
  }

  async #takeStill(signal) {
    const response = await open(this.path("snapshot.jpg"), signal);
    await this.#draw(await response.blob(), signal);
    this.onNews({ kind: "still", at: homeNow_ms() });
  }

  async #draw(jpeg, signal) {
    const bitmap = await createImageBitmap(jpeg);
    if (!signal.aborted) {
      if (this.canvas.width !== bitmap.width) this.canvas.width = bitmap.width;
      if (this.canvas.height !== bitmap.height) this.canvas.height = bitmap.height;
      this.canvas.getContext("2d").drawImage(bitmap, 0, 0);
    }
    bitmap.close();
  }
}

async function open(path, signal) {
  const response = await fetch(path, { signal, cache: "no-store" });
  if (response.ok) return response;
  throw refusal(response, parse(await response.text()));
}

/** Give the JPEG of each part of a multipart/x-mixed-replace stream. */
async function* readParts(stream) {
  const reader = stream.getReader();
  let kept = new Uint8Array(0);
  for (;;) {
    const part = takePart(kept);
    if (part) {
      yield part.jpeg;
      kept = kept.subarray(part.end);
      continue;
    }
    const { done, value } = await reader.read();
    if (done) return;
    const joined = new Uint8Array(kept.length + value.length);
    joined.set(kept);
    joined.set(value, kept.length);
    kept = joined;
  }
}

/** The first part if it is there to its end; it names its length. */
function takePart(bytes) {
  const headers = new TextDecoder("latin1").decode(bytes.subarray(0, 1024));
  const end = headers.indexOf("\r\n\r\n");
  if (end < 0 && bytes.length < 1024) return null;
  const length = Number(/content-length:\s*(\d+)/i.exec(headers.slice(0, Math.max(end, 0)))?.[1]);
  if (!(length <= PICTURE_BYTES_MAX)) throw new Unreachable("a part without a proper length");
  const from = end + 4;
  if (bytes.length < from + length) return null;
  return { jpeg: new Blob([bytes.subarray(from, from + length)]), end: from + length };
}
