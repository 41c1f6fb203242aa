import { describe, expect, test } from "vitest";
import { Name } from "../../../../pki/index.ts";
import { daysFromNow, Minted, mintCa, mintDevice, mintRoot } from "../../../support/chain-builder.ts";
import { failure, verdict } from "./verdict.ts";

const root = mintRoot();
const ca = mintCa(root);
const device = mintDevice(ca, "pump-1");
const anchors = [root];

describe("RFC 4158: finding the path", () => {
  test("D-CERT-31: intermediates may come in any order, or be known locally", () => {
    const sub = mintCa(ca, { subject: { CN: "Sub" } });
    const leaf = mintDevice(sub, "x");
    expect(verdict([leaf, ca, sub], { anchors })).toBe("valid");
    expect(verdict([leaf], { anchors, intermediates: [ca, sub] })).toBe("valid");
  });
  test("D-CERT-31: a missing intermediate is an unknown issuer, also where the root was sent", () => {
    expect(verdict([device], { anchors })).toBe("PKI_PATH_UNKNOWN_ISSUER");
    expect(verdict([device, root], { anchors })).toBe("PKI_PATH_UNKNOWN_ISSUER");
  });
  test("a root that the peer sends is no anchor", () => {
    const other = mintRoot({ subject: { CN: "Other" } });
    expect(verdict([mintDevice(other, "x"), other], { anchors })).toBe("PKI_PATH_UNKNOWN_ISSUER");
  });
  test("without anchors nothing is valid", () => {
    expect(verdict([device, ca, root], { anchors: [] })).toBe("PKI_PATH_UNKNOWN_ISSUER");
  });
  test("RFC 5280 §6.1.1 (d): an anchor is a name and a key, self-signed or not", () => {
    expect(verdict([device], { anchors: [ca] })).toBe("valid");
    const reissued = mintRoot({ key: root.key, notAfter: daysFromNow(900) });
    expect(verdict([device, ca], { anchors: [reissued] })).toBe("valid");
  });
  test("D-CERT-30: of issuers with the same name the one whose key fits is taken, whatever the key identifiers say", () => {
    const twins = Array.from({ length: 5 }, () => mintCa(root));
    expect(verdict([device, ...twins, ca], { anchors })).toBe("valid");
    const twinRoots = [mintRoot(), mintRoot()];
    expect(verdict([device, ca], { anchors: [...twinRoots, root] })).toBe("valid");
    const liar = mintCa(root, { without: ["subjectKeyIdentifier"] });
    const leaf = mintDevice(liar, "x", { without: ["authorityKeyIdentifier"] });
    expect(verdict([leaf, ca, liar], { anchors })).toBe("valid");
  });
  test("a refused candidate does not hide a good one", () => {
    const expired = mintCa(root, { key: ca.key, notAfter: daysFromNow(-1) });
    expect(verdict([device, expired, ca], { anchors })).toBe("valid");
    expect(verdict([device, ca, expired], { anchors })).toBe("valid");
    const oldRoot = mintRoot({ key: root.key, notAfter: daysFromNow(-1) });
    expect(verdict([device, ca], { anchors: [oldRoot, root] })).toBe("valid");
  });
  test("D-CERT-30: a root that another one cross-signed leads to either", () => {
    const newRoot = mintRoot({ subject: { CN: "New Root" } });
    const cross = mintCa(root, { subject: { CN: "New Root" }, key: newRoot.key });
    const issuing = mintCa(newRoot);
    const leaf = mintDevice(issuing, "x");
    expect(verdict([leaf, issuing, cross], { anchors: [root] })).toBe("valid");
    expect(verdict([leaf, issuing, cross], { anchors: [newRoot] })).toBe("valid");
  });
  test("RFC 5280 §7.1: names chain whatever the case, the spaces and the string type", () => {
    const issuer = mintCa(root, { subject: { O: "Acme  Pumps", CN: "Issuing" } });
    const leaf = mintDevice(issuer, "x", { issuerName: { O: "ACME Pumps", CN: "issuing" } });
    expect(verdict([leaf, issuer], { anchors })).toBe("valid");
    const other = mintDevice(issuer, "x", { issuerName: { O: "AcmePumps", CN: "Issuing" } });
    expect(verdict([other, issuer], { anchors })).toBe("PKI_PATH_UNKNOWN_ISSUER");
  });
  test("RFC 5280 §7.1: text cannot be made to look like another attribute", () => {
    const tricky = Name.of({ O: 'a","2.5.4.3=b' });
    const issuer = mintCa(root, { subject: tricky });
    const leaf = mintDevice(issuer, "x", { issuerName: Name.of({ O: "a", CN: "b" }) });
    expect(verdict([leaf, issuer], { anchors })).toBe("PKI_PATH_UNKNOWN_ISSUER");
  });
});

