import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  DEFAULT_TRUST_DOMAIN,
  type GeneralName,
  identityUri,
  isValidIdentityName,
  makeExtension,
  parseCertificate,
  readIdentity,
} from "../../../pki/index.ts";
import { extensionsField, forgeCertificate } from "../../support/forge-certificate.ts";
import { pkiErrorCode } from "../../support/pki-error-code.ts";

const uri = (value: string): GeneralName => ({ type: "uniformResourceIdentifier", value });
const withNames = (...names: readonly GeneralName[]): ReturnType<typeof parseCertificate> =>
  parseCertificate(forgeCertificate({ rest: [extensionsField(makeExtension.subjectAltName(names))] }));

describe("ids", () => {
  it.each(["a", "Pump-7", "00-11-22-33-44-55-66-77", "a.b_c-d", "x".repeat(64), "7"])("takes %s", (id) => {
    expect(isValidIdentityName(id)).toBe(true);
  });

  it.each([
    ["nothing", ""],
    ["65 characters", "x".repeat(65)],
    ["a topic separator", "a/b"],
    ["a single-level wildcard", "a+"],
    ["a multi-level wildcard", "#"],
    ["a NUL", "a\0b"],
    ["a NUL at the end", "a\0"],
    ["a line feed at the end", "a\n"],
    ["a space", "a b"],
    ["a percent sign", "a%2Fb"],
    ["a dollar sign", "$SYS"],
    ["the parent directory", ".."],
    ["a leading dash, which programs take for an option", "-rf"],
    ["a Cyrillic а", "pump-\u0430"],
    ["a full-width letter", "\uff41"],
    ["a letter with a combining mark", "e\u0301"],
    ["a zero-width joiner", "a\u200db"],
    ["the Kelvin sign", "\u212a"],
    ["a dotless ı", "\u0131d"],
    ["__proto__", "__proto__"],
    ["constructor", "constructor"],
    ["prototype", "prototype"],
    ["toString", "toString"],
    ["valueOf", "valueOf"],
    ["hasOwnProperty", "hasOwnProperty"],
  ])("refuses %s", (_, id) => {
    expect(isValidIdentityName(id)).toBe(false);
    expect(pkiErrorCode(() => identityUri("device", DEFAULT_TRUST_DOMAIN, id))).toBe("PKI_IDENTITY_NAME");
  });

  it("no accepted id is the name of something that every object has", () => {
    for (const name of Object.getOwnPropertyNames(Object.prototype))
      expect(isValidIdentityName(name)).toBe(false);
  });

  it.each(["", "Example.com", "a/b", "ex ample", "-a", "a.", "b\u00fc"])(
    "refuses the trust domain %j",
    (domain) => {
      expect(pkiErrorCode(() => identityUri("device", domain, "a"))).toBe("PKI_IDENTITY_NAME");
    },
  );
});

describe("readIdentity", () => {
  it("reads back what identityUri writes", () => {
    const ids = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/).filter(isValidIdentityName);
    fc.assert(
      fc.property(fc.constantFrom("device" as const, "operator" as const), ids, (kind, id) => {
        const certificate = withNames(uri(identityUri(kind, "a.example", id)));
        expect(readIdentity(certificate)).toEqual({ kind, trustDomain: "a.example", id });
      }),
    );
  });

  it("the common name is not looked at", () => {
    const certificate = withNames(uri("spiffe://a.example/device/real"));
    expect(certificate.subject.toString()).toBe("CN=forged");
    expect(readIdentity(certificate).id).toBe("real");
    expect(pkiErrorCode(() => readIdentity(parseCertificate(forgeCertificate())))).toBe(
      "PKI_IDENTITY_MISSING",
    );
  });

  it("keeps upper and lower case apart", () => {
    expect(readIdentity(withNames(uri("spiffe://a.example/device/Pump"))).id).toBe("Pump");
    expect(readIdentity(withNames(uri("spiffe://a.example/device/pump"))).id).toBe("pump");
  });

  it("refuses two names, even when both are the same or one is of another type", () => {
    const good = uri("spiffe://a.example/device/a");
    expect(pkiErrorCode(() => readIdentity(withNames(good, uri("spiffe://a.example/device/b"))))).toBe(
      "PKI_IDENTITY_AMBIGUOUS",
    );
    expect(pkiErrorCode(() => readIdentity(withNames(good, good)))).toBe("PKI_IDENTITY_AMBIGUOUS");
    expect(pkiErrorCode(() => readIdentity(withNames(good, { type: "dNSName", value: "a" })))).toBe(
      "PKI_IDENTITY_AMBIGUOUS",
    );
  });

  it.each<GeneralName>([
    { type: "dNSName", value: "device-1" },
    { type: "rfc822Name", value: "device-1@a.example" },
    { type: "iPAddress", value: Uint8Array.of(127, 0, 0, 1) },
  ])("refuses a $type in place of the URI", (name) => {
    expect(pkiErrorCode(() => readIdentity(withNames(name)))).toBe("PKI_IDENTITY_MISSING");
  });

  it.each([
    ["an upper-case scheme", "SPIFFE://a.example/device/x"],
    ["an upper-case trust domain", "spiffe://A.example/device/x"],
    ["an upper-case kind", "spiffe://a.example/Device/x"],
    ["another kind", "spiffe://a.example/gateway/x"],
    ["another scheme", "https://a.example/device/x"],
    ["no trust domain", "spiffe:///device/x"],
    ["a port", "spiffe://a.example:1/device/x"],
    ["user information", "spiffe://u@a.example/device/x"],
    ["percent-encoding of a letter", "spiffe://a.example/device/%78"],
    ["percent-encoding of a separator", "spiffe://a.example/device/x%2fy"],
    ["a percent-encoded NUL", "spiffe://a.example/device/x%00"],
    ["one segment more", "spiffe://a.example/device/x/y"],
    ["a separator at the end", "spiffe://a.example/device/x/"],
    ["a dot segment", "spiffe://a.example/device/../operator/x"],
    ["a query", "spiffe://a.example/device/x?y"],
    ["a fragment", "spiffe://a.example/device/x#y"],
    ["a wildcard", "spiffe://a.example/device/+"],
    ["no id", "spiffe://a.example/device/"],
    ["an inherited name", "spiffe://a.example/device/constructor"],
    ["an id of 65 characters", `spiffe://a.example/device/${"x".repeat(65)}`],
  ])("refuses %s", (_, value) => {
    expect(pkiErrorCode(() => readIdentity(withNames(uri(value))))).toBe("PKI_IDENTITY_MALFORMED");
  });

  it("a NUL or a non-ASCII letter does not even parse", () => {
    expect(pkiErrorCode(() => parseCertificate(rawUri("spiffe://a/device/x\0y")))).toBe("PKI_DER_VALUE");
    expect(pkiErrorCode(() => parseCertificate(rawUri("spiffe://a/device/\u0430")))).toBe("PKI_DER_VALUE");
    expect(pkiErrorCode(() => parseCertificate(rawUri("spiffe://a/device/x\n")))).toBe("PKI_DER_VALUE");
  });
});

function rawUri(value: string): Uint8Array {
  const content = Buffer.from(value, "utf8");
  const names = Buffer.concat([Uint8Array.of(0x30, content.length + 2, 0x86, content.length), content]);
  return forgeCertificate({
    rest: [extensionsField({ oid: "2.5.29.17", critical: false, value: names })],
  });
}
