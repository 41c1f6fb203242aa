import { describe, expect, test } from "vitest";
import { ExtendedKeyUsage, makeExtension } from "../../../../pki/index.ts";
import {
  daysFromNow,
  type MintOptions,
  mintCa,
  mintDevice,
  mintRoot,
  mintServer,
  NOW,
  rawExtension,
} from "../../../support/chain-builder.ts";
import { verdict } from "./verdict.ts";

const root = mintRoot();
const ca = mintCa(root, { pathLenConstraint: 0 });
const anchors = [root];

const leaf = (options: MintOptions = {}) => mintDevice(ca, "pump-1", options);
const below = (options: Parameters<typeof mintCa>[1], leafOptions: MintOptions = {}) => {
  const issuer = mintCa(root, options);
  return [mintDevice(issuer, "pump-1", leafOptions), issuer];
};

test("RFC 5280 §6.1: a leaf below an intermediate below an anchor is valid", () => {
  expect(verdict([leaf(), ca], { anchors })).toBe("valid");
  expect(verdict([mintDevice(root, "pump-1")], { anchors })).toBe("valid");
});

describe("RFC 5280 §6.1.3 (a) (2): validity", () => {
  test("an expired leaf is refused", () => {
    expect(verdict([leaf({ notAfter: daysFromNow(-1) }), ca], { anchors })).toBe("PKI_PATH_EXPIRED");
  });
  test("a leaf of tomorrow is refused", () => {
    expect(verdict([leaf({ notBefore: daysFromNow(1) }), ca], { anchors })).toBe("PKI_PATH_NOT_YET_VALID");
  });
  test("an expired or future intermediate is refused", () => {
    expect(verdict(below({ notAfter: daysFromNow(-1) }), { anchors })).toBe("PKI_PATH_EXPIRED");
    expect(verdict(below({ notBefore: daysFromNow(1) }), { anchors })).toBe("PKI_PATH_NOT_YET_VALID");
  });
  test("an expired anchor is refused", () => {
    const old = mintRoot({ notAfter: daysFromNow(-1) });
    expect(verdict([mintDevice(old, "pump-1")], { anchors: [old] })).toBe("PKI_PATH_EXPIRED");
  });
  test("§4.1.2.5: both ends of the period belong to it", () => {
    const exact = [leaf({ notBefore: NOW, notAfter: NOW }), ca];
    expect(verdict(exact, { anchors })).toBe("valid");
    expect(verdict(exact, { anchors, now: new Date(NOW.getTime() + 999) })).toBe("valid");
    expect(verdict(exact, { anchors, now: new Date(NOW.getTime() + 1000) })).toBe("PKI_PATH_EXPIRED");
    expect(verdict(exact, { anchors, now: new Date(NOW.getTime() - 1) })).toBe("PKI_PATH_NOT_YET_VALID");
  });
  test("a broken clock is the caller's mistake, not a way in", () => {
    expect(() => verdict([leaf(), ca], { anchors, now: new Date(Number.NaN) })).toThrow(
      "now must be a valid date",
    );
  });
});

describe("RFC 5280 §6.1.4 (k): an issuer is a CA", () => {
  test("a leaf that issues a leaf is refused", () => {
    const device = leaf();
    expect(verdict([mintDevice(device, "pump-2"), device, ca], { anchors })).toBe("PKI_PATH_NOT_A_CA");
  });
  test("an intermediate without basicConstraints is refused", () => {
    expect(verdict(below({ without: ["basicConstraints"] }), { anchors })).toBe("PKI_PATH_NOT_A_CA");
  });
  test("an intermediate with cA FALSE is refused", () => {
    const extensions = [makeExtension.basicConstraints({ ca: false })];
    expect(verdict(below({ extensions }), { anchors })).toBe("PKI_PATH_NOT_A_CA");
  });
  test("a version 1 intermediate is refused", () => {
    expect(verdict(below({ version: 1 }), { anchors })).toBe("PKI_PATH_NOT_A_CA");
  });
  test("an anchor that says it is no CA is refused; one of version 1 says nothing", () => {
    const none = mintRoot({ without: ["basicConstraints"] });
    expect(verdict([mintDevice(none, "pump-1")], { anchors: [none] })).toBe("PKI_PATH_NOT_A_CA");
    const v1 = mintRoot({ version: 1 });
    expect(verdict([mintDevice(v1, "pump-1")], { anchors: [v1] })).toBe("valid");
  });
});

