import { describe, expect, test } from "vitest";
import { broken, type Finding, held, inconclusive } from "../../../../mitm/attack.ts";
import { Recorder } from "../../../../mitm/record/recorder.ts";
import { type Control, type Ending, judge } from "../../../../mitm/run/verdict.ts";

const good: Control = { ok: true, how: "CONNACK 0", ms: 3 };
const bad: Control = { ok: false, how: "closed", ms: 3 };
const arrived = {
  delivered: "sent on a connection on which the target said ServerHello",
  leakedBytes: 0,
  attacked: true,
};
const finding = (one: Finding): Ending => ({ kind: "finding", finding: one });

function verdictOf(...args: Parameters<typeof judge>) {
  return judge(...args).verdict;
}

describe("a verdict needs more than the attack's own word", () => {
  test("held: refused, delivered, nothing leaked, the honest twin served before and after", () => {
    expect(verdictOf(finding(held("alert")), good, good, arrived)).toBe("held");
  });

  test("a device that does not come back after it was refused has kept the rule", () => {
    expect(verdictOf(finding(held("alert")), good, { ...bad, absent: true }, arrived)).toBe("held");
  });

  test("without a receipt it is not delivered", () => {
    const seen = { delivered: undefined, leakedBytes: 0, attacked: true };
    expect(verdictOf(finding(held("silence")), good, good, seen)).toBe("not delivered");
  });

  test("application bytes for the attacker break it, whatever came then", () => {
    const judgement = judge(finding(held("alert")), good, good, { ...arrived, leakedBytes: 12 });
    expect(judgement).toMatchObject({
      verdict: "broken",
      how: expect.stringContaining("12 bytes of application data"),
    });
  });

  test("a target that serves no honest peer afterwards is broken", () => {
    expect(judge(finding(held("closed")), good, bad, arrived)).toMatchObject({
      verdict: "broken",
      outage: true,
    });
  });

  test("a valid twin that does not get through makes everything inconclusive, a success too", () => {
    expect(verdictOf(finding(held("alert")), bad, good, arrived)).toBe("inconclusive");
    expect(verdictOf(finding(broken("let in")), bad, good, arrived)).toBe("inconclusive");
  });

  test("a success needs no receipt: what did not arrive cannot have worked", () => {
    const seen = { delivered: undefined, leakedBytes: 0, attacked: true };
    expect(verdictOf(finding(broken("let in")), good, good, seen)).toBe("broken");
  });

  test("what the attack could not tell, or could not do, is not held", () => {
    expect(verdictOf(finding(inconclusive("two answers")), good, good, arrived)).toBe("inconclusive");
    expect(verdictOf({ kind: "failed", how: "not done after 30 s" }, good, good, arrived)).toBe(
      "inconclusive",
    );
    expect(verdictOf({ kind: "not delivered", how: "no datagram" }, good, good, arrived)).toBe(
      "not delivered",
    );
    expect(verdictOf({ kind: "not applicable", how: "no tickets" }, good, good, arrived)).toBe(
      "not applicable",
    );
  });

  test("a target that stopped serving is not passed over, whatever the attack says of itself", () => {
    const undecided: Ending[] = [
      finding(inconclusive("two answers")),
      { kind: "failed", how: "127.0.0.1:8883 cannot be reached" },
      { kind: "not applicable", how: "no tickets" },
    ];
    for (const ending of undecided) {
      expect(judge(ending, good, bad, arrived)).toMatchObject({ verdict: "broken", outage: true });
      const unsent = { delivered: undefined, leakedBytes: 0, attacked: false };
      expect(verdictOf(ending, good, bad, unsent)).toBe("inconclusive");
    }
  });
});

describe("a delivery receipt", () => {
  const flow = {
    protocol: "tcp",
    client: { address: "127.0.0.1", port: 1 },
    server: { address: "127.0.0.1", port: 2 },
  } as const;

  test("is an attack on a connection on which the target spoke", () => {
    const recorder = new Recorder();
    const connection = recorder.connection(flow);
    recorder.step({ connection, from: "lab", to: "gateway", what: "Certificate", attack: true });
    expect(recorder.delivered).toBeUndefined();
    recorder.step({ connection, from: "gateway", to: "lab", what: "Alert bad_certificate" });
    expect(recorder.delivered).toContain("Alert bad_certificate");
  });

  test("is not an honest exchange, nor an answer on another connection", () => {
    const recorder = new Recorder();
    const honest = recorder.connection(flow);
    recorder.step({ connection: honest, from: "lab", to: "gateway", what: "ClientHello" });
    recorder.step({ connection: honest, from: "gateway", to: "lab", what: "ServerHello" });
    const attack = recorder.connection(flow);
    recorder.step({ connection: attack, from: "lab", to: "gateway", what: "Finished", attack: true });
    expect(recorder.delivered).toBeUndefined();
  });

  test("is not what was said to a target that had closed the connection", () => {
    const recorder = new Recorder();
    const connection = recorder.connection(flow);
    recorder.step({ connection, from: "lab", to: "gateway", what: "ClientHello" });
    recorder.step({ connection, from: "gateway", to: "lab", what: "closed" });
    recorder.step({ connection, from: "lab", to: "gateway", what: "Finished", attack: true });
    expect(recorder.delivered).toBeUndefined();
    expect(recorder.attacked).toBe(true);
  });
});

test("a target that floods does not fill the recording", () => {
  const recorder = new Recorder();
  const connection = recorder.connection({
    protocol: "udp",
    client: { address: "127.0.0.1", port: 1 },
    server: { address: "127.0.0.1", port: 2 },
  });
  for (let index = 0; index < 10_000; index += 1) {
    recorder.step({ connection, from: "gateway", to: "lab", what: "application data" });
    recorder.packet(connection, "server", new Uint8Array(1_000));
  }
  expect(recorder.steps.length).toBeLessThan(1_000);
  expect(recorder.packets.length).toBeLessThan(2_000);
  expect(recorder.dropped.steps + recorder.steps.length).toBe(10_000);
});
