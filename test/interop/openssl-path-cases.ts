import { boolean, encode, implicit, integer, objectIdentifier, sequence } from "../../pki/der/writer.ts";
import {
  ExtendedKeyUsage,
  Extension,
  type GeneralName,
  makeExtension,
  Name,
  type NameFields,
} from "../../pki/index.ts";
import {
  type CaOptions,
  type CrlOptions,
  daysFromNow,
  type Minted,
  type MintOptions,
  mintCa,
  mintCrl,
  mintDevice,
  mintRoot,
  mintServer,
  NOW,
  rawExtension,
} from "../support/chain-builder.ts";
import type { SignatureName } from "../support/odd-algorithms.ts";
import { opensslVersion, type PathCase } from "../support/openssl-verify.ts";

/*
 * The chains of openssl-path.test.ts: what both validators must agree on, and what they see differently and why.
 */

export const version = opensslVersion();
export const agreed = new Map<string, PathCase & { expected: string }>();
export const different = new Map<
  string,
  PathCase & { ours: string; openssl: "valid" | "refused"; reason: string }
>();
const root = mintRoot();
const ca = mintCa(root, { pathLenConstraint: 0 });

const agree = (name: string, expected: string, question: PathCase) =>
  agreed.set(name, { expected, ...question });

// --- every algorithm, every fault ---

interface Hierarchy {
  readonly key: NonNullable<MintOptions["key"]>;
  readonly signature?: SignatureName;
}
const algorithms: Record<string, Hierarchy> = {
  "P-256": { key: "p256" },
  "P-384": { key: "p384" },
  "P-521": { key: "p521" },
  Ed25519: { key: "ed25519" },
  "RSA-2048": { key: "rsa:2048" },
  "RSA-2048 with SHA-384": { key: "rsa:2048", signature: "rsa-sha384" },
  "RSA-2048 with PSS": { key: "rsa:2048", signature: "rsa-pss-sha256" },
};
// ML-DSA came with OpenSSL 3.5.
if (version !== undefined && (version[0] > 3 || (version[0] === 3 && version[1] >= 5))) {
  algorithms["ML-DSA-44"] = { key: "ml-dsa-44" };
  algorithms["ML-DSA-65"] = { key: "ml-dsa-65" };
}

for (const [label, style] of Object.entries(algorithms)) {
  const top = mintRoot(style);
  const issuing = mintCa(top, { ...style, pathLenConstraint: 0 });
  const anchors = [top];
  const leaf = (options: MintOptions = {}) => mintDevice(issuing, "pump-1", { ...style, ...options });
  const under = (options: CaOptions): readonly [Minted, Minted] => {
    const issuer = mintCa(top, { ...style, ...options });
    return [mintDevice(issuer, "pump-1", style), issuer];
  };
  const crls = (leafCrl: CrlOptions = {}, caCrl: CrlOptions = {}) => {
    const signature = style.signature === undefined ? {} : { signature: style.signature };
    return [mintCrl(issuing, { ...signature, ...leafCrl }).pem, mintCrl(top, { ...signature, ...caCrl }).pem];
  };
  const faults: Record<string, [expected: string, PathCase]> = {
    "good chain": ["valid", { chain: [leaf(), issuing], anchors }],
    "expired leaf": ["PKI_PATH_EXPIRED", { chain: [leaf({ notAfter: daysFromNow(-1) }), issuing], anchors }],
    "future leaf": [
      "PKI_PATH_NOT_YET_VALID",
      { chain: [leaf({ notBefore: daysFromNow(1) }), issuing], anchors },
    ],
    "expired CA": ["PKI_PATH_EXPIRED", { chain: under({ notAfter: daysFromNow(-1) }), anchors }],
    "altered leaf": ["PKI_PATH_BAD_SIGNATURE", { chain: [leaf({ corrupt: true }), issuing], anchors }],
    "altered CA": ["PKI_PATH_BAD_SIGNATURE", { chain: under({ corrupt: true }), anchors }],
    "rogue root of the same name": [
      "PKI_PATH_BAD_SIGNATURE",
      { chain: [leaf(), issuing], anchors: [mintRoot({ without: ["subjectKeyIdentifier"] })] },
    ],
    "unknown issuer": ["PKI_PATH_UNKNOWN_ISSUER", { chain: [leaf()], anchors }],
    "CA without cA": ["PKI_PATH_NOT_A_CA", { chain: under({ without: ["basicConstraints"] }), anchors }],
    "path too long": (() => {
      const sub = mintCa(issuing, { ...style, subject: { CN: "Sub" } });
      return ["PKI_PATH_LENGTH", { chain: [mintDevice(sub, "x", style), sub, issuing], anchors }];
    })(),
    "good CRLs": ["valid", { chain: [leaf(), issuing], anchors, crls: crls() }],
    "altered CRL": [
      "PKI_PATH_CRL_MISSING",
      { chain: [leaf(), issuing], anchors, crls: crls({ corrupt: true }) },
    ],
    "revoked leaf": (() => {
      const revoked = leaf();
      return ["PKI_PATH_REVOKED", { chain: [revoked, issuing], anchors, crls: crls({ revoked: [revoked] }) }];
    })(),
  };
  for (const [fault, [expected, question]] of Object.entries(faults))
    agree(`${label}: ${fault}`, expected, question);
}

