import { describe, expect, test } from "vitest";
import {
  boolean,
  type DerNode,
  encode,
  explicit,
  implicit,
  namedBitList,
  sequence,
} from "../../../../pki/der/writer.ts";
import { Extension, type GeneralName, makeExtension, validatePath } from "../../../../pki/index.ts";
import { generalName } from "../../../../pki/x509/general-name.ts";
import {
  type CrlOptions,
  daysFromNow,
  mintCa,
  mintCrl,
  mintDevice,
  mintRoot,
  NOW,
  rawExtension,
} from "../../../support/chain-builder.ts";
import { failure, verdict } from "./verdict.ts";

const root = mintRoot();
const ca = mintCa(root);
const device = mintDevice(ca, "pump-1");
const chain = [device, ca];
const anchors = [root];
const rootCrl = mintCrl(root).list;

/** The verdict on the device with one CRL of its CA, in both modes. */
function withCrl(options: CrlOptions): [string, string] {
  const crls = [mintCrl(ca, options).list];
  return [
    verdict(chain, { anchors, crls }),
    verdict(chain, { anchors, crls: [...crls, rootCrl], revocation: "require" }),
  ];
}
const both = (code: string) => [code, code];

describe("RFC 5280 §6.3: a certificate on its issuer's CRL", () => {
  test("D-CERT-24: is refused, in every mode but ignore", () => {
    expect(withCrl({ revoked: [device] })).toEqual(both("PKI_PATH_REVOKED"));
    const crls = [mintCrl(ca, { revoked: [device] }).list];
    expect(verdict(chain, { anchors, crls, revocation: "ignore" })).toBe("valid");
  });
  test("another one's entry does not matter", () => {
    expect(withCrl({ revoked: [mintDevice(ca, "other")] })).toEqual(both("valid"));
  });
  test("an intermediate that the root revoked takes its leaves along", () => {
    const crls = [mintCrl(root, { revoked: [ca] }).list];
    expect(verdict(chain, { anchors, crls })).toBe("PKI_PATH_REVOKED");
  });
  test("the message names the certificate and the time", () => {
    const crls = [mintCrl(ca, { revoked: [device] }).list];
    const message = failure(chain, { anchors, crls })?.message;
    expect(message).toContain("pump-1");
    expect(message).toContain(daysFromNow(-1).toISOString());
  });
  test("a CRL past its date still tells what was revoked", () => {
    expect(withCrl({ revoked: [device], nextUpdate: daysFromNow(-0.5) })).toEqual(both("PKI_PATH_REVOKED"));
  });
  test("the same serial number under another CA is not revoked", () => {
    const other = mintCa(root, { subject: { CN: "Other CA" } });
    const twin = mintDevice(other, "x", { serialNumber: device.certificate.serialNumber });
    const crls = [mintCrl(ca, { revoked: [device] }).list];
    expect(verdict([twin, other], { anchors, crls })).toBe("valid");
  });
});

describe("D-CERT-25: a CRL that cannot be relied on never clears a certificate", () => {
  test("none: accepted when-available, refused when required", () => {
    expect(verdict(chain, { anchors })).toBe("valid");
    expect(verdict(chain, { anchors, revocation: "require" })).toBe("PKI_PATH_CRL_MISSING");
    const crls = [mintCrl(ca).list];
    // The intermediate needs the root's CRL too.
    expect(verdict(chain, { anchors, crls, revocation: "require" })).toBe("PKI_PATH_CRL_MISSING");
  });
  test("RFC 5280 §5.1.2.5: past nextUpdate", () => {
    expect(withCrl({ nextUpdate: daysFromNow(-0.5) })).toEqual(both("PKI_PATH_CRL_EXPIRED"));
    expect(withCrl({ nextUpdate: NOW })).toEqual(both("valid"));
  });
  test("RFC 5280 §5.1.2.5: without nextUpdate", () => {
    expect(withCrl({ nextUpdate: null })).toEqual(both("PKI_PATH_CRL_MISSING"));
  });
  test("RFC 5280 §5.1.2.4: before thisUpdate", () => {
    expect(withCrl({ thisUpdate: daysFromNow(1) })).toEqual(both("PKI_PATH_CRL_MISSING"));
  });
  test("RFC 5280 §6.3.3 (g): signed by another key, or altered", () => {
    expect(withCrl({ signWith: mintRoot().key })).toEqual(both("PKI_PATH_CRL_MISSING"));
    expect(withCrl({ corrupt: true })).toEqual(both("PKI_PATH_CRL_MISSING"));
  });
  test("signed with SHA-1", () => {
    expect(withCrl({ signature: "ecdsa-sha1" })).toEqual(both("PKI_PATH_CRL_MISSING"));
  });
  test("RFC 5280 §6.3.3 (f): by a CA without cRLSign", () => {
    const mute = mintCa(root, { extensions: [makeExtension.keyUsage("keyCertSign")] });
    const crls = [mintCrl(mute).list];
    expect(verdict([mintDevice(mute, "x"), mute], { anchors, crls })).toBe("PKI_PATH_CRL_MISSING");
  });
  test("RFC 5280 §5.2: with an unknown critical extension", () => {
    expect(withCrl({ extensions: [rawExtension("1.2.3.4", true)] })).toEqual(both("PKI_PATH_CRL_MISSING"));
    expect(withCrl({ extensions: [rawExtension("1.2.3.4", false)] })).toEqual(both("valid"));
  });
  test("RFC 5280 §5.3: with an unknown critical extension on an entry", () => {
    const revoked = [mintDevice(ca, "other")];
    const entryExtensions = [rawExtension("1.2.3.4", true)];
    expect(withCrl({ revoked, entryExtensions })).toEqual(both("PKI_PATH_CRL_MISSING"));
    expect(withCrl({ revoked, entryExtensions: [makeExtension.reasonCode(1)] })).toEqual(both("valid"));
  });
  test("RFC 5280 §5.2.4: a delta CRL alone, also one that is not marked critical", () => {
    for (const critical of [true, false]) {
      const extensions = [rawExtension(Extension.deltaCRLIndicator, critical, Uint8Array.of(2, 1, 1))];
      expect(withCrl({ extensions })).toEqual(both("PKI_PATH_CRL_MISSING"));
    }
  });
  test("checking their signatures counts as work", () => {
    const crls = Array.from({ length: 30 }, () => mintCrl(ca, { corrupt: true }).list);
    expect(verdict(chain, { anchors, crls })).toBe("PKI_PATH_WORK_LIMIT");
  });
  test("a good one beside a bad one clears", () => {
    const crls = [mintCrl(ca, { corrupt: true }).list, mintCrl(ca).list, rootCrl];
    expect(verdict(chain, { anchors, crls, revocation: "require" })).toBe("valid");
  });
  test("that a CRL was good for one key says nothing of another key of that name", () => {
    const { list } = mintCrl(ca);
    expect(verdict(chain, { anchors, crls: [list] })).toBe("valid");
    const twin = mintCa(root);
    expect(verdict([mintDevice(twin, "x"), twin], { anchors, crls: [list] })).toBe("PKI_PATH_CRL_MISSING");
    expect(verdict(chain, { anchors, crls: [list] })).toBe("valid");
  });
});

