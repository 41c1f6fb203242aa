import { describe, expect, test, vi } from "vitest";
import { makeExtension, Name, PkiError, validatePath } from "../../../../pki/index.ts";
import { isWithin } from "../../../../pki/path/directory-name.ts";
import { PathSearch } from "../../../../pki/path/path-search.ts";
import { defaultPathLimits, WorkBudget } from "../../../../pki/path/work.ts";
import {
  Minted,
  mintCa,
  mintDevice,
  mintRoot,
  mintServer,
  NOW,
  rawExtension,
} from "../../../support/chain-builder.ts";
import { newKey } from "../../../support/odd-algorithms.ts";
import { verdict } from "./verdict.ts";

const root = mintRoot();
const anchors = [root];
const crossRoot = mintRoot({ subject: { CN: "Another" } });

/** The outcome of the search alone, and what it spent. */
function search(chain: readonly Minted[], trusted: readonly Minted[] = anchors) {
  const [leaf, ...others] = chain.map(({ certificate }) => certificate);
  if (leaf === undefined) throw new Error("a chain needs a leaf");
  const budget = new WorkBudget();
  const input = { leaf, others, anchors: trusted.map(({ certificate }) => certificate), now: NOW, budget };
  let outcome = "valid";
  try {
    new PathSearch({ ...input, leafRefusal: undefined, accept: () => {} }).find();
  } catch (error) {
    if (!(error instanceof PkiError)) throw error;
    outcome = error.code;
  }
  return { outcome, spent: budget.spent };
}

/** `layers` of CAs, each with `width` keys under one name, every key certified by every key of the layer above. */
function crossSigned(layers: number, width: number, top: Minted): { bottom: Minted; all: Minted[] } {
  let above = [top];
  const all: Minted[] = [];
  for (let layer = 0; layer < layers; layer++) {
    const keys = Array.from({ length: width }, () => newKey("p256"));
    const certificates = keys.flatMap((key) =>
      above.map((issuer) => mintCa(issuer, { subject: { CN: `Layer ${layer}` }, key })),
    );
    all.push(...certificates);
    above = keys
      .map((key, i) => ({ key, certificate: certificates[i * above.length] }))
      .flatMap(({ certificate }) => (certificate === undefined ? [] : [certificate]));
  }
  const bottom = above[0];
  if (bottom === undefined) throw new Error("no layers");
  return { bottom, all };
}

const names = (n: number, suffix: string) =>
  Array.from({ length: n }, (_, i) => ({ type: "dNSName" as const, value: `h${i}.${suffix}` }));