// --- the certificates of a path ---

const anchors = [root];
const leaf = (options: MintOptions = {}) => mintDevice(ca, "pump-1", options);
function below(options: CaOptions, leafOptions: MintOptions = {}): PathCase {
  const issuer = mintCa(root, options);
  return { chain: [mintDevice(issuer, "pump-1", leafOptions), issuer], anchors };
}
const one = (options: MintOptions): PathCase => ({ chain: [leaf(options), ca], anchors });
const crossed = mintRoot({ subject: { CN: "New Root" } });
const cross = mintCa(root, { subject: { CN: "New Root" }, key: crossed.key });
const underCrossed = mintCa(crossed, { subject: { CN: "Under New Root" } });
const rolled = mintCa(ca, { subject: ca.name });

agree("an intermediate as anchor", "valid", { chain: [leaf()], anchors: [ca] });
agree("reversed order", "valid", {
  chain: [mintDevice(underCrossed, "x"), cross, underCrossed],
  anchors,
});
agree("cross-signed root, new root trusted", "valid", {
  chain: [mintDevice(underCrossed, "x"), underCrossed, cross],
  anchors: [crossed],
});
agree("two CAs of one name", "valid", { chain: [leaf(), mintCa(root), ca], anchors });
agree("self-issued CA does not count in the path length", "valid", {
  chain: [mintDevice(rolled, "x"), rolled, ca],
  anchors,
});
agree("the last second", "valid", {
  ...one({ notAfter: daysFromNow(1) }),
  now: new Date(daysFromNow(1).getTime() - 1000),
});
agree("the first second", "valid", { ...one({ notBefore: NOW }) });
agree("future CA", "PKI_PATH_NOT_YET_VALID", below({ notBefore: daysFromNow(1) }));
agree("self-signed leaf", "PKI_PATH_SELF_SIGNED", { chain: [mintDevice(undefined, "x")], anchors });
agree("sent root is no anchor", "PKI_PATH_UNKNOWN_ISSUER", {
  chain: [mintDevice(crossed, "x"), crossed],
  anchors,
});
const device = leaf();
agree("leaf that issues", "PKI_PATH_NOT_A_CA", { chain: [mintDevice(device, "y"), device, ca], anchors });
agree("version 1 CA", "PKI_PATH_NOT_A_CA", below({ version: 1 }));
agree(
  "cA FALSE",
  "PKI_PATH_NOT_A_CA",
  below({ extensions: [makeExtension.basicConstraints({ ca: false })] }),
);
agree(
  "CA without keyCertSign",
  "PKI_PATH_KEY_USAGE",
  below({ extensions: [makeExtension.keyUsage("cRLSign")] }),
);
agree("CA without keyUsage", "PKI_PATH_KEY_USAGE", below({ without: ["keyUsage"] }));
agree("server certificate as client", "PKI_PATH_EXTENDED_KEY_USAGE", {
  chain: [mintServer(ca), ca],
  anchors,
});
agree("client certificate as server", "PKI_PATH_EXTENDED_KEY_USAGE", {
  chain: [leaf(), ca],
  anchors,
  purpose: "serverAuth",
});
agree(
  "CA for servers only",
  "PKI_PATH_EXTENDED_KEY_USAGE",
  below({
    extensions: [makeExtension.extendedKeyUsage(ExtendedKeyUsage.serverAuth)],
  }),
);
agree(
  "CA for clients",
  "valid",
  below({ extensions: [makeExtension.extendedKeyUsage(ExtendedKeyUsage.clientAuth)] }),
);
agree(
  "both purposes",
  "valid",
  one({
    extensions: [makeExtension.extendedKeyUsage(ExtendedKeyUsage.serverAuth, ExtendedKeyUsage.clientAuth)],
  }),
);
agree(
  "unknown critical extension in the leaf",
  "PKI_PATH_UNKNOWN_CRITICAL_EXTENSION",
  one({
    extensions: [rawExtension("1.2.3.4", true)],
  }),
);
agree(
  "unknown critical extension in the CA",
  "PKI_PATH_UNKNOWN_CRITICAL_EXTENSION",
  below({
    extensions: [rawExtension("1.2.3.4", true)],
  }),
);
agree("unknown extension", "valid", one({ extensions: [rawExtension("1.2.3.4", false)] }));
const policies = (...oids: string[]) =>
  rawExtension("2.5.29.32", false, encode(sequence(...oids.map((oid) => sequence(objectIdentifier(oid))))));
