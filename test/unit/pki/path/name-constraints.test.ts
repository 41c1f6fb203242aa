import { describe, expect, test } from "vitest";
import { type GeneralName, makeExtension, Name, type NameFields } from "../../../../pki/index.ts";
import { mintCa, mintDevice, mintRoot, mintServer } from "../../../support/chain-builder.ts";
import { verdict } from "./verdict.ts";

const root = mintRoot();
const anchors = [root];
const code = "PKI_PATH_NAME_CONSTRAINTS";

interface Subtrees {
  readonly permitted?: readonly GeneralName[];
  readonly excluded?: readonly GeneralName[];
}
const constraints = ({ permitted = [], excluded = [] }: Subtrees) =>
  makeExtension.nameConstraints({ permittedSubtrees: permitted, excludedSubtrees: excluded });

/** The verdict on a leaf with these names under a CA with these constraints. */
function judge(
  subtrees: Subtrees,
  names: readonly GeneralName[],
  subject: NameFields | Name = { CN: "leaf" },
): string {
  const ca = mintCa(root, { extensions: [constraints(subtrees)] });
  const leaf = mintDevice(ca, "x", { subject, extensions: [makeExtension.subjectAltName(names)] });
  return verdict([leaf, ca], { anchors });
}

const dns = (value: string): GeneralName => ({ type: "dNSName", value });
const uri = (value: string): GeneralName => ({ type: "uniformResourceIdentifier", value });
const mail = (value: string): GeneralName => ({ type: "rfc822Name", value });
const ip = (...octets: number[]): GeneralName => ({ type: "iPAddress", value: Uint8Array.from(octets) });
const dn = (fields: NameFields): GeneralName => ({ type: "directoryName", value: Name.of(fields) });
const ipv6 = (hex: string): GeneralName => ({ type: "iPAddress", value: Buffer.from(hex, "hex") });

describe("RFC 5280 §4.2.1.10: dNSName", () => {
  const permitted = [dns("example.com")];
  test.each([
    ["example.com", "valid"],
    ["a.example.com", "valid"],
    ["a.b.Example.COM", "valid"],
    ["*.example.com", "valid"],
    ["example.org", code],
    ["notexample.com", code],
    ["com", code],
    ["*.com", code],
    ["example.com.", code],
    ["example.com.evil.org", code],
    ["exa_mple.com", code],
  ])("permitted example.com: %s is %s", (name, expected) => {
    expect(judge({ permitted }, [dns(name)])).toBe(expected);
  });

  const excluded = [dns("bar.example.com")];
  test.each([
    ["foo.example.com", "valid"],
    ["barn.example.com", "valid"],
    ["bar.example.com", code],
    ["a.bar.example.com", code],
    ["BAR.example.com", code],
    ["*.bar.example.com", code],
    // D-CERT-17: a wildcard that could stand for the excluded name.
    ["*.example.com", code],
    ["*.org", "valid"],
    // A name that no rule covers is not let through.
    ["b*r.example.com", code],
    ["bar.example.com.", code],
    ["foo..example.org", code],
  ])("excluded bar.example.com: %s is %s", (name, expected) => {
    expect(judge({ excluded }, [dns(name)])).toBe(expected);
  });

  test("a wildcard does not reach an excluded name two labels below", () => {
    expect(judge({ excluded: [dns("a.bar.example.com")] }, [dns("*.example.com")])).toBe("valid");
  });
  test("a leading dot means one label or more; excluded, it takes the name itself along", () => {
    expect(judge({ permitted: [dns(".example.com")] }, [dns("a.example.com")])).toBe("valid");
    expect(judge({ permitted: [dns(".example.com")] }, [dns("example.com")])).toBe(code);
    expect(judge({ excluded: [dns(".example.com")] }, [dns("example.com")])).toBe(code);
  });
  test("the empty base is every name", () => {
    expect(judge({ excluded: [dns("")] }, [dns("a.example")])).toBe(code);
    expect(judge({ permitted: [dns("")] }, [dns("a.example")])).toBe("valid");
    expect(judge({ excluded: [dns("")] }, [ip(10, 0, 0, 1)])).toBe("valid");
  });
  test("every name must be permitted, and excluded wins over permitted", () => {
    expect(judge({ permitted }, [dns("a.example.com"), dns("evil.org")])).toBe(code);
    expect(judge({ permitted, excluded }, [dns("bar.example.com")])).toBe(code);
  });
});