describe("D-CERT-30: bounded work, counted and not timed", () => {
  test("a chain of 100 certificates is refused before any signature is checked", () => {
    const chain: Minted[] = [];
    let issuer = root;
    for (let i = 0; i < 100; i++) {
      issuer = mintCa(issuer, { subject: { CN: `CA ${i}` } });
      chain.unshift(issuer);
    }
    chain.unshift(mintDevice(issuer, "x"));
    expect(verdict(chain, { anchors })).toBe("PKI_PATH_WORK_LIMIT");
    expect(verdict(chain.slice(0, 1), { anchors, intermediates: chain.slice(1) })).toBe(
      "PKI_PATH_WORK_LIMIT",
    );
    expect(search(chain).spent.signatures).toBeLessThanOrEqual(defaultPathLimits.pathLength);
  });
  test("the longest path that is accepted has ten certificates", () => {
    const chain: Minted[] = [];
    let issuer = root;
    for (let i = 0; i < 8; i++) chain.unshift((issuer = mintCa(issuer, { subject: { CN: `CA ${i}` } })));
    expect(verdict([mintDevice(issuer, "x"), ...chain], { anchors })).toBe("valid");
    issuer = mintCa(issuer, { subject: { CN: "one more" } });
    expect(verdict([mintDevice(issuer, "x"), issuer, ...chain], { anchors })).toBe("PKI_PATH_WORK_LIMIT");
  });
  test("an exponential graph of cross-signed CAs without an anchor ends at the bound", () => {
    const { bottom, all } = crossSigned(8, 3, mintRoot({ subject: { CN: "Nowhere" } }));
    const { outcome, spent } = search([mintDevice(bottom, "x"), ...all]);
    expect(outcome).toBe("PKI_PATH_WORK_LIMIT");
    expect(spent.signatures).toBeLessThanOrEqual(defaultPathLimits.signatures + 1);
    expect(spent.edges).toBeLessThanOrEqual(defaultPathLimits.edges + 1);
  });
  test("an exponential graph whose every path is refused at the anchor ends at the bound", () => {
    // Each pair is verified once, so the bound that ends this one is that on edges.
    const pathLength = mintRoot({ pathLenConstraint: 0 });
    const { bottom, all } = crossSigned(4, 2, pathLength);
    const leaf = mintDevice(bottom, "x");
    const sent = all.map(({ certificate }) => certificate);
    const budget = new WorkBudget({ signatures: 1000 });
    let paths = 0;
    const refuse = () => {
      paths++;
      throw new PkiError("PKI_PATH_LENGTH", "refused");
    };
    const find = () =>
      new PathSearch({
        leaf: leaf.certificate,
        others: sent,
        anchors: [pathLength.certificate],
        now: NOW,
        budget,
        leafRefusal: undefined,
        accept: refuse,
      }).find();
    expect(find).toThrow(PkiError);
    expect(paths).toBeGreaterThan(1);
    expect(budget.spent.edges).toBeLessThanOrEqual(defaultPathLimits.edges + 1);
    expect(budget.spent.signatures).toBeLessThan(60);
  });
  test("loops: two CAs that certify each other end at once", () => {
    const a = mintRoot({ subject: { CN: "A" } });
    const b = mintRoot({ subject: { CN: "B" } });
    const aByB = mintCa(b, { subject: { CN: "A" }, key: a.key });
    const bByA = mintCa(a, { subject: { CN: "B" }, key: b.key });
    const { outcome, spent } = search([mintDevice(a, "x"), aByB, bByA]);
    expect(outcome).toBe("PKI_PATH_UNKNOWN_ISSUER");
    expect(spent.signatures).toBeLessThanOrEqual(3);
    const rooted = mintCa(root, { subject: { CN: "B" }, key: b.key });
    expect(verdict([mintDevice(a, "x"), aByB, bByA, rooted], { anchors })).toBe("valid");
  });
  test("the same intermediate many times is one candidate", () => {
    const ca = mintCa(root);
    const wrong = mintCa(mintRoot({ subject: { CN: "Elsewhere" } }));
    const copies = Array.from({ length: 30 }, () => wrong);
    const { outcome, spent } = search([mintDevice(ca, "x"), ...copies]);
    expect(outcome).toBe("PKI_PATH_BAD_SIGNATURE");
    expect(spent).toMatchObject({ signatures: 1, edges: 1 });
  });
  test("thirty CAs of one name with other keys cost at most the bound", () => {
    const ca = mintCa(root);
    const twins = Array.from({ length: 30 }, () => mintCa(root, { without: ["subjectKeyIdentifier"] }));
    const { outcome, spent } = search([mintDevice(ca, "x"), ...twins]);
    expect(outcome).toBe("PKI_PATH_WORK_LIMIT");
    expect(spent.signatures).toBe(defaultPathLimits.signatures + 1);
  });
  test("D-CERT-30: a key identifier leads to the right one among them at once", () => {
    const ca = mintCa(root);
    const twins = Array.from({ length: 29 }, () => mintCa(root));
    const { outcome, spent } = search([mintDevice(ca, "x"), ...twins, ca]);
    expect(outcome).toBe("valid");
    expect(spent.signatures).toBe(2);
  });
  test("an anchor is tried before what the peer sent, whatever key identifiers that has", () => {
    const bare = mintRoot({ without: ["subjectKeyIdentifier"] });
    const keyIdentifier = Uint8Array.of(1, 2, 3);
    const ski = [makeExtension.subjectKeyIdentifier(keyIdentifier)];
    const twins = Array.from({ length: 30 }, () =>
      mintCa(crossRoot, { subject: bare.name, extensions: ski }),
    );
    const aki = [makeExtension.authorityKeyIdentifier(keyIdentifier)];
    const { outcome, spent } = search([mintDevice(bare, "x", { extensions: aki }), ...twins], [bare]);
    expect(outcome).toBe("valid");
    expect(spent.signatures).toBe(1);
  });
  test("many names against many constraints end at the bound", () => {
    const constraints = { permittedSubtrees: [], excludedSubtrees: names(300, "evil.example") };
    const ca = mintCa(root, { extensions: [makeExtension.nameConstraints(constraints)] });
    const leaf = mintServer(ca, [], {
      extensions: [makeExtension.subjectAltName(names(300, "good.example"))],
    });
    expect(verdict([leaf, ca], { anchors, purpose: "serverAuth" })).toBe("PKI_PATH_WORK_LIMIT");
  });
  test.each([
    ["short names and constraints", "y.example", "y.example", "valid"],
    ["a long name", "a".repeat(40_000), "y.example", "PKI_PATH_WORK_LIMIT"],
    ["a long constraint", "y.example", "a".repeat(40_000), "PKI_PATH_WORK_LIMIT"],
  ])("%s: a comparison counts by the length of what is compared", (_, name, base, outcome) => {
    const uri = (value: string) => ({ type: "uniformResourceIdentifier" as const, value });
    const hundred = (value: string) => Array.from({ length: 100 }, () => uri(value));
    const constraints = { permittedSubtrees: [...hundred("y.example"), uri(base)], excludedSubtrees: [] };
    const ca = mintCa(root, { extensions: [makeExtension.nameConstraints(constraints)] });
    const sent = [...hundred("coap://y.example"), uri(`coap://${name}`)];
    const leaf = mintDevice(ca, "x", { extensions: [makeExtension.subjectAltName(sent)] });
    expect(verdict([leaf, ca], { anchors })).toBe(outcome);
  });
  test("a name is brought into the form that is compared once", () => {
    const name = Name.of({ CN: "\ufdfa".repeat(1000) });
    const rdns = vi.spyOn(Array.prototype, "map");
    isWithin(name, name);
    const once = rdns.mock.contexts.filter((list) => list === name.rdns).length;
    isWithin(name, name);
    const twice = rdns.mock.contexts.filter((list) => list === name.rdns).length;
    rdns.mockRestore();
    expect([once, twice]).toEqual([1, 1]);
  });
  test.each([Number.NaN, -1, undefined])("%s is no limit, and is refused", (signatures) => {
    const limits = Object.defineProperty({}, "signatures", { value: signatures, enumerable: true });
    expect(() => new WorkBudget(limits)).toThrow(RangeError);
    const chain = [mintDevice(root, "x").certificate];
    const options = { chain, anchors: [root.certificate], purpose: "clientAuth" as const, now: NOW };
    expect(() => validatePath({ ...options, limits })).toThrow(RangeError);
  });
  test("a bound that is met while a path is checked ends the search", () => {
    const ca = mintCa(root);
    const others = [ca, mintCa(root, { key: ca.key })].map(({ certificate }) => certificate);
    let paths = 0;
    const input = { leaf: mintDevice(ca, "x").certificate, others, anchors: [root.certificate], now: NOW };
    const accept = () => {
      paths++;
      throw new PkiError("PKI_PATH_WORK_LIMIT", "enough");
    };
    const search = new PathSearch({ ...input, budget: new WorkBudget(), leafRefusal: undefined, accept });
    expect(() => search.find()).toThrow("enough");
    expect(paths).toBe(1);
  });
  test("limits can be set", () => {
    const ca = mintCa(root);
    const chain = [mintDevice(ca, "x"), ca];
    expect(verdict(chain, { anchors, limits: { signatures: 1 } })).toBe("PKI_PATH_WORK_LIMIT");
    expect(verdict(chain, { anchors, limits: { pathLength: 2 } })).toBe("PKI_PATH_WORK_LIMIT");
    expect(verdict(chain, { anchors, limits: { peerCertificates: 1 } })).toBe("PKI_PATH_WORK_LIMIT");
    expect(verdict(chain, { anchors, limits: { edges: 1 } })).toBe("PKI_PATH_WORK_LIMIT");
  });
});

