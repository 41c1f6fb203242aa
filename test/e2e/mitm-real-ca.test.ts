import { readFileSync } from "node:fs";
import { Writable } from "node:stream";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Io } from "../../cli/io.ts";
import { openRealCa } from "../../cli/mitm/real-ca.ts";
import { Output } from "../../cli/output.ts";
import type { Session } from "../../cli/verb.ts";
import { type Gateway, startGateway } from "../../gateway/index.ts";
import { admissionAttacks } from "../../mitm/catalogue/admission/index.ts";
import { Forge } from "../../mitm/mint/forge.ts";
import type { CaseReport } from "../../mitm/report/run-report.ts";
import { runMitm } from "../../mitm/run/run.ts";
import type { DeviceAccount } from "../../mitm/targets.ts";
import {
  decodePem,
  encodePrivateKey,
  parseCertificate,
  parseCertificates,
  readPrivateKeyFile,
} from "../../pki/index.ts";
import { type TempIdentity, type TempPki, tempPki } from "../support/temp-pki.ts";

/** The lab with the CA that a gateway really goes by: its inventory knows what was signed. */

const quiet = () => new Writable({ write: (_chunk, _encoding, done) => done() });
const io: Io = {
  stdout: quiet(),
  stderr: quiet(),
  env: {},
  now: () => new Date(),
  onSignal: () => () => undefined,
};
const session: Session = { io, out: new Output(io, false) };

let pki: TempPki;
let gateway: Gateway;
let attacker: DeviceAccount;
let victim: DeviceAccount;

beforeEach(async () => {
  pki = await tempPki();
  attacker = accountOf(await pki.device("attacker"));
  victim = accountOf(await pki.device("victim"));
  gateway = await startGateway({
    mqttPort: 0,
    dtlsPort: 0,
    identity: {
      key: encodePrivateKey(readPrivateKeyFile(pki.path("gateway.key.pem"))),
      certificateChain: readFileSync(pki.path("gateway.cert.pem"), "utf8"),
    },
    anchors: [pki.authority.root],
    intermediates: [pki.authority.issuing],
    registry: pki.inventory,
    trustDomain: pki.authority.trustDomain,
  });
});

afterEach(async () => {
  await gateway.close();
  pki[Symbol.dispose]();
});

function accountOf({ id, chainPem, privateKey }: TempIdentity): DeviceAccount {
  if (privateKey === undefined) throw new Error("a device with a key is wanted");
  const chain = decodePem(chainPem, "CERTIFICATE").map(({ der }) => der);
  return { deviceId: id, credential: { name: `the certificate of ${id}`, chain, key: privateKey } };
}

function open(confirm: string | undefined) {
  return openRealCa(session, {
    dir: pki.directory,
    confirm,
    devices: ["attacker", "victim"],
    gateway: true,
    gatewayKey: readPrivateKeyFile(pki.path("gateway.key.pem")),
  });
}

async function attack(forge: Forge): Promise<readonly CaseReport[]> {
  const target = {
    name: "a gateway with the CA of its users",
    endpoints: {
      tls: { host: "127.0.0.1", port: gateway.mqttPort, application: "mqtt" },
      dtls: { host: "127.0.0.1", port: gateway.dtlsPort ?? 0, application: "echo" },
    },
    serverName: "localhost",
    attacker,
    victim,
  } as const;
  const { report } = await runMitm({
    sources: [
      {
        side: "gateway",
        name: target.name,
        endpoints: [],
        transports: ["tls", "dtls"],
        lanes: 1,
        open: async () => ({ target, forge }),
      },
    ],
    catalogue: admissionAttacks,
    only: ["G-CERT-03", "G-CERT-04", "G-CERT-05", "G-CERT-06", "G-CERT-10", "G-CERT-16", "G-CERT-17"],
    seed: "real",
    patience: { answerMs: 2_000, silenceMs: 300 },
    deadlineMs: 20_000,
    signal: new AbortController().signal,
    tool: { name: "test", version: "0" },
    command: "test",
    replay: ({ id }) => id,
  });
  return report.cases;
}

describe("the real CA", () => {
  test.each([undefined, "", "CN=Sallyport Issuing CA"])("signs nothing for who types %j", async (confirm) => {
    const before = pki.inventory.audit.head();
    const { subject } = pki.authority.issuing;
    await expect(open(confirm)).rejects.toMatchObject({
      code: "CLI_USAGE",
      message: expect.stringContaining(JSON.stringify(subject.toString())),
    });
    expect(pki.inventory.audit.head()).toEqual(before);
  });

  test("signs what the gateway then refuses, and all of it is revoked at the end", async () => {
    const real = await open(pki.authority.issuing.subject.toString());
    let cases: readonly CaseReport[] = [];
    try {
      cases = await attack(new Forge(real.pki, ["localhost"]));
      // What an honest gateway shows to a device that pins its key.
      const [shown] = (await real.pki.gateway(["localhost"])).chain;
      const [own] = parseCertificates(readFileSync(pki.path("gateway.cert.pem"), "utf8"));
      expect(parseCertificate(shown ?? new Uint8Array()).subjectPublicKeyInfo).toEqual(
        own?.subjectPublicKeyInfo,
      );
    } finally {
      await real.close();
    }
    const wrong = cases.filter(({ verdict }) => verdict !== "held" && verdict !== "not applicable");
    expect(wrong.map(({ id, how }) => `${id}: ${how}`)).toEqual([]);
    const held = new Set(cases.filter(({ verdict }) => verdict === "held").map(({ attack: id }) => id));
    for (const id of ["G-CERT-04a", "G-CERT-04d", "G-CERT-05", "G-CERT-06", "G-CERT-16b", "G-CERT-16l"]) {
      expect(held).toContain(id);
    }
    const signed = ["attacker", "victim"].flatMap((id) => pki.inventory.certificatesOf(id, "device"));
    const forAttacks = signed.filter(({ profile }) => profile === "attack");
    expect(forAttacks.length).toBeGreaterThan(10);
    expect(forAttacks.filter(({ revokedAt }) => revokedAt === undefined)).toEqual([]);
    // The devices themselves are as good as before.
    expect(
      signed.filter(({ profile, revokedAt }) => profile !== "attack" && revokedAt === undefined),
    ).toHaveLength(2);
    expect(() => pki.inventory.audit.verify()).not.toThrow();
  });
});
