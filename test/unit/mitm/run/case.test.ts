import { describe, expect, test } from "vitest";
import { type Attack, gatewayAttack, held } from "../../../../mitm/attack.ts";
import { assertKnown, casesOf, isWanted } from "../../../../mitm/run/case.ts";

function attack(id: string): Attack {
  return gatewayAttack({
    id,
    title: id,
    transports: ["tls", "dtls"],
    defeats: "ignores-expiry",
    severity: "high",
    reference: { rfc: ["RFC 5280 §6.1.3"], cwe: [298] },
    run: () => Promise.resolve(held("")),
  });
}

const cases = casesOf(["D-CERT-01", "D-CERT-10a", "D-CERT-10b", "D-CERT-1"].map(attack), "gateway", [
  "tls",
  "dtls",
]);

function wanted(...texts: string[]): string[] {
  return cases.filter((one) => isWanted(one, texts)).map(({ id }) => id);
}

describe("which cases --case means", () => {
  test("one case, one attack", () => {
    expect(wanted("D-CERT-01/tls")).toEqual(["D-CERT-01/tls"]);
    expect(wanted("d-cert-01")).toEqual(["D-CERT-01/tls", "D-CERT-01/dtls"]);
  });

  test("a row in all its variants, and nothing that only begins alike", () => {
    expect(wanted("D-CERT-10")).toEqual(
      ["D-CERT-10a", "D-CERT-10b"].flatMap((id) => [`${id}/tls`, `${id}/dtls`]),
    );
    expect(wanted("D-CERT-1")).toEqual(["D-CERT-1/tls", "D-CERT-1/dtls"]);
  });

  test("a group of rows, and whatever begins with the text before an asterisk", () => {
    expect(wanted("D-CERT")).toHaveLength(cases.length);
    expect(wanted("D-CERT-1*")).toHaveLength(6);
  });

  test("nothing asked for: all; what is none of them is an error that names it", () => {
    expect(wanted()).toHaveLength(cases.length);
    expect(() => assertKnown(cases, ["D-CERT-01", "X-99"])).toThrow(
      expect.objectContaining({ code: "MITM_CASE_UNKNOWN", message: expect.stringContaining("X-99") }),
    );
  });

  test("a target without DTLS has no cases over it", () => {
    expect(casesOf([attack("G-CERT-01")], "gateway", ["tls"]).map(({ id }) => id)).toEqual(["G-CERT-01/tls"]);
    expect(casesOf([attack("G-CERT-01")], "device", ["tls"])).toEqual([]);
  });
});