const chainOf = (limit: number, cas: number, selfIssued = false) => {
  let issuer = mintCa(root, { subject: { CN: "Limited" }, pathLenConstraint: limit });
  const chain = [issuer];
  for (let i = 0; i < cas; i++) {
    issuer = mintCa(issuer, { subject: selfIssued ? issuer.name : { CN: `CA ${i}` } });
    chain.unshift(issuer);
  }
  return [mintDevice(issuer, "pump-1"), ...chain];
};

describe("RFC 5280 §6.1.4 (l), (m): path length", () => {
  test("as many CAs as allowed are valid, one more is refused", () => {
    expect(verdict(chainOf(0, 0), { anchors })).toBe("valid");
    expect(verdict(chainOf(0, 1), { anchors })).toBe("PKI_PATH_LENGTH");
    expect(verdict(chainOf(2, 2), { anchors })).toBe("valid");
    expect(verdict(chainOf(2, 3), { anchors })).toBe("PKI_PATH_LENGTH");
  });
  test("§6.1.4 (l): self-issued CAs do not count", () => {
    expect(verdict(chainOf(0, 1, true), { anchors })).toBe("valid");
  });
  test("a wider constraint below does not widen the one above", () => {
    const narrow = mintCa(root, { subject: { CN: "Narrow" }, pathLenConstraint: 1 });
    const wide = mintCa(narrow, { subject: { CN: "Wide" }, pathLenConstraint: 9 });
    const third = mintCa(wide, { subject: { CN: "Third" } });
    expect(verdict([mintDevice(third, "x"), third, wide, narrow], { anchors })).toBe("PKI_PATH_LENGTH");
  });
  test("the anchor's own constraint holds", () => {
    const short = mintRoot({ pathLenConstraint: 0 });
    const sub = mintCa(short);
    expect(verdict([mintDevice(short, "x")], { anchors: [short] })).toBe("valid");
    expect(verdict([mintDevice(sub, "x"), sub], { anchors: [short] })).toBe("PKI_PATH_LENGTH");
  });
});

describe("RFC 5280 §6.1.4 (n): keyUsage of an issuer", () => {
  test("without keyCertSign it is refused", () => {
    const extensions = [makeExtension.keyUsage("cRLSign", "digitalSignature")];
    expect(verdict(below({ extensions }), { anchors })).toBe("PKI_PATH_KEY_USAGE");
  });
  test("§4.2.1.3: an intermediate without keyUsage is refused", () => {
    expect(verdict(below({ without: ["keyUsage"] }), { anchors })).toBe("PKI_PATH_KEY_USAGE");
  });
  test("an anchor without keyUsage is trusted, one without keyCertSign is not", () => {
    const bare = mintRoot({ without: ["keyUsage"] });
    expect(verdict([mintDevice(bare, "x")], { anchors: [bare] })).toBe("valid");
    const wrong = mintRoot({ extensions: [makeExtension.keyUsage("cRLSign")] });
    expect(verdict([mintDevice(wrong, "x")], { anchors: [wrong] })).toBe("PKI_PATH_KEY_USAGE");
  });
});

