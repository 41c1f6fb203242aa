import { beforeAll, describe, expect, test } from "vitest";
import { Recorder } from "../../../../mitm/record/recorder.ts";
import { HandshakeType, type TlsVersion } from "../../../../mitm/tls/numbers.ts";
import { altered, duel, flipped, instead, leftOut } from "../../../support/mitm/tls-duel.ts";
import { Parties } from "../../../support/mitm/tls-parties.ts";

let parties: Parties;
beforeAll(async () => {
  parties = await Parties.create(["p256"]);
});

const flights: Record<TlsVersion, readonly string[]> = {
  "TLS 1.2": [
    "lab ClientHello",
    "gateway ServerHello",
    "gateway Certificate",
    "gateway ServerKeyExchange",
    "gateway CertificateRequest",
    "gateway ServerHelloDone",
    "lab Certificate",
    "lab ClientKeyExchange",
    "lab CertificateVerify",
    "lab ChangeCipherSpec",
    "lab Finished",
    "gateway ChangeCipherSpec",
    "gateway Finished",
  ],
  "TLS 1.3": [
    "lab ClientHello",
    "gateway ServerHello",
    "gateway ChangeCipherSpec",
    "gateway EncryptedExtensions",
    "gateway CertificateRequest",
    "gateway Certificate",
    "gateway CertificateVerify",
    "gateway Finished",
    "lab ChangeCipherSpec",
    "lab Certificate",
    "lab CertificateVerify",
    "lab Finished",
  ],
};

for (const version of ["TLS 1.2", "TLS 1.3"] as const) {
  describe(version, () => {
    test("the messages of both, in order, and nothing of them an attack", async () => {
      const recorder = new Recorder();
      await duel(parties.client({ versions: [version], recorder }), parties.server({ versions: [version] }));
      expect(recorder.steps.map(({ from, what }) => `${from} ${what}`)).toEqual(flights[version]);
      expect(recorder.steps.every(({ attack }) => attack !== true)).toBe(true);
      expect(recorder.delivered).toBeUndefined();
      expect([...recorder.certificates.keys()]).toEqual([
        "connection-1-gateway-0.der",
        "connection-1-gateway-1.der",
        "connection-1-lab-0.der",
        "connection-1-lab-1.der",
      ]);
    });

    test("every byte of both directions", async () => {
      const ofClient = new Recorder();
      const ofServer = new Recorder();
      await duel(
        parties.client({ versions: [version], recorder: ofClient }),
        parties.server({ versions: [version], recorder: ofServer }),
      );
      for (const from of ["client", "server"] as const) {
        const bytes = (recorder: Recorder) =>
          Buffer.concat(
            recorder.packets.filter((packet) => packet.from === from).map((packet) => packet.bytes),
          );
        expect(bytes(ofClient).equals(bytes(ofServer))).toBe(true);
        expect(bytes(ofClient).length).toBeGreaterThan(100);
      }
    });

    test("both ends log the same secrets", async () => {
      const ofClient = new Recorder();
      const ofServer = new Recorder();
      await duel(
        parties.client({ versions: [version], recorder: ofClient }),
        parties.server({ versions: [version], recorder: ofServer }),
      );
      expect(ofClient.keyLog.toSorted()).toEqual(ofServer.keyLog.toSorted());
    });

    test("a message that was changed, and one that is marked", async () => {
      const recorder = new Recorder();
      await duel(
        parties.client({
          versions: [version],
          recorder,
          marks: ["Certificate"],
          outgoing: instead({ Finished: altered(HandshakeType.finished, (body) => flipped(body)) }),
        }),
        parties.server({ versions: [version] }),
      );
      const attacks = recorder.steps.filter(({ attack }) => attack === true).map(({ what }) => what);
      expect(attacks).toEqual(["Certificate", "Finished"]);
      expect(recorder.delivered).toContain("the target said ServerHello");
    });

    test("a message that was left out", async () => {
      const recorder = new Recorder();
      const made = await duel(
        parties.client({
          versions: [version],
          recorder,
          outgoing: instead({ CertificateVerify: leftOut }),
        }),
        parties.server({ versions: [version] }),
      );
      expect(made.ofServer).toMatchObject({ completed: false });
      expect(recorder.steps.find(({ attack }) => attack === true)?.what).toBe("(CertificateVerify left out)");
    });

    test("where a peer refuses, and with which alert", async () => {
      const made = await duel(
        parties.client({ versions: [version], verifyPeer: () => "unknown_ca" }),
        parties.server({ versions: [version] }),
      );
      expect(made.ofClient).toEqual({
        completed: false,
        byThisEnd: true,
        refusedAt: "ClientHello",
        alert: "unknown_ca",
        how: "the peer's certificate was refused: unknown_ca",
      });
      expect(made.ofServer).toEqual({
        completed: false,
        refusedAt: version === "TLS 1.2" ? "ServerHelloDone" : "Finished",
        alert: "unknown_ca",
        how: "alert unknown_ca",
      });
    });
  });
}