const explicitPolicy = rawExtension("2.5.29.36", true, encode(sequence(implicit(0, integer(0)))));
agree(
  "required policy is there",
  "valid",
  below({ extensions: [explicitPolicy, policies("1.2.3")] }, { extensions: [policies("1.2.3")] }),
);
agree(
  "required policy is missing",
  "PKI_PATH_UNKNOWN_CRITICAL_EXTENSION",
  below({ extensions: [explicitPolicy, policies("1.2.3")] }),
);

// --- weak algorithms ---

for (const key of ["rsa:1024", "p192"] as const) {
  agree(`${key} leaf`, "PKI_PATH_WEAK_ALGORITHM", one({ key }));
  agree(`${key} CA`, "PKI_PATH_WEAK_ALGORITHM", below({ key }));
}
const rsaCa = mintCa(root, { subject: { CN: "RSA CA" }, key: "rsa:2048" });
for (const signature of ["rsa-md5", "rsa-sha1", "rsa-pss-sha1"] as const) {
  agree(`${signature} leaf`, "PKI_PATH_WEAK_ALGORITHM", {
    chain: [mintDevice(rsaCa, "x", { signature }), rsaCa],
    anchors,
  });
}
agree("ecdsa-sha1 leaf", "PKI_PATH_WEAK_ALGORITHM", one({ signature: "ecdsa-sha1" }));
agree("unknown signature algorithm", "PKI_PATH_WEAK_ALGORITHM", one({ signature: "unknown" }));

// --- name constraints ---

const dns = (value: string): GeneralName => ({ type: "dNSName", value });
const uri = (value: string): GeneralName => ({ type: "uniformResourceIdentifier", value });
const mail = (value: string): GeneralName => ({ type: "rfc822Name", value });
const ip = (...octets: number[]): GeneralName => ({ type: "iPAddress", value: Uint8Array.from(octets) });
const dn = (fields: NameFields): GeneralName => ({ type: "directoryName", value: Name.of(fields) });

function constrained(
  subtrees: { permitted?: GeneralName[]; excluded?: GeneralName[] },
  names: GeneralName[],
  subject: NameFields = { O: "x" },
): PathCase {
  const { permitted: permittedSubtrees = [], excluded: excludedSubtrees = [] } = subtrees;
  const issuer = mintCa(root, {
    extensions: [makeExtension.nameConstraints({ permittedSubtrees, excludedSubtrees })],
  });
  const san = makeExtension.subjectAltName(names);
  return { chain: [mintDevice(issuer, "x", { subject, extensions: [san] }), issuer], anchors };
}
const outside = "PKI_PATH_NAME_CONSTRAINTS";
const net = ip(10, 1, 0, 0, 255, 255, 0, 0);
const example = [dns("example.com")];
agree("DNS permitted", "valid", constrained({ permitted: example }, [dns("a.example.com")]));
agree("DNS permitted, the base itself", "valid", constrained({ permitted: example }, [dns("example.com")]));
agree("DNS permitted, wildcard", "valid", constrained({ permitted: example }, [dns("*.example.com")]));
agree("DNS not permitted", outside, constrained({ permitted: example }, [dns("a.example.org")]));
agree(
  "DNS not permitted, suffix without a dot",
  outside,
  constrained({ permitted: example }, [dns("notexample.com")]),
);
agree(
  "DNS not permitted, second name",
  outside,
  constrained({ permitted: example }, [dns("a.example.com"), dns("b.org")]),
);
agree("DNS excluded", outside, constrained({ excluded: example }, [dns("a.example.com")]));
agree("DNS not excluded", "valid", constrained({ excluded: example }, [dns("a.example.org")]));
agree(
  "DNS excluded inside permitted",
  outside,
  constrained({ permitted: example, excluded: [dns("b.example.com")] }, [dns("b.example.com")]),
);
agree("IP permitted", "valid", constrained({ permitted: [net] }, [ip(10, 1, 2, 3)]));
agree("IP not permitted", outside, constrained({ permitted: [net] }, [ip(10, 2, 2, 3)]));
agree("IP excluded", outside, constrained({ excluded: [net] }, [ip(10, 1, 2, 3)]));
agree(
  "URI permitted",
  "valid",
  constrained({ permitted: [uri(".example.com")] }, [uri("coap://a.example.com/x")]),
);
agree(
  "URI not permitted",
  outside,
  constrained({ permitted: [uri("example.com")] }, [uri("coap://a.example.com/x")]),
);
agree("URI without host", outside, constrained({ permitted: [uri("example.com")] }, [uri("urn:dev:ow:1")]));
agree(
  "URI excluded",
  outside,
  constrained({ excluded: [uri("example.com")] }, [uri("coap://example.com/x")]),
);
agree("mail permitted", "valid", constrained({ permitted: [mail("example.com")] }, [mail("a@example.com")]));
agree(
  "mail not permitted",
  outside,
  constrained({ permitted: [mail("example.com")] }, [mail("a@b.example.com")]),
);
agree("mail excluded", outside, constrained({ excluded: [mail("a@example.com")] }, [mail("a@example.com")]));
agree(
  "emailAddress in the subject",
  outside,
  constrained({ permitted: [mail("example.com")] }, [dns("a.example")], { emailAddress: "a@evil.org" }),
);
agree(
  "directory permitted",
  "valid",
  constrained({ permitted: [dn({ O: "Acme" })] }, [dns("a.example")], { O: "ACME", CN: "x" }),
);
agree(
  "directory not permitted",
  outside,
  constrained({ permitted: [dn({ O: "Acme" })] }, [dns("a.example")], { O: "Other" }),
);
agree(
  "directory excluded",
  outside,
  constrained({ excluded: [dn({ O: "Acme" })] }, [dns("a.example")], { O: "Acme", CN: "x" }),
);

