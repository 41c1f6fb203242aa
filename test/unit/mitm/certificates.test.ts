import { beforeAll, describe, expect, it } from "vitest";
import { broken, type DeviceAttack, held } from "../../../mitm/attack.ts";
import { certificateAttacks } from "../../../mitm/catalogue/certificates/index.ts";
import type { Credential } from "../../../mitm/endpoint.ts";
import type { DeviceLab, ServeOptions } from "../../../mitm/lab/device-lab.ts";
import type { Entry } from "../../../mitm/lab/lab.ts";
import { Forge } from "../../../mitm/mint/forge.ts";
import { LabPki } from "../../../mitm/mint/lab-pki.ts";
import { Prng } from "../../../mitm/prng.ts";
import { Recorder } from "../../../mitm/record/recorder.ts";
import { twinVerifier } from "../../../mitm/twins/verify.ts";
import type { Weakness } from "../../../mitm/weaknesses/index.ts";

const name = "gateway.site.lab.test";
let pki: LabPki;
let pins: readonly string[];
let gateway: Credential;

beforeAll(async () => {
  pki = await LabPki.create();
  pins = await pki.pins();
  gateway = await pki.gateway([name]);
});

/** A device that judges certificates as a twin does, and does nothing else. */
function verify(shown: Shown, tolerates: readonly string[]): string | undefined {
  return twinVerifier({
    purpose: "serverAuth",
    anchors: pki.anchors,
    serverNames: [name],
    pins,
    revocationLists: shown.revocationLists,
    tolerates: new Set(tolerates),
  })(shown.chain);
}

interface Shown {
  readonly chain: readonly Uint8Array[];
  readonly revocationLists: readonly Uint8Array[] | undefined;
}

function labWith(tolerates: readonly string[], onShown: (shown: Shown) => void = () => undefined): DeviceLab {
  const not = () => Promise.reject(new Error("there is no network here"));
  return {
    transport: "tls",
    prng: new Prng(1),
    recorder: new Recorder(),
    patience: { answerMs: 100, silenceMs: 100 },
    signal: new AbortController().signal,
    defer: () => undefined,
    target: {
      name: "a check of certificates",
      transports: ["tls", "dtls"],
      serverNames: [name],
      knowsRevocation: true,
      takesRevocationLists: true,
      pins: true,
      pinnedKeys: pins,
    },
    gateway,
    forge: new Forge(pki, [name]),
    serve: async ({ chain }, { dial }: ServeOptions = {}): Promise<Entry> => {
      const shown = { chain, revocationLists: typeof dial === "object" ? dial.revocationLists : undefined };
      onShown(shown);
      const alert = verify(shown, tolerates);
      const how = alert === undefined ? "taken" : `alert ${alert}`;
      return { admitted: alert === undefined, how, alert, refusedAt: undefined };
    },
    acceptTls: not,
    acceptDtls: not,
    acceptTcp: not,
    acceptUdp: not,
    trusts: not,
    judge: (entry) => (entry.admitted ? broken(entry.how) : held(entry.how)),
  };
}

/** Those that a check of certificates alone decides. */
const isElsewhere = /^D-CERT-(?:26|31a|33|34|35)/;
const attacks = certificateAttacks.filter(
  (attack): attack is DeviceAttack => attack.side === "device" && !isElsewhere.test(attack.id),
);

const nameRules = [
  "name-matched-in-part",
  "common-name-accepted",
  "name-type-ignored",
  "bare-wildcard-accepted",
  "partial-wildcard-accepted",
  "deep-wildcard-accepted",
] as const satisfies readonly Weakness[];

/** What somebody without one check lacks as well, since the one is a case of the other. */
const includes: Partial<Record<Weakness, readonly Weakness[]>> = {
  "ignores-server-name": [...nameRules, "pin-replaces-name"],
  "purpose-not-checked": ["missing-purpose-accepted", "any-purpose-accepted"],
  "any-certificate-issues": [
    "ca-purpose-ignored",
    "path-length-ignored",
    "basic-constraints-not-checked",
    "ca-key-usage-not-checked",
    "version-1-ca-accepted",
  ],
  "name-constraints-ignored": ["wildcard-escapes-exclusion"],
  "revocation-ignored": [
    "revocation-of-leaf-only",
    "stale-revocation-list-accepted",
    "revocation-list-not-verified",
    "revocation-fails-open",
  ],
  "revocation-fails-open": ["stale-revocation-list-accepted", "revocation-list-not-verified"],
  // Every attack but those on the pin has the pinned key.
  "pin-not-checked": ["pin-of-unused-certificate"],
  "pin-replaces-name": ["ignores-server-name", ...nameRules],
  "pin-replaces-validity": ["ignores-expiry", "ignores-not-before"],
  "pin-replaces-chain": ["chain-not-verified", "trusts-any-root", "unknown-issuer-accepted"],
  "unreadable-chain-accepted": [
    "lenient-der",
    "duplicate-extension-accepted",
    "nul-truncates-name",
    "explicit-curve-accepted",
  ],
  "ignores-expiry": ["pin-replaces-validity"],
  "trusts-any-root": ["pin-replaces-chain"],
};

describe("a certificate shown to a device", () => {
  it.each(attacks.map((attack) => [attack.id, attack] as const))(
    "%s is refused, and taken where its check is missing",
    async (_id, attack) => {
      expect(await attack.run(labWith([]))).toMatchObject({ result: "held" });
      expect(await attack.run(labWith([attack.defeats]))).toMatchObject({ result: "broken" });
    },
  );

  it("is refused for one reason: no other missing check lets it in, but those that this one is a part of", async () => {
    const all = new Set(attacks.map(({ defeats }) => defeats));
    const wrong: string[] = [];
    for (const attack of attacks) {
      const shown: Shown[] = [];
      await attack.run(labWith([], (one) => shown.push(one)));
      for (const other of all) {
        if (other === attack.defeats || includes[other]?.includes(attack.defeats) === true) continue;
        const isTaken = shown.some((one) => verify(one, [other]) === undefined);
        if (isTaken) wrong.push(`${attack.id} is taken by a twin with ${other}`);
      }
    }
    expect(wrong).toEqual([]);
  });
});
