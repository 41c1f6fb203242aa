import { expect, test } from "vitest";
import { LabAtGateway } from "../../../../mitm/lab/at-gateway.ts";
import type { Entry } from "../../../../mitm/lab/lab.ts";
import { LabPki } from "../../../../mitm/mint/lab-pki.ts";
import { Prng } from "../../../../mitm/prng.ts";
import { Recorder } from "../../../../mitm/record/recorder.ts";

async function labAtGateway(): Promise<LabAtGateway> {
  const pki = await LabPki.create();
  const attacker = { deviceId: "attacker", credential: await pki.device("attacker") };
  const options = {
    transport: "tls",
    prng: new Prng(1),
    recorder: new Recorder(),
    patience: { answerMs: 100, silenceMs: 50 },
    signal: new AbortController().signal,
  } as const;
  const target = { name: "nobody", endpoints: {}, serverName: undefined, attacker, victim: undefined };
  return new LabAtGateway(options, target, undefined);
}

const entry: Entry = {
  admitted: false,
  how: "alert bad_certificate",
  refusedAt: "Finished",
  alert: "bad_certificate",
};

test("what the target refused is held, and what it let in is broken", async () => {
  await using lab = await labAtGateway();
  expect(lab.judge(entry).result).toBe("held");
  expect(lab.judge({ ...entry, admitted: true }).result).toBe("broken");
});

test("a handshake that the lab's own end could not go on with is no refusal of the target", async () => {
  await using lab = await labAtGateway();
  expect(lab.judge({ ...entry, how: "a suite that is not known", byThisEnd: true })).toMatchObject({
    result: "inconclusive",
    how: expect.stringContaining("a suite that is not known"),
  });
});