describe("RFC 5280 §4.2.1.10: iPAddress", () => {
  const net = ip(10, 1, 0, 0, 255, 255, 0, 0);
  test("an address must be in the permitted network", () => {
    expect(judge({ permitted: [net] }, [ip(10, 1, 2, 3)])).toBe("valid");
    expect(judge({ permitted: [net] }, [ip(10, 2, 2, 3)])).toBe(code);
  });
  test("and not in the excluded one", () => {
    expect(judge({ excluded: [net] }, [ip(10, 1, 2, 3)])).toBe(code);
    expect(judge({ excluded: [net] }, [ip(10, 2, 2, 3)])).toBe("valid");
  });
  test("IPv6 and IPv4 are one type of name: permitting one does not permit the other", () => {
    const v6 = ipv6(`20010db8${"00".repeat(12)}ffffffff${"00".repeat(12)}`);
    const address = ipv6(`20010db8${"00".repeat(11)}01`);
    expect(judge({ permitted: [v6] }, [address])).toBe("valid");
    expect(judge({ permitted: [net] }, [address])).toBe(code);
    expect(judge({ excluded: [v6] }, [address])).toBe(code);
    const sameStart = ipv6(`0a010203${"00".repeat(12)}`);
    expect(judge({ permitted: [net] }, [sameStart])).toBe(code);
    expect(judge({ excluded: [net] }, [sameStart])).toBe("valid");
  });
  test("a mask with holes fits nothing and excludes everything", () => {
    const holes = ip(10, 0, 0, 0, 255, 0, 255, 0);
    expect(judge({ permitted: [holes] }, [ip(10, 1, 0, 1)])).toBe(code);
    expect(judge({ excluded: [holes] }, [ip(192, 168, 1, 1)])).toBe(code);
  });
});

describe("RFC 5280 §4.2.1.10: uniformResourceIdentifier", () => {
  const device = uri("spiffe://sallyport.internal/device/x");
  test("a host without a dot in front is that host alone", () => {
    expect(judge({ permitted: [uri("sallyport.internal")] }, [device])).toBe("valid");
    expect(judge({ permitted: [uri("sallyport.internal")] }, [uri("https://a.sallyport.internal/")])).toBe(
      code,
    );
    expect(judge({ permitted: [uri("other.internal")] }, [device])).toBe(code);
    expect(judge({ excluded: [uri("SALLYPORT.internal")] }, [device])).toBe(code);
  });
  test("with a dot it is the hosts below, and not the host", () => {
    expect(judge({ permitted: [uri(".internal")] }, [device])).toBe("valid");
    expect(judge({ permitted: [uri(".sallyport.internal")] }, [device])).toBe(code);
    expect(judge({ excluded: [uri(".internal")] }, [device])).toBe(code);
  });
  test.each([
    "urn:dev:ow:1",
    "https://10.0.0.1/",
    "https://[2001:db8::1]/",
    "https:///path",
    "https://good.internal\\@evil.org/",
    "//good.internal/",
  ])("a URI without a domain name as host is refused: %s", (value) => {
    expect(judge({ permitted: [uri(".internal")] }, [uri(value)])).toBe(code);
    expect(judge({ excluded: [uri("evil.org")] }, [uri(value)])).toBe(code);
  });
  test("user information and port are not the host", () => {
    expect(judge({ permitted: [uri("good.internal")] }, [uri("https://good.internal@evil.org/")])).toBe(code);
    expect(judge({ permitted: [uri("good.internal")] }, [uri("https://me@good.internal:8443/x")])).toBe(
      "valid",
    );
  });
});

describe("RFC 5280 §4.2.1.10: rfc822Name", () => {
  test.each([
    ["a@example.com", "a@example.com", "valid"],
    ["b@example.com", "a@example.com", code],
    ["b@example.com", "example.com", "valid"],
    ["b@sub.example.com", "example.com", code],
    ["b@sub.example.com", ".example.com", "valid"],
    ["b@example.com", ".example.com", code],
    ["b@EXAMPLE.com", "example.com", "valid"],
    ['"a@example.com"@evil.org', "example.com", code],
    ['"a@evil.org"@example.com', "example.com", code],
    ["no-at-sign", "example.com", code],
    ["example.com", "example.com", code],
    ["@example.com", "example.com", code],
  ])("%s under permitted %s is %s", (name, base, expected) => {
    expect(judge({ permitted: [mail(base)] }, [mail(name)])).toBe(expected);
  });
  test("an excluded mailbox is excluded in any case of letters", () => {
    expect(judge({ excluded: [mail("Admin@example.com")] }, [mail("admin@example.com")])).toBe(code);
    expect(judge({ excluded: [mail("admin@example.com")] }, [mail("other@example.com")])).toBe("valid");
  });
  test("an emailAddress in the subject is such a name", () => {
    const subject = { CN: "x", emailAddress: "x@evil.org" };
    expect(judge({ permitted: [mail("example.com")] }, [dns("a.example")], subject)).toBe(code);
    expect(judge({ excluded: [mail("evil.org")] }, [dns("a.example")], subject)).toBe(code);
  });
});