// --- server names ---

const server = (names: readonly string[], serverName: string, commonName = "x"): PathCase => ({
  chain: [mintServer(ca, names, { subject: { CN: commonName } }), ca],
  anchors,
  purpose: "serverAuth",
  serverName,
});
const mismatch = "PKI_PATH_NAME_MISMATCH";
agree("name", "valid", server(["gateway.example"], "gateway.example"));
agree("name, other case", "valid", server(["Gateway.example"], "gateway.EXAMPLE"));
agree("second name", "valid", server(["a.example", "b.example"], "b.example"));
agree("other name", mismatch, server(["a.example"], "b.example"));
agree("wildcard", "valid", server(["*.example.com"], "a.example.com"));
agree("wildcard over two labels", mismatch, server(["*.example.com"], "a.b.example.com"));
agree("wildcard over a top-level domain", mismatch, server(["*.com"], "example.com"));
agree("wildcard not on the left", mismatch, server(["a.*.example.com"], "a.b.example.com"));
agree("common name beside a dNSName", mismatch, server(["a.example"], "b.example", "b.example"));
agree("address", "valid", server(["10.0.0.1"], "10.0.0.1"));
agree("other address", mismatch, server(["10.0.0.1"], "10.0.0.2"));
agree("name for an address", mismatch, server(["a.example"], "10.0.0.1"));

// --- revocation lists ---

const revoked = leaf();
const withCrls = (leafCrl: CrlOptions, caCrl: CrlOptions = {}): PathCase => ({
  chain: [revoked, ca],
  anchors,
  crls: [mintCrl(ca, leafCrl).pem, mintCrl(root, caCrl).pem],
});
const scope = (n: number) =>
  rawExtension(Extension.issuingDistributionPoint, true, encode(sequence(implicit(n, boolean(true)))));
const missing = "PKI_PATH_CRL_MISSING";
agree("CRL of another's revocation", "valid", withCrls({ revoked: [leaf()] }));
agree("revoked CA", "PKI_PATH_REVOKED", withCrls({}, { revoked: [ca] }));
agree("stale CRL", "PKI_PATH_CRL_EXPIRED", withCrls({ nextUpdate: daysFromNow(-0.5) }));
agree("CRL of tomorrow", missing, withCrls({ thisUpdate: daysFromNow(1) }));
agree("CRL by another key", missing, withCrls({ signWith: crossed.key }));
agree(
  "CRL with an unknown critical extension",
  missing,
  withCrls({ extensions: [rawExtension("1.2.3.4", true)] }),
);
agree(
  "CRL with an unknown critical entry extension",
  missing,
  withCrls({
    revoked: [leaf()],
    entryExtensions: [rawExtension("1.2.3.4", true)],
  }),
);
agree("CRL for users only", "valid", withCrls({ extensions: [scope(1)] }));
agree("CRL for CAs only, asked about a leaf", missing, withCrls({ extensions: [scope(2)] }));
agree("CRL for attribute certificates", missing, withCrls({ extensions: [scope(5)] }));
agree("no CRL of the root", missing, { chain: [revoked, ca], anchors, crls: [mintCrl(ca).pem] });
const mute = mintCa(root, { extensions: [makeExtension.keyUsage("keyCertSign")] });
agree("CRL by a CA without cRLSign", missing, {
  chain: [mintDevice(mute, "x"), mute],
  anchors,
  crls: [mintCrl(mute).pem, mintCrl(root).pem],
});

