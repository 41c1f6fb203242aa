import { describe, expect, test } from "vitest";
import { encode, implicit, integer, objectIdentifier, sequence } from "../../../../pki/der/writer.ts";
import { mintCa, mintDevice, mintRoot, rawExtension } from "../../../support/chain-builder.ts";
import { verdict } from "./verdict.ts";

const root = mintRoot();
const anchors = [root];
const refused = "PKI_PATH_UNKNOWN_CRITICAL_EXTENSION";
const any = "2.5.29.32.0";

const policies = (...oids: string[]) =>
  rawExtension("2.5.29.32", false, encode(sequence(...oids.map((oid) => sequence(objectIdentifier(oid))))));
const requireExplicit = (n: number) =>
  rawExtension("2.5.29.36", true, encode(sequence(implicit(0, integer(n)))));
const inhibitAny = (n: number) => rawExtension("2.5.29.54", true, encode(integer(n)));
const mapping = rawExtension(
  "2.5.29.33",
  false,
  encode(sequence(sequence(objectIdentifier("1.2.3"), objectIdentifier("1.2.4")))),
);

type Extensions = ReturnType<typeof policies>[];
function judge(ca: Extensions, sub: Extensions, leaf: Extensions): string {
  const top = mintCa(root, { subject: { CN: "Top" }, extensions: ca });
  const middle = mintCa(top, { subject: { CN: "Middle" }, extensions: sub });
  return verdict([mintDevice(middle, "x", { extensions: leaf }), middle, top], { anchors });
}

describe("RFC 5280 §6.1: certificate policies", () => {
  test("where no CA requires one, policies do not matter", () => {
    expect(judge([policies("1.2.3")], [policies("1.2.4")], [])).toBe("valid");
  });
  test("§6.1.4 (i): a CA that requires an explicit policy gets one all the way down", () => {
    expect(judge([requireExplicit(0), policies("1.2.3")], [policies("1.2.3")], [policies("1.2.3")])).toBe(
      "valid",
    );
    expect(judge([requireExplicit(0), policies("1.2.3")], [policies("1.2.3")], [])).toBe(refused);
    expect(judge([requireExplicit(0), policies("1.2.3")], [policies("1.2.4")], [policies("1.2.4")])).toBe(
      refused,
    );
    expect(judge([requireExplicit(0)], [policies("1.2.3")], [policies("1.2.3")])).toBe(refused);
  });
  test("§6.1.4 (h): SkipCerts puts the requirement off", () => {
    expect(judge([requireExplicit(3)], [], [])).toBe("valid");
    expect(judge([requireExplicit(1)], [], [])).toBe(refused);
  });
  test("§6.1.5 (b): a leaf that requires one itself", () => {
    expect(judge([], [], [requireExplicit(0)])).toBe(refused);
  });
  test("§6.1.3 (d) (2): anyPolicy stands for every policy, until it is inhibited", () => {
    expect(judge([requireExplicit(0), policies(any)], [policies(any)], [policies("1.2.3")])).toBe("valid");
    expect(judge([requireExplicit(0), policies("1.2.3")], [policies(any)], [policies("1.2.3")])).toBe(
      "valid",
    );
    expect(
      judge([requireExplicit(0), policies(any), inhibitAny(0)], [policies(any)], [policies("1.2.3")]),
    ).toBe(refused);
    expect(judge([requireExplicit(0), policies(any), inhibitAny(1)], [policies(any)], [policies(any)])).toBe(
      refused,
    );
  });
  test("§6.1.3 (d) (2), §6.1.4 (h): self-issued CAs do not count, and may state anyPolicy", () => {
    const rolledOver = (ca: Extensions, rolled: Extensions, leaf: Extensions) => {
      const top = mintCa(root, { subject: { CN: "Top" }, extensions: ca });
      const again = mintCa(top, { subject: { CN: "Top" }, extensions: rolled });
      return verdict([mintDevice(again, "x", { extensions: leaf }), again, top], { anchors });
    };
    expect(rolledOver([requireExplicit(2)], [], [])).toBe("valid");
    expect(judge([requireExplicit(2)], [], [])).toBe(refused);
    const strict = [requireExplicit(0), policies("1.2.3"), inhibitAny(0)];
    expect(rolledOver(strict, [policies(any)], [policies("1.2.3")])).toBe("valid");
    expect(judge(strict, [policies(any)], [policies("1.2.3")])).toBe(refused);
    expect(rolledOver(strict, [policies(any)], [policies(any)])).toBe(refused);
    // The last certificate is no exception, even where its subject is its issuer's name.
    const top = mintCa(root, { subject: { CN: "Top" }, extensions: strict });
    const last = mintDevice(top, "x", { subject: { CN: "Top" }, extensions: [policies(any)] });
    expect(verdict([last, top], { anchors })).toBe(refused);
  });
  test("mappings are not processed: with a required policy they are refused, without one they are ignored", () => {
    expect(judge([mapping], [], [])).toBe("valid");
    expect(judge([requireExplicit(0), policies(any), mapping], [policies(any)], [policies(any)])).toBe(
      refused,
    );
  });
  test("an extension that is no policyConstraints or certificatePolicies refuses the path", () => {
    expect(judge([rawExtension("2.5.29.36", true)], [], [])).toBe("PKI_PATH_MALFORMED");
    expect(judge([], [], [rawExtension("2.5.29.32", false)])).toBe("PKI_PATH_MALFORMED");
  });
});
