import { PassThrough, Writable } from "node:stream";
import { expect, test } from "vitest";
import { EventLog } from "../../../cli/event-log.ts";
import { Output } from "../../../cli/output.ts";
import type { GatewayEvent } from "../../../gateway/index.ts";

test("events that nobody reads wait up to a bound; how many were lost is said when they are read again", () => {
  let release = () => {};
  let text = "";
  const stdout = new Writable({
    write(chunk, _encoding, done) {
      text += String(chunk);
      release = done;
    },
  });
  const io = { stdout, stderr: new PassThrough(), env: {}, now: () => new Date(0), onSignal: () => () => {} };
  const log = new EventLog({ io, out: new Output(io, true) });
  const event: GatewayEvent = { type: "warning", detail: "x".repeat(1024 * 1024) };
  for (let count = 0; count < 20; count += 1) log.write(event);
  expect(stdout.writableLength).toBeLessThan(10 * 1024 * 1024);
  while (stdout.writableLength > 0) release();
  text = "";
  log.write({ type: "warning", detail: "read again" });
  while (stdout.writableLength > 0) release();
  const [first, second] = text
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  expect(first.detail).toMatch(/^\d+ events before this one were not written/);
  expect(second.detail).toBe("read again");
});
