import { PassThrough } from "node:stream";
import { expect, test } from "vitest";
import { printEvent } from "../../../cli/gateway-events.ts";
import { Output } from "../../../cli/output.ts";
import type { GatewayEvent } from "../../../gateway/index.ts";

function printed(event: GatewayEvent): string {
  const stdout = new PassThrough();
  const io = { stdout, stderr: new PassThrough(), env: {}, now: () => new Date(0), onSignal: () => () => {} };
  printEvent(new Output(io, false), event, new Date(0));
  return String(stdout.read());
}

test("a warning says why, in one line, whatever the reason holds", () => {
  const cause = new Error("ENOSPC: no space left on device\n\u001b[2J");
  const line = printed({ type: "warning", detail: "the sessions could not be kept", cause });
  expect(line).toMatch(/warning {3}the sessions could not be kept \(ENOSPC: no space left on device.*\)\n$/);
  expect(line).not.toContain("\u001b[2J");
  expect(printed({ type: "warning", detail: "alone" })).toMatch(/alone\n$/);
});

test("an IPv6 address stands in brackets before its port", () => {
  const listening = { type: "listening", transport: "dtls", port: 5684 } as const;
  expect(printed({ ...listening, host: "::1" })).toMatch(/ on \[::1\]:5684\n$/);
  expect(printed({ ...listening, host: "127.0.0.1" })).toMatch(/ on 127\.0\.0\.1:5684\n$/);
});