describe("RFC 5280 §6.1.3 (a) (1): signatures", () => {
  test("D-CERT-01: a rogue CA of the same name is refused, with its own reason", () => {
    const rogueRoot = mintRoot();
    const rogueCa = mintCa(rogueRoot);
    expect(verdict([mintDevice(rogueCa, "pump-1"), rogueCa], { anchors })).toBe("PKI_PATH_BAD_SIGNATURE");
    expect(verdict([mintDevice(rogueCa, "pump-1"), ca], { anchors })).toBe("PKI_PATH_BAD_SIGNATURE");
    expect(verdict([mintDevice(rogueCa, "pump-1"), rogueCa, rogueRoot], { anchors })).toBe(
      "PKI_PATH_BAD_SIGNATURE",
    );
  });
  test("D-CERT-03: a certificate whose key was replaced is refused", () => {
    const other = mintDevice(ca, "other");
    const forged = mintDevice(ca, "pump-1", { signWith: other.key });
    expect(verdict([forged, ca], { anchors })).toBe("PKI_PATH_BAD_SIGNATURE");
  });
  test("a flipped bit in any signature of the path is found", () => {
    const broken = mintCa(root, { corrupt: true });
    expect(verdict([mintDevice(ca, "x", { corrupt: true }), ca], { anchors })).toBe("PKI_PATH_BAD_SIGNATURE");
    expect(verdict([mintDevice(broken, "x"), broken], { anchors })).toBe("PKI_PATH_BAD_SIGNATURE");
  });
  test("a flipped bit anywhere in a leaf never validates", () => {
    const { der } = device;
    for (let bit = 0; bit < der.length * 8; bit += 7) {
      const altered = Uint8Array.from(der);
      altered[bit >> 3] = (altered[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      const result = (() => {
        const copy = new Minted(altered, device.key, device.name);
        try {
          return copy.certificate.fingerprint === "" ? "" : verdict([copy, ca], { anchors });
        } catch {
          return "not parsed";
        }
      })();
      expect(result, `bit ${bit}`).not.toBe("valid");
    }
  });
  test("D-CERT-02: a self-signed leaf is said to be one", () => {
    expect(verdict([mintDevice(undefined, "pump-1")], { anchors })).toBe("PKI_PATH_SELF_SIGNED");
    const asRoot = mintDevice(undefined, "x", { subject: { CN: "Test Root" } });
    expect(verdict([asRoot], { anchors })).toBe("PKI_PATH_SELF_SIGNED");
  });
  test("a leaf is not trusted for being in the list of anchors", () => {
    const own = mintDevice(undefined, "pump-1");
    expect(verdict([own], { anchors: [own] })).toBe("PKI_PATH_SELF_SIGNED");
    expect(verdict([device], { anchors: [device] })).toBe("PKI_PATH_UNKNOWN_ISSUER");
  });
});

describe("the most telling error wins", () => {
  test("D-CERT-04: expired under a known CA says expired; under an unknown CA the issuer comes first", () => {
    const expired = { notAfter: daysFromNow(-1) };
    expect(verdict([mintDevice(ca, "x", expired), ca], { anchors })).toBe("PKI_PATH_EXPIRED");
    const stranger = mintCa(mintRoot({ subject: { CN: "Stranger" } }), { subject: { CN: "Strange CA" } });
    expect(verdict([mintDevice(stranger, "x", expired), stranger], { anchors })).toBe(
      "PKI_PATH_UNKNOWN_ISSUER",
    );
  });
  test("a path that was refused tells more than a candidate whose signature was wrong", () => {
    const twins = [mintCa(root), mintCa(root)];
    const expired = mintDevice(ca, "x", { notAfter: daysFromNow(-1) });
    expect(verdict([expired, ...twins, ca], { anchors })).toBe("PKI_PATH_EXPIRED");
    // The key identifier puts the expired CA first, and the others' wrong signatures are found after it.
    const oldCa = mintCa(root, { notAfter: daysFromNow(-1) });
    expect(verdict([mintDevice(oldCa, "x"), ...twins, oldCa], { anchors })).toBe("PKI_PATH_EXPIRED");
  });
  test("messages say who and what, in one line, with the peer's text escaped and cut", () => {
    const expired = mintDevice(ca, "x", {
      subject: { CN: `evil\u2028name\u001b[31m${"x".repeat(500)}` },
      notAfter: daysFromNow(-1),
    });
    const message = failure([expired, ca], { anchors })?.message ?? "";
    expect(message).toContain("expired at 2026-11-22T12:00:00.000Z");
    expect(message).toContain("evil");
    expect(message.length).toBeLessThan(400);
    expect(message).toMatch(/^[\x20-\x7e]*$/);
  });
  test("an unknown issuer is named", () => {
    expect(failure([device], { anchors })?.message).toContain("CN=Test Issuing CA");
  });
});
