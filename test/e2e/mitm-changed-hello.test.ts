import { afterAll, beforeAll, expect, test } from "vitest";
import { ownPair } from "../../cli/mitm/own-pair.ts";
import { pathAttacks } from "../../mitm/catalogue/path/index.ts";
import { LabPki } from "../../mitm/mint/lab-pki.ts";
import type { PairTarget } from "../../mitm/targets.ts";
import { pairLab } from "../support/mitm/pair-lab.ts";

/*
 * A ClientHello that was changed on its way must fall to the comparison of what both ends saw. That the gateway refuses
 * the hello for something else in it (no extended master secret, a share of a group that it does not name) would be held
 * for the wrong reason.
 */

let own: PairTarget;
beforeAll(async () => {
  own = await ownPair(await LabPki.create());
});
afterAll(() => own.close?.());

const attacks = pathAttacks.filter(({ id }) => /^(P-03-path-[cd]|P-15-path|U-35c)$/.test(id));
const cases = attacks.flatMap((attack) => attack.transports.map((transport) => ({ attack, transport })));

test.each(cases)("$attack.id/$transport is refused for what differs", async ({ attack, transport }) => {
  if (attack.side !== "pair") throw new Error("unreachable: attacks of the path");
  await using lab = pairLab(own, transport);
  const finding = await attack.run(lab);
  expect(finding.result).toBe("held");
  expect(finding.how).toMatch(
    transport === "tls"
      ? /^the device answers with Alert bad_record_mac$/
      : /^the gateway answers with Alert decrypt_error/,
  );
});