// --- where the two differ, and why ---

const differ = (
  name: string,
  ours: string,
  openssl: "valid" | "refused",
  reason: string,
  question: PathCase,
) => different.set(name, { ours, openssl, reason, ...question });
const profile = "profile: a certificate must say what it is for, exactly";

differ(
  "leaf without extendedKeyUsage",
  "PKI_PATH_EXTENDED_KEY_USAGE",
  "valid",
  profile,
  one({ without: ["extendedKeyUsage"] }),
);
differ(
  "anyExtendedKeyUsage beside the purpose",
  "PKI_PATH_EXTENDED_KEY_USAGE",
  "valid",
  profile,
  one({
    extensions: [
      makeExtension.extendedKeyUsage(ExtendedKeyUsage.clientAuth, ExtendedKeyUsage.anyExtendedKeyUsage),
    ],
  }),
);
differ(
  "CA as leaf",
  "PKI_PATH_LEAF_IS_CA",
  "valid",
  "profile: an end entity is no CA",
  one({
    extensions: [
      makeExtension.basicConstraints({ ca: true }),
      makeExtension.keyUsage("digitalSignature", "keyCertSign"),
      makeExtension.subjectKeyIdentifier(Uint8Array.of(1)),
    ],
  }),
);
differ(
  "keyAgreement alone",
  "PKI_PATH_KEY_USAGE",
  "valid",
  "our key exchanges only use signatures of the leaf",
  one({
    extensions: [makeExtension.keyUsage("keyAgreement")],
  }),
);
differ(
  "secp256k1",
  "PKI_PATH_WEAK_ALGORITHM",
  "valid",
  "a curve that no TLS profile here uses",
  one({ key: "secp256k1" }),
);
differ(
  "SHA-224",
  "PKI_PATH_WEAK_ALGORITHM",
  "valid",
  "RFC 9155 leaves SHA-256 as the shortest hash in use",
  one({ signature: "ecdsa-sha224" }),
);
differ(
  "excluded name under a wildcard",
  outside,
  "valid",
  "the wildcard could stand for the excluded name",
  constrained({ excluded: [dns("bar.example.com")] }, [dns("*.example.com")]),
);
differ(
  "partial wildcard",
  mismatch,
  "valid",
  "RFC 9525 §6.3: a wildcard is a whole label",
  server(["gw*.example.com"], "gw1.example.com"),
);
differ("common name without a subjectAltName", mismatch, "valid", "RFC 9525 §2: no common name", {
  chain: [mintServer(ca, [], { subject: { CN: "gateway.example" } }), ca],
  anchors,
  purpose: "serverAuth",
  serverName: "gateway.example",
});
differ(
  "CRL without nextUpdate",
  missing,
  "valid",
  "RFC 5280 §5.1.2.5: CAs MUST include it; without it a list never ages",
  withCrls({ nextUpdate: null }),
);
differ(
  "key identifier of another key",
  "valid",
  "refused",
  "RFC 4158 §3.5.12: key identifiers only help to choose",
  one({
    extensions: [makeExtension.authorityKeyIdentifier(Uint8Array.of(1, 2, 3))],
  }),
);
differ(
  "CA whose basicConstraints is not critical",
  "valid",
  "refused",
  "RFC 5280 §6.1.4 (k) asks for cA alone; old private CAs often do not mark it",
  below({
    extensions: [rawExtension(Extension.basicConstraints, false, encode(sequence(boolean(true))))],
  }),
);
differ(
  "leaf without authorityKeyIdentifier",
  "valid",
  "refused",
  "RFC 4158 §3.5.12: key identifiers only help to choose",
  one({ without: ["authorityKeyIdentifier"] }),
);
differ(
  "anchor without keyUsage",
  "valid",
  "refused",
  "RFC 5280 §6.1.1 (d): an anchor is a name and a key",
  (() => {
    const bare = mintRoot({ without: ["keyUsage"] });
    return { chain: [mintDevice(bare, "x")], anchors: [bare] };
  })(),
);