test("a signature that was found wrong is not checked again on another way to the same certificate", () => {
  const c = mintCa(mintRoot({ subject: { CN: "W" } }), { subject: { CN: "C" } });
  const b1 = mintCa(c, { subject: { CN: "B" } });
  const b2 = mintCa(c, { subject: { CN: "B" }, key: b1.key });
  const a = mintCa(b1, { subject: { CN: "A" } });
  const wrong = [1, 2, 3].map(() => mintRoot({ subject: { CN: "W" } }));
  const { outcome, spent } = search([mintDevice(a, "x"), a, b1, b2, c], wrong);
  expect(outcome).toBe("PKI_PATH_BAD_SIGNATURE");
  expect(spent).toMatchObject({ signatures: 1 + 2 + 2 + 3, edges: 1 + 2 + 2 + 2 * 3 });
});

test("a signature that was found right is not checked again for the same certificate objects", () => {
  const ca = mintCa(root);
  const device = mintDevice(ca, "x");
  expect(search([device, ca]).spent.signatures).toBe(2);
  expect(search([mintDevice(ca, "y"), ca]).spent.signatures).toBe(1);
  expect(search([device, ca], [mintRoot()]).outcome).toBe("PKI_PATH_BAD_SIGNATURE");
  const again = new Minted(ca.der, ca.key, ca.name);
  expect(search([mintDevice(ca, "z"), again]).spent.signatures).toBe(2);
});

describe("D-CERT-32: what the parser refuses does not get here", () => {
  test.each([
    ["a negative serial number", "ff"],
    ["the serial number zero", "00"],
    ["a padded serial number", "0001"],
    ["a serial number of 21 octets", "7f".repeat(21)],
  ])("%s", (_, serialNumber) => {
    const odd = mintDevice(root, "x", { serialNumber });
    expect(() => odd.certificate).toThrow(PkiError);
  });
  test("64 kB in one extension", () => {
    const odd = mintDevice(root, "x", { extensions: [rawExtension("1.2.3", false, new Uint8Array(65_536))] });
    expect(() => odd.certificate).toThrow(PkiError);
  });
});

test("an empty chain is refused", () => {
  expect(verdict([], { anchors })).toBe("PKI_PATH_MALFORMED");
});
