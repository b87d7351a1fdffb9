// Asks the server of the page, a pole or a station. What can go wrong is a class of its own here.

/** The server said no; `detail` is its reason for people. */
export class Refused extends Error {
  constructor(status, detail) {
    super(detail);
    this.status = status;
    this.detail = detail;
  }
}

/** The server gave no answer, or nothing that can be understood. */
export class Unreachable extends Error {}

const PATIENCE_MS = 10_000;

/**
 * Ask, and give the JSON of the answer; null where it has none.
 *
 * `wait_ms` is how long the server may take on purpose. `accept` names a status that is an answer
 * although it is none of success.
 */
export async function ask(path, { method = "GET", headers = {}, body, signal, wait_ms = 0, accept } = {}) {
  const options = { method, headers, cache: "no-store" };
  if (body !== undefined) {
    options.headers = { ...headers, "Content-Type": "application/json" };
    options.body = JSON.stringify(body);
  }
  const { response, text } = await within(PATIENCE_MS + wait_ms, signal, async (ending) => {
    const response = await fetch(path, { ...options, signal: ending });
    return { response, text: await response.text() };
  });
  const found = parse(text);
  if (response.ok || response.status === accept) return found;
  throw refusal(response, found);
}

/** Do work that ends with a time limit or the signal; only the latter is passed on as it is. */
async function within(limit_ms, signal, work) {
  const controller = new AbortController();
  const stop = () => controller.abort();
  const timer = setTimeout(stop, limit_ms);
  signal?.addEventListener("abort", stop);
  try {
    signal?.throwIfAborted();
    return await work(controller.signal);
  } catch (error) {
    throw signal?.aborted ? error : new Unreachable(String(error));
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", stop);
  }
}

/** What a response without success says. */
export function refusal(response, problem) {
  return new Refused(response.status, problem?.detail ?? problem?.title ?? String(response.status));
}

/** Parse JSON; null for what is none. */
export function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** Wait; ends sooner, and quietly, with the signal. */
export function pause(ms, signal) {
  return new Promise((resolve) => {
    const finish = () => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", finish);
      resolve();
    };
    const timer = setTimeout(finish, ms);
    signal?.addEventListener("abort", finish);
    if (signal?.aborted) finish();
  });
}

/** Where a camera's resources are. */
export const cameraPath = (name, rest) => `/v1/cameras/${encodeURIComponent(name)}/${rest}`;

/** Where a file is; null for what is no hash, whoever wrote it. */
export const mediaPath = (sha256) => (/^[0-9a-f]{64}$/.test(sha256) ? `/v1/media/${sha256}` : null);
