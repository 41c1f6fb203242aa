import { describe, expect, test } from "vitest";
import { ownGateway } from "../../cli/mitm/own-gateway.ts";
import { admissionAttacks } from "../../mitm/catalogue/admission/index.ts";
import type { CaseReport } from "../../mitm/report/run-report.ts";
import { gatewaySource } from "../../mitm/run/lab-sources.ts";
import { runMitm } from "../../mitm/run/run.ts";
import type { GatewaySource } from "../../mitm/run/sources.ts";

async function casesOn(source: GatewaySource): Promise<readonly CaseReport[]> {
  const { report } = await runMitm({
    sources: [source],
    catalogue: admissionAttacks,
    seed: "admission",
    patience: { answerMs: 2_000, silenceMs: 300 },
    deadlineMs: 20_000,
    signal: new AbortController().signal,
    tool: { name: "test", version: "0" },
    command: "test",
    replay: ({ id }) => id,
  });
  expect(report.cases.length).toBeGreaterThan(100);
  return report.cases;
}

/** Everything that did not go as it should, in a line each. */
function otherThan(verdict: string, cases: readonly CaseReport[]): string[] {
  return cases.filter((one) => one.verdict !== verdict).map((one) => `${one.id}: ${one.verdict}, ${one.how}`);
}

/** What our own gateway has to say of each case: that it was refused for this reason and no other. */
const reasons: Readonly<Record<string, RegExp>> = {
  "G-CERT-01": /no_certificate/,
  "G-CERT-02": /no_certificate/,
  "G-CERT-03a": /unknown_issuer/,
  "G-CERT-03b": /bad_signature/,
  "G-CERT-03c": /unknown_issuer/,
  "G-CERT-03d": /certificate_self_signed/,
  "G-CERT-03e": /wrong_trust_domain/,
  "G-CERT-04a": /wrong_extended_key_usage/,
  "G-CERT-04b": /wrong_extended_key_usage/,
  "G-CERT-04c": /wrong_extended_key_usage/,
  "G-CERT-04d": /leaf_is_ca/,
  "G-CERT-05": /certificate_expired/,
  "G-CERT-06": /certificate_not_yet_valid/,
  "G-CERT-07a": /certificate_revoked/,
  "G-CERT-07b": /certificate_revoked/,
  "G-CERT-08": /path_length/,
  "G-CERT-09": /name_constraints/,
  "G-CERT-10": /not_a_ca/,
  "G-CERT-11a": /bad_proof_of_possession/,
  "G-CERT-15c": /client_id_mismatch/,
  "G-CERT-16a": /identity_malformed/,
  "G-CERT-16b": /client_id_mismatch/,
  "G-CERT-16c": /certificate_identity_differs/,
  "G-CERT-16d": /certificate_malformed/,
  "G-CERT-16l": /identity_malformed/,
  "G-CERT-16n": /certificate_identity_differs/,
  "G-CERT-17a": /device_unknown/,
  "G-CERT-17b": /certificate_unknown/,
  "G-CERT-17c": /certificate_identity_differs/,
  "G-CERT-17d": /certificate_unknown/,
};

describe("who wants in at a gateway", () => {
  test("our own lets none of them in, each for its own reason", async () => {
    const cases = await casesOn(gatewaySource({ name: "own", lanes: 2, make: ownGateway }));
    expect(otherThan("held", cases)).toEqual([]);
    const wrong = cases.filter(({ attack, how }) => reasons[attack]?.test(how) === false);
    expect(wrong.map(({ id, how }) => `${id}: ${how}`)).toEqual([]);
  });
});
