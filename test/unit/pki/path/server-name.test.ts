import { describe, expect, test } from "vitest";
import { type GeneralName, makeExtension } from "../../../../pki/index.ts";
import { mintRoot, mintServer } from "../../../support/chain-builder.ts";
import { failure, verdict } from "./verdict.ts";

const root = mintRoot();
const mismatch = "PKI_PATH_NAME_MISMATCH";

function judge(serverName: string, names: readonly string[], commonName = "x"): string {
  const leaf = mintServer(root, names, { subject: { CN: commonName } });
  return verdict([leaf], { anchors: [root], purpose: "serverAuth", serverName });
}
function judgeNames(serverName: string, names: readonly GeneralName[]): string {
  const leaf = mintServer(root, [], { extensions: [makeExtension.subjectAltName(names)] });
  return verdict([leaf], { anchors: [root], purpose: "serverAuth", serverName });
}

describe("RFC 9525 §6.3: DNS names", () => {
  test.each([
    ["gateway.example", ["gateway.example"], "valid"],
    ["GateWay.Example", ["gateway.EXAMPLE"], "valid"],
    ["gateway.example.", ["gateway.example"], "valid"],
    ["gateway.example", ["other.example", "gateway.example"], "valid"],
    ["localhost", ["localhost"], "valid"],
    ["my_host.internal", ["my_host.internal"], "valid"],
    ["xn--bcher-kva.example", ["xn--bcher-kva.example"], "valid"],
    ["gateway.example", ["other.example"], mismatch],
    ["gateway.example", ["gateway.example."], mismatch],
    ["gateway.example", ["gateway.example.evil.org"], mismatch],
    ["gateway.example", ["evilgateway.example"], mismatch],
    ["sub.gateway.example", ["gateway.example"], mismatch],
  ])("D-CERT-07: %s with %j is %s", (serverName, names, expected) => {
    expect(judge(serverName, names)).toBe(expected);
  });
  test("D-CERT-08: the common name is never looked at", () => {
    expect(judge("gateway.example", [], "gateway.example")).toBe(mismatch);
    expect(judge("gateway.example", ["other.example"], "gateway.example")).toBe(mismatch);
  });
  test("D-CERT-09: a URI, a mailbox or an address is no DNS name", () => {
    expect(
      judgeNames("gateway.example", [
        { type: "uniformResourceIdentifier", value: "https://gateway.example" },
      ]),
    ).toBe(mismatch);
    expect(judgeNames("gateway.example", [{ type: "rfc822Name", value: "gateway.example" }])).toBe(mismatch);
    expect(judgeNames("10.0.0.1", [{ type: "uniformResourceIdentifier", value: "https://10.0.0.1" }])).toBe(
      mismatch,
    );
  });
  test.each([
    "",
    ".",
    "a..b",
    "-a.example",
    "bücher.example",
    "gate way",
    "gateway.example\0.evil",
    "*.example",
    "*.example.com",
    "bü.example.com",
    " .example.com",
    ".example.com",
    "-.example.com",
    "1.2.3",
  ])("a reference that is no host name matches nothing: %j", (serverName) => {
    expect(judge(serverName, ["*.example", "a.example", "b", "*.example.com"])).toBe(mismatch);
  });
  test("a name longer than 253 characters is none (RFC 1034 §3.1)", () => {
    const name = (length: number) => `${"a.".repeat(125)}${"b".repeat(length - 250)}`;
    expect(judge(name(253), [name(253)])).toBe("valid");
    expect(judge(name(254), [name(254)])).toBe(mismatch);
  });
  test("the Kelvin sign is no k", () => {
    expect(judge("\u212Aiosk.example", ["kiosk.example"])).toBe(mismatch);
  });
});

describe("RFC 9525 §6.3: wildcards", () => {
  test.each([
    ["a.example.com", "*.example.com", "valid"],
    ["A.Example.com", "*.EXAMPLE.com", "valid"],
    ["xn--bcher-kva.example.com", "*.example.com", "valid"],
    ["a.b.example.com", "*.example.com", mismatch],
    ["example.com", "*.example.com", mismatch],
    ["a.b.example.com", "*.*.example.com", mismatch],
    ["a.b.example.com", "a.*.example.com", mismatch],
    ["localhost", "*", mismatch],
    ["localhost", "l*calhost", mismatch],
    ["gw1.example.com", "gw*.example.com", mismatch],
    ["gw1.example.com", "*1.example.com", mismatch],
    ["xn--abc.example.com", "xn--*.example.com", mismatch],
    ["example.com", "*.com", mismatch],
    ["host.local", "*.local", mismatch],
  ])("D-CERT-10: %s with %s is %s", (serverName, name, expected) => {
    expect(judgeNames(serverName, [{ type: "dNSName", value: name }])).toBe(expected);
  });
});

describe("RFC 9525 §6.4: IP addresses", () => {
  const v6 = Buffer.from("20010db8000000000000000000000001", "hex");
  test.each(["2001:db8::1", "2001:DB8:0:0:0:0:0:1", "2001:db8::0.0.0.1"])(
    "%s matches its sixteen octets",
    (literal) => {
      expect(judgeNames(literal, [{ type: "iPAddress", value: v6 }])).toBe("valid");
    },
  );
  test("the octets must be the same", () => {
    expect(judge("10.0.0.1", ["10.0.0.1"])).toBe("valid");
    expect(judge("10.0.0.1", ["10.0.0.2"])).toBe(mismatch);
    expect(judgeNames("2001:db8::2", [{ type: "iPAddress", value: v6 }])).toBe(mismatch);
    expect(judgeNames("2001:db8::1%eth0", [{ type: "iPAddress", value: v6 }])).toBe(mismatch);
  });
  test("a dNSName never stands for an address, wildcard or not", () => {
    expect(judgeNames("10.0.0.1", [{ type: "dNSName", value: "10.0.0.1" }])).toBe(mismatch);
    expect(judgeNames("10.0.0.1", [{ type: "dNSName", value: "*.0.0.1" }])).toBe(mismatch);
  });
  test("an iPAddress never stands for a name", () => {
    expect(judge("gateway.example", ["10.0.0.1"])).toBe(mismatch);
  });
});

test("the message says what the certificate is for", () => {
  const leaf = mintServer(root, ["a.example", "10.0.0.1"]);
  const error = failure([leaf], { anchors: [root], purpose: "serverAuth", serverName: "b.example" });
  expect(error?.message).toContain('"a.example", an IP address');
});