describe("RFC 5280 §4.2.1.10: directoryName", () => {
  const acme = dn({ C: "CH", O: "Acme" });
  test("the subject must start with the permitted RDNs", () => {
    expect(judge({ permitted: [acme] }, [dns("x.example")], { C: "CH", O: "ACME", CN: "x" })).toBe("valid");
    expect(judge({ permitted: [acme] }, [dns("x.example")], { O: "Acme", C: "CH", CN: "x" })).toBe(code);
    expect(judge({ permitted: [acme] }, [dns("x.example")], { CN: "x" })).toBe(code);
  });
  test("and not with the excluded ones", () => {
    expect(judge({ excluded: [acme] }, [dns("x.example")], { C: "CH", O: "acme", CN: "x" })).toBe(code);
    expect(judge({ excluded: [acme] }, [dns("x.example")], { C: "DE", O: "acme", CN: "x" })).toBe("valid");
  });
  test("a directoryName in subjectAltName counts as well", () => {
    expect(judge({ excluded: [acme] }, [dn({ C: "CH", O: "Acme" })])).toBe(code);
  });
});

describe("RFC 5280 §4.2.1.10: fail closed", () => {
  const other: GeneralName = { type: "otherName", typeId: "1.2.3.4", value: Uint8Array.of(5, 0) };
  const registered: GeneralName = { type: "registeredID", value: "1.2.3" };
  test.each([
    ["otherName", other],
    ["registeredID", registered],
  ])("a constraint on %s, which is not processed, refuses every such name", (_, name) => {
    expect(judge({ permitted: [name] }, [name])).toBe(code);
    expect(judge({ excluded: [name] }, [name])).toBe(code);
    expect(judge({ excluded: [name] }, [dns("a.example")])).toBe("valid");
  });
});

const under = (extensions: Parameters<typeof constraints>[0], sub: Parameters<typeof mintCa>[1] = {}) => {
  const top = mintCa(root, { subject: { CN: "Top" }, extensions: [constraints(extensions)] });
  return { top, middle: mintCa(top, { subject: { CN: "Middle" }, ...sub }) };
};

describe("RFC 5280 §6.1.3, §6.1.4: constraints along the path", () => {
  test("they bind leaves far below", () => {
    const { top, middle } = under({ permitted: [dns("example.com")] });
    const good = mintServer(middle, ["a.example.com"]);
    const bad = mintServer(middle, ["a.example.org"]);
    expect(verdict([good, middle, top], { anchors, purpose: "serverAuth" })).toBe("valid");
    expect(verdict([bad, middle, top], { anchors, purpose: "serverAuth" })).toBe(code);
  });
  test("§6.1.4 (g): permitted subtrees intersect, they do not add up", () => {
    const { top, middle } = under(
      { permitted: [dns("example.com")] },
      { extensions: [constraints({ permitted: [dns("example.org")] })] },
    );
    for (const name of ["a.example.com", "a.example.org"]) {
      const leaf = mintServer(middle, [name]);
      expect(verdict([leaf, middle, top], { anchors, purpose: "serverAuth" })).toBe(code);
    }
  });
  test("§6.1.3 (b), (c): intermediates are bound too, unless they are self-issued", () => {
    const subtrees = { permitted: [dn({ O: "Acme" })] };
    const { top, middle } = under(subtrees, { subject: { O: "Evil" } });
    const subject = { O: "Acme", CN: "x" };
    expect(verdict([mintDevice(middle, "x", { subject }), middle, top], { anchors })).toBe(code);
    const rolled = under(subtrees, { subject: { CN: "Top" } });
    expect(
      verdict([mintDevice(rolled.middle, "x", { subject }), rolled.middle, rolled.top], { anchors }),
    ).toBe("valid");
  });
  test("those of the anchor's certificate hold (RFC 5937)", () => {
    const tight = mintRoot({ extensions: [constraints({ permitted: [dns("example.com")] })] });
    expect(verdict([mintServer(tight, ["evil.org"])], { anchors: [tight], purpose: "serverAuth" })).toBe(
      code,
    );
  });
  test("D-CERT-16: a constrained CA does not escape through a CA of its own", () => {
    const { top, middle } = under(
      { excluded: [dns("bank.example")] },
      { extensions: [constraints({ permitted: [dns("bank.example")] })] },
    );
    const leaf = mintServer(middle, ["bank.example"]);
    expect(verdict([leaf, middle, top], { anchors, purpose: "serverAuth" })).toBe(code);
  });
});