const idp = (...fields: DerNode[]) =>
  rawExtension(Extension.issuingDistributionPoint, true, encode(sequence(...fields)));
const flag = (n: number) => implicit(n, boolean(true));
const point = (name: GeneralName) => explicit(0, implicit(0, sequence(generalName(name))));

describe("RFC 5280 §5.2.5, §6.3.3 (b): issuing distribution point", () => {
  const url: GeneralName = { type: "uniformResourceIdentifier", value: "http://crl.example/1" };

  test("onlyContainsUserCerts covers the leaf and not the CA", () => {
    const extensions = [idp(flag(1))];
    expect(withCrl({ extensions })).toEqual(both("valid"));
    const crls = [mintCrl(ca).list, mintCrl(root, { extensions }).list];
    expect(verdict(chain, { anchors, crls, revocation: "require" })).toBe("PKI_PATH_CRL_MISSING");
  });
  test("onlyContainsCACerts covers the CA and not the leaf", () => {
    const extensions = [idp(flag(2))];
    expect(withCrl({ extensions })).toEqual(["valid", "PKI_PATH_CRL_MISSING"]);
    const crls = [mintCrl(ca).list, mintCrl(root, { extensions }).list];
    expect(verdict(chain, { anchors, crls, revocation: "require" })).toBe("valid");
  });
  test("indirect CRLs and those of attribute certificates are not used", () => {
    for (const n of [4, 5]) {
      const [, required] = withCrl({ extensions: [idp(flag(n))], revoked: [mintDevice(ca, "other")] });
      expect(required).toBe("PKI_PATH_CRL_MISSING");
    }
  });
  test("onlySomeReasons revokes but does not clear", () => {
    const extensions = [idp(implicit(3, namedBitList([1])))];
    expect(withCrl({ extensions })).toEqual(both("PKI_PATH_CRL_MISSING"));
    expect(withCrl({ extensions, revoked: [device] })).toEqual(both("PKI_PATH_REVOKED"));
  });
  test("a named distribution point covers the certificates that name it too", () => {
    const extensions = [idp(point(url))];
    const [, required] = withCrl({ extensions });
    expect(required).toBe("PKI_PATH_CRL_MISSING");
    const points = encode(sequence(sequence(point(url))));
    const pointed = mintDevice(ca, "x", {
      extensions: [rawExtension(Extension.cRLDistributionPoints, true, points)],
    });
    const crls = [mintCrl(ca, { extensions }).list, rootCrl];
    expect(verdict([pointed, ca], { anchors, crls, revocation: "require" })).toBe("valid");
  });
  test("a distribution point of another CRL issuer is not this one", () => {
    const cRLIssuer = implicit(2, sequence(generalName({ type: "directoryName", value: root.name })));
    const points = encode(sequence(sequence(point(url), cRLIssuer)));
    const extensions = [rawExtension(Extension.cRLDistributionPoints, false, points)];
    const pointed = mintDevice(ca, "x", { extensions });
    const crls = [mintCrl(ca, { extensions: [idp(point(url))] }).list, rootCrl];
    expect(verdict([pointed, ca], { anchors, crls, revocation: "require" })).toBe("PKI_PATH_CRL_MISSING");
  });
  test("a certificate without distribution points has its issuer's name for one", () => {
    const extensions = [idp(point({ type: "directoryName", value: ca.name }))];
    expect(withCrl({ extensions })).toEqual(both("valid"));
  });
});

const ask = (crls: Parameters<typeof validatePath>[0]["crls"] = []) =>
  validatePath({
    chain: chain.map(({ certificate }) => certificate),
    anchors: [root.certificate],
    purpose: "clientAuth",
    now: NOW,
    crls,
  }).validUntil.getTime();

test("validUntil is the first end of a certificate or of a CRL that cleared one", () => {
  expect(ask()).toBe(daysFromNow(60).getTime() + 999);
  expect(ask([mintCrl(ca, { nextUpdate: daysFromNow(3) }).list])).toBe(daysFromNow(3).getTime() + 999);
});