describe("profile: the end-entity certificate", () => {
  test("a leaf with cA is refused", () => {
    const extensions = [makeExtension.basicConstraints({ ca: true })];
    expect(verdict([leaf({ extensions }), ca], { anchors })).toBe("PKI_PATH_LEAF_IS_CA");
  });
  test("a leaf with keyCertSign is refused", () => {
    const extensions = [makeExtension.keyUsage("digitalSignature", "keyCertSign")];
    expect(verdict([leaf({ extensions }), ca], { anchors })).toBe("PKI_PATH_LEAF_IS_CA");
  });
  test("a leaf whose keyUsage lacks digitalSignature is refused", () => {
    const extensions = [makeExtension.keyUsage("keyAgreement")];
    expect(verdict([leaf({ extensions }), ca], { anchors })).toBe("PKI_PATH_KEY_USAGE");
  });
  test("a leaf without keyUsage may be used (RFC 5280 §4.2.1.3 leaves it open)", () => {
    expect(verdict([leaf({ without: ["keyUsage"] }), ca], { anchors })).toBe("valid");
  });
});

const purposes = (...oids: string[]) => ({ extensions: [makeExtension.extendedKeyUsage(...oids)] });

describe("RFC 5280 §4.2.1.12: extendedKeyUsage", () => {
  const code = "PKI_PATH_EXTENDED_KEY_USAGE";
  test("a device certificate is no server, a server certificate no device", () => {
    expect(verdict([leaf(), ca], { anchors, purpose: "serverAuth" })).toBe(code);
    expect(verdict([mintServer(ca), ca], { anchors, purpose: "clientAuth" })).toBe(code);
    expect(verdict([mintServer(ca), ca], { anchors, purpose: "serverAuth" })).toBe("valid");
  });
  test("profile: a leaf without extendedKeyUsage is refused", () => {
    expect(verdict([leaf({ without: ["extendedKeyUsage"] }), ca], { anchors })).toBe(code);
  });
  test("profile: anyExtendedKeyUsage is refused, also beside the right purpose", () => {
    for (const others of [[], [ExtendedKeyUsage.clientAuth]]) {
      const extensions = [makeExtension.extendedKeyUsage(ExtendedKeyUsage.anyExtendedKeyUsage, ...others)];
      expect(verdict([leaf({ extensions }), ca], { anchors })).toBe(code);
    }
  });
  test("ocspSigning needs its own purpose", () => {
    const extensions = [makeExtension.extendedKeyUsage(ExtendedKeyUsage.ocspSigning)];
    expect(verdict([leaf({ extensions }), ca], { anchors, purpose: "ocspSigning" })).toBe("valid");
    expect(verdict([leaf(), ca], { anchors, purpose: "ocspSigning" })).toBe(code);
  });
  test("a CA with extendedKeyUsage issues only for what it names", () => {
    expect(verdict(below(purposes(ExtendedKeyUsage.serverAuth)), { anchors })).toBe(code);
    expect(verdict(below(purposes(ExtendedKeyUsage.anyExtendedKeyUsage)), { anchors })).toBe(code);
    expect(verdict(below(purposes(ExtendedKeyUsage.clientAuth)), { anchors })).toBe("valid");
    const serverRoot = mintRoot(purposes(ExtendedKeyUsage.serverAuth));
    expect(verdict([mintDevice(serverRoot, "x")], { anchors: [serverRoot] })).toBe(code);
  });
});

describe("RFC 5280 §4.2: critical extensions", () => {
  const code = "PKI_PATH_UNKNOWN_CRITICAL_EXTENSION";
  test("an unknown critical one is refused in leaf, intermediate and anchor", () => {
    const extensions = [rawExtension("1.2.3.4", true)];
    expect(verdict([leaf({ extensions }), ca], { anchors })).toBe(code);
    expect(verdict(below({ extensions }), { anchors })).toBe(code);
    const odd = mintRoot({ extensions });
    expect(verdict([mintDevice(odd, "x")], { anchors: [odd] })).toBe(code);
  });
  test("an unknown one that is not critical is ignored", () => {
    expect(verdict([leaf({ extensions: [rawExtension("1.2.3.4", false)] }), ca], { anchors })).toBe("valid");
  });
  test("critical policyMappings are not processed, so they are refused", () => {
    const mapping = Buffer.from("300c300a0603 2a0304 0603 2a0305".replaceAll(" ", ""), "hex");
    expect(verdict(below({ extensions: [rawExtension("2.5.29.33", true, mapping)] }), { anchors })).toBe(
      code,
    );
  });
});
