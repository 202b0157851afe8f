// Server-sent events. An EventSource can send no token, so what is read is the stream of a fetch.

import { ask, Problem } from "./api.js";
import { pause } from "./connection.js";

const LONGEST_PAUSE = 20;
// Milliseconds without a sign of life after which a stream counts as broken; the service sends one
// every 15 seconds.
const SILENCE = 45_000;

/**
 * The events of `path`, `{event, data}` with `data` read as JSON, until whoever reads them stops. A
 * stream that ends or breaks is asked for again, ever more patiently.
 * @throws {Problem} if the service refuses; the signal's AbortError
 */
export async function* events(path, signal) {
  for (let wait = 1; ; wait = Math.min(2 * wait, LONGEST_PAUSE)) {
    try {
      const options = { raw: true, accept: "text/event-stream", signal };
      const response = await ask("GET", path, options);
      for await (const event of eventsIn(response.body)) {
        wait = 1;
        yield event;
      }
    } catch (problem) {
      if (signal.aborted || refuses(problem)) throw problem;
    }
    await pause(wait, signal);
  }
}

const refuses = (problem) =>
  problem instanceof Problem && problem.status !== 0 && ![429, 503].includes(problem.status);

async function* eventsIn(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  let found = blank();
  try {
    for (;;) {
      const { done, value } = await unlessSilent(reader);
      if (done) return;
      const lines = (text + value).split("\n");
      text = lines.pop(); // not whole yet
      for (const line of lines.map((each) => each.replace(/\r$/, ""))) {
        if (line) note(found, line);
        else {
          if (found.data.length) {
            yield { event: found.event, data: JSON.parse(found.data.join("\n")) };
          }
          found = blank();
        }
      }
    }
  } finally {
    reader.cancel().catch(() => null); // it may have broken already
  }
}

async function unlessSilent(reader) {
  const timer = setTimeout(() => reader.cancel(), SILENCE);
  try {
    return await reader.read();
  } finally {
    clearTimeout(timer);
  }
}

const blank = () => ({ event: "message", data: [] });

/** Takes a line `field: value` into account; a comment has no field. */
function note(found, line) {
  const [, field, value] = /^([^:]*):? ?(.*)$/.exec(line);
  if (field === "event") found.event = value;
  if (field === "data") found.data.push(value);
}
