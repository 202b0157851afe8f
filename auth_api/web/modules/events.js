// Server-sent events, read from the stream of a fetch because an EventSource cannot send a token.

import { ApiError, request } from "./api.js";
import { pause } from "./connection.js";

const MAX_WAIT_SECONDS = 20;
// A stream that is silent for so long counts as broken. The service sends a ping every 15 seconds.
const SILENCE_MILLISECONDS = 45_000;

/**
 * The events of `path`: `{event, data}`, with `data` parsed as JSON. Reconnects when the stream
 * ends or breaks, with exponential backoff; runs until the caller stops.
 * @throws {ApiError} if the service refuses; the signal's AbortError
 */
export async function* serverEvents(path, signal) {
  for (let wait = 1; ; wait = Math.min(2 * wait, MAX_WAIT_SECONDS)) {
    try {
      const options = { raw: true, accept: "text/event-stream", signal };
      const response = await request("GET", path, options);
      for await (const event of parseEvents(response.body)) {
        wait = 1;
        yield event;
      }
    } catch (error) {
      if (signal.aborted || isRefusal(error)) throw error;
    }
    await pause(wait, signal);
  }
}

const isRefusal = (error) =>
  error instanceof ApiError && error.status !== 0 && ![429, 503].includes(error.status);

async function* parseEvents(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  let event = emptyEvent();
  try {
    for (;;) {
      const { done, value } = await readOrCancel(reader);
      if (done) return;
      const lines = (text + value).split("\n");
      text = lines.pop(); // an incomplete line
      for (const line of lines.map((each) => each.replace(/\r$/, ""))) {
        if (line) addLine(event, line);
        else {
          if (event.data.length) {
            yield { event: event.event, data: JSON.parse(event.data.join("\n")) };
          }
          event = emptyEvent();
        }
      }
    }
  } finally {
    reader.cancel().catch(() => null); // the stream may have failed already
  }
}

async function readOrCancel(reader) {
  const timer = setTimeout(() => reader.cancel(), SILENCE_MILLISECONDS);
  try {
    return await reader.read();
  } finally {
    clearTimeout(timer);
  }
}

const emptyEvent = () => ({ event: "message", data: [] });

/** Adds a line `field: value` to an event. A comment has no field. */
function addLine(event, line) {
  const [, field, value] = /^([^:]*):? ?(.*)$/.exec(line);
  if (field === "event") event.event = value;
  if (field === "data") event.data.push(value);
}
