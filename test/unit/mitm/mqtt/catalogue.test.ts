import { expect, test } from "vitest";
import type { GatewayAttack } from "../../../../mitm/attack.ts";
import { mqttAttacks } from "../../../../mitm/catalogue/mqtt/index.ts";
import { NotApplicable } from "../../../../mitm/errors.ts";
import { mqttWeaknesses } from "../../../../mitm/weaknesses/mqtt.ts";
import { fakeLab } from "./fake-lab.ts";

const attacks = mqttAttacks.filter((attack): attack is GatewayAttack => attack.side === "gateway");

test("every row of the catalogue from M-01 to M-14 is tried, and every weakness is found by an attack", () => {
  expect(attacks).toHaveLength(mqttAttacks.length);
  const rows = new Set(attacks.map(({ id }) => id.slice(0, 4)));
  expect([...rows]).toEqual(Array.from({ length: 14 }, (_, n) => `M-${String(n + 1).padStart(2, "0")}`));
  expect(new Set(attacks.map(({ defeats }) => defeats))).toEqual(new Set(Object.keys(mqttWeaknesses)));
});

test.each(attacks.map((attack) => [attack.id, attack] as const))(
  "%s holds against a strict broker, and is delivered",
  async (_id, attack) => {
    const { lab, recorder, broker } = fakeLab([]);
    const finding = await attack.run(lab);
    broker.close();
    expect(finding).toMatchObject({ result: "held" });
    expect(recorder.delivered).toBeDefined();
  },
);

test.each(attacks.map((attack) => [attack.id, attack] as const))(
  "%s finds its weakness",
  async (_id, attack) => {
    const { lab, broker } = fakeLab([attack.defeats]);
    const finding = await attack.run(lab);
    broker.close();
    expect(finding).toMatchObject({ result: "broken" });
  },
);

test.each(attacks.map((attack) => [attack.id, attack] as const))(
  "%s does without a witness, or says that it needs one",
  async (_id, attack) => {
    const { lab, broker } = fakeLab([], { operator: false });
    const finding = await attack.run(lab).catch((error: unknown) => error);
    broker.close();
    const seen = finding instanceof NotApplicable ? finding.message : JSON.stringify(finding);
    expect(seen).toMatch(/as a witness|"result":"held"/);
  },
);
