import { expect, test } from "vitest";
import { Recorder } from "../../../../mitm/record/recorder.ts";

/** A recording is kept until the end of the run: a target that floods must not fill the memory with it. */

const flow = {
  protocol: "udp",
  client: { address: "127.0.0.1", port: 1 },
  server: { address: "127.0.0.1", port: 2 },
} as const;

test("packets of nothing are counted too", () => {
  const recorder = new Recorder();
  for (let n = 0; n < 10_000; n += 1) recorder.packet(1, "server", new Uint8Array());
  expect(recorder.packets.length).toBeLessThan(5_000);
  expect(recorder.packets.length + recorder.dropped.packets).toBe(10_000);
});

test("octets of packets end where the run has no more room", () => {
  const recorder = new Recorder(undefined, 1_000);
  for (let n = 0; n < 30; n += 1) recorder.packet(1, "server", new Uint8Array(100));
  expect([recorder.packets.length, recorder.packetBytes, recorder.dropped.packets]).toEqual([10, 1_000, 20]);
});

test("certificates of megabytes are not kept, and that is said", () => {
  const recorder = new Recorder();
  const message = new Uint8Array(2 ** 24);
  recorder.certificate("leaf", message.subarray(0, 500));
  recorder.certificate("bulk", message);
  expect([...recorder.certificates.keys()]).toEqual(["leaf"]);
  expect(recorder.dropped.certificates).toBe(1);
  // Not a view of all that it came in.
  expect(recorder.certificates.get("leaf")?.buffer.byteLength).toBe(500);
});

test("connections without end are not all kept", () => {
  const recorder = new Recorder();
  for (let n = 0; n < 5_000; n += 1) expect(recorder.connection(flow)).toBe(n + 1);
  expect(recorder.flows.size).toBeLessThan(2_000);
});

test("long texts are cut", () => {
  const recorder = new Recorder();
  const long = "x".repeat(2 ** 20);
  recorder.step({ connection: 1, from: "gateway", to: "lab", what: "application data", note: long });
  recorder.explain(1, "gateway", long);
  expect(JSON.stringify(recorder.steps).length).toBeLessThan(5_000);
});
