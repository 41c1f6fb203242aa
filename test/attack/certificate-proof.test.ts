import { createPrivateKey, generateKeyPairSync, type KeyObject } from "node:crypto";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { connectBytes } from "../support/mqtt-bytes.ts";
import { RawTls12 } from "../support/raw-tls/tls12.ts";
import { RawTls13 } from "../support/raw-tls/tls13.ts";
import {
  ContentType,
  HandshakeType,
  handshakeMessage,
  type Outcome,
  outcomeOf,
  u16,
  vector,
} from "../support/raw-tls/wire.ts";
import { TestGateway, type TestPeer } from "../support/test-gateway.ts";

/**
 * Section B of the attack catalogue, the cases about the proof that a client holds its certificate's key. The client
 * is a TLS implementation of our own that sends what no library would. Each case asserts that the gateway spoke not
 * one byte of MQTT and opened no session; the valid twins show that the same client, told to behave, gets a CONNACK.
 */
const connack = Buffer.from("20020000", "hex");

let at: TestGateway;
let device: TestPeer;
let key: KeyObject;
let chain: Uint8Array[];
beforeEach(async () => {
  at = await TestGateway.start();
  device = await at.peer("d1");
  key = createPrivateKey(device.minted.signer.exportForTls());
  chain = [device.minted.certificate.der, at.pki.issuing.certificate.der];
});
afterEach(() => at[Symbol.asyncDispose]());

const strangerKey = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey;

/** Sends the second flight that `flight` builds with a CONNECT right behind it, and tells what came of it. */
async function attack13(flight: (tls: RawTls13) => void): Promise<Outcome> {
  const tls = await RawTls13.open(at.gateway.mqttPort);
  try {
    flight(tls);
    tls.useApplicationKeys();
    tls.records.send(ContentType.applicationData, connectBytes("d1"));
    return await outcomeOf(tls.records, connack.length);
  } finally {
    tls.records.destroy();
  }
}

async function attack12(flight: (tls: RawTls12) => void): Promise<Outcome> {
  const tls = await RawTls12.open(at.gateway.mqttPort);
  try {
    flight(tls);
    tls.records.send(ContentType.applicationData, connectBytes("d1"));
    return await outcomeOf(tls.records, connack.length);
  } finally {
    tls.records.destroy();
  }
}

/** Not one byte of MQTT came back, no session was opened, and the gateway says why it refused somebody. */
async function expectRefused(outcome: Outcome, alert: string | undefined, reason: string): Promise<void> {
  expect(outcome.applicationData).toHaveLength(0);
  expect(outcome.alert).toBe(alert);
  expect(await at.refusal()).toBe(reason);
  expect(at.eventsOf("session.opened")).toEqual([]);
  expect(at.gateway.sessions()).toEqual([]);
}

describe("TLS 1.3", () => {
  test("valid twin: Certificate, CertificateVerify, Finished in order get a CONNACK", async () => {
    const outcome = await attack13((tls) => {
      tls.send(tls.certificate(chain));
      tls.send(tls.certificateVerify(key));
      tls.send(tls.finished());
    });
    expect(outcome.applicationData).toEqual(connack);
  });

  test("G-CERT-02: an empty Certificate message, then the normal flow", async () => {
    const outcome = await attack13((tls) => {
      tls.send(tls.certificate([]));
      tls.send(tls.finished());
    });
    await expectRefused(outcome, undefined, "no_certificate");
  });

  test("G-CERT-11: a valid certificate with the signature of another key", async () => {
    const outcome = await attack13((tls) => {
      tls.send(tls.certificate(chain));
      tls.send(tls.certificateVerify(strangerKey));
      tls.send(tls.finished());
    });
    await expectRefused(outcome, "decrypt_error", "bad_proof_of_possession");
  });

  const spoiled: ReadonlyArray<readonly [string, (signature: Buffer) => Uint8Array, readonly string[]]> = [
    ["a bit flipped", (it) => it.with(12, it.readUInt8(12) ^ 1), ["decrypt_error"]],
    ["the last octet missing", (it) => it.subarray(0, -1), ["decrypt_error"]],
    ["no octets at all", () => Buffer.alloc(0), ["decrypt_error", "decode_error"]],
    ["an octet appended", (it) => Buffer.concat([it, Buffer.alloc(1)]), ["decrypt_error"]],
    [
      "its length in the long form (BER, not DER)",
      (it) => Buffer.concat([Buffer.from([0x30, 0x81]), it.subarray(1)]),
      ["decrypt_error"],
    ],
  ];
  for (const [how, spoil, alerts] of spoiled) {
    test(`G-CERT-11: the right key's signature with ${how}`, async () => {
      const outcome = await attack13((tls) => {
        tls.send(tls.certificate(chain));
        const honest = tls.certificateVerify(key);
        tls.send(tls.certificateVerifyWith(spoil(honest.body.subarray(4))));
        tls.send(tls.finished());
      });
      expect(alerts).toContain(outcome.alert);
      await expectRefused(outcome, outcome.alert, "bad_proof_of_possession");
    });
  }

  test("G-CERT-12: CertificateVerify left out, Finished follows", async () => {
    const outcome = await attack13((tls) => {
      tls.send(tls.certificate(chain));
      tls.send(tls.finished());
    });
    await expectRefused(outcome, "unexpected_message", "handshake_failed");
  });

  test("G-CERT-12: Certificate and CertificateVerify both left out", async () => {
    const outcome = await attack13((tls) => tls.send(tls.finished()));
    await expectRefused(outcome, "unexpected_message", "handshake_failed");
  });

  test("G-CERT-13: a true signature over the transcript of another connection", async () => {
    const victim = await RawTls13.open(at.gateway.mqttPort);
    victim.send(victim.certificate(chain));
    const transcript = victim.transcript();
    const outcome = await attack13((tls) => {
      tls.send(tls.certificate(chain));
      tls.send(tls.certificateVerify(key, { transcript }));
      tls.send(tls.finished());
    });
    await expectRefused(outcome, "decrypt_error", "bad_proof_of_possession");
    victim.records.destroy();
  });

  test("G-CERT-13: a true signature under the server's context string (RFC 9846 §4.4.3)", async () => {
    const outcome = await attack13((tls) => {
      tls.send(tls.certificate(chain));
      tls.send(tls.certificateVerify(key, { context: "TLS 1.3, server CertificateVerify" }));
      tls.send(tls.finished());
    });
    await expectRefused(outcome, "decrypt_error", "bad_proof_of_possession");
  });

  test("G-CERT-14: a SHA-1 signature scheme in CertificateVerify", async () => {
    const outcome = await attack13((tls) => {
      tls.send(tls.certificate(chain));
      tls.send(tls.certificateVerify(key, { scheme: "ecdsa_sha1" }));
      tls.send(tls.finished());
    });
    await expectRefused(outcome, "illegal_parameter", "bad_proof_of_possession");
  });

  test("G-CERT-15: a second Certificate and CertificateVerify with another identity", async () => {
    const other = await at.peer("d2");
    const outcome = await attack13((tls) => {
      tls.send(tls.certificate(chain));
      tls.send(tls.certificateVerify(key));
      tls.send(tls.certificate([other.minted.certificate.der, at.pki.issuing.certificate.der]));
      tls.send(tls.certificateVerify(createPrivateKey(other.minted.signer.exportForTls())));
      tls.send(tls.finished());
    });
    await expectRefused(outcome, "unexpected_message", "handshake_failed");
  });

  test("G-CERT-15: a stolen certificate first, the attacker's own second in one list: the first one counts", async () => {
    const attacker = await at.peer("d2");
    const outcome = await attack13((tls) => {
      tls.send(tls.certificate([...chain, attacker.minted.certificate.der]));
      tls.send(tls.certificateVerify(createPrivateKey(attacker.minted.signer.exportForTls())));
      tls.send(tls.finished());
    });
    await expectRefused(outcome, "decrypt_error", "bad_proof_of_possession");
  });

  test("G-CERT-19: a certificate offered after the handshake, unasked", async () => {
    const other = await at.peer("d2");
    const tls = await RawTls13.open(at.gateway.mqttPort);
    tls.send(tls.certificate(chain));
    tls.send(tls.certificateVerify(key));
    tls.send(tls.finished());
    tls.useApplicationKeys();
    tls.send(tls.certificate([other.minted.certificate.der, at.pki.issuing.certificate.der]));
    tls.records.send(ContentType.applicationData, connectBytes("d2"));
    const outcome = await outcomeOf(tls.records, connack.length);
    expect(outcome).toEqual({ alert: "unexpected_message", applicationData: Buffer.alloc(0) });
    expect(at.eventsOf("session.opened")).toEqual([]);
  });

  test("G-CERT-20: a chain of 200 certificates costs neither a session nor the gateway", async () => {
    const outcome = await attack13((tls) => {
      tls.send(
        tls.certificate([...chain, ...Array.from({ length: 200 }, () => at.pki.issuing.certificate.der)]),
      );
      tls.send(tls.certificateVerify(key));
      tls.send(tls.finished());
    });
    expect(outcome.applicationData).toHaveLength(0);
    await expectStillServing();
  });

  test("G-CERT-20: a Certificate message of 16 MB is refused by its length, before it is buffered", async () => {
    const tls = await RawTls13.open(at.gateway.mqttPort);
    const header = Buffer.concat([Buffer.from([HandshakeType.certificate]), Buffer.from("ffffff", "hex")]);
    tls.records.send(ContentType.handshake, header);
    const outcome = await outcomeOf(tls.records);
    expect(outcome).toEqual({ alert: "illegal_parameter", applicationData: Buffer.alloc(0) });
    await expectStillServing();
  });

  test("G-CERT-20, RFC 8879: a compressed certificate that nobody asked for", async () => {
    const compressed = handshakeMessage(
      25,
      Buffer.concat([u16(1), Buffer.from("ffffff", "hex"), vector(3, Buffer.alloc(64))]),
    );
    const outcome = await attack13((tls) => tls.send(compressed));
    expect(outcome.applicationData).toHaveLength(0);
    expect(["unexpected_message", "illegal_parameter", "bad_certificate"]).toContain(outcome.alert);
    await expectStillServing();
  });

  test("P-18: application data before Finished is not MQTT yet", async () => {
    const tls = await RawTls13.open(at.gateway.mqttPort);
    tls.send(tls.certificate(chain));
    tls.send(tls.certificateVerify(key));
    tls.records.send(ContentType.applicationData, connectBytes("d1"));
    await expectRefused(await outcomeOf(tls.records), "unexpected_message", "handshake_failed");
  });

  test("P-19: a Finished of zeros", async () => {
    const outcome = await attack13((tls) => {
      tls.send(tls.certificate(chain));
      tls.send(tls.certificateVerify(key));
      tls.send(handshakeMessage(HandshakeType.finished, Buffer.alloc(32)));
    });
    await expectRefused(outcome, "decrypt_error", "handshake_failed");
  });

  async function expectStillServing(): Promise<void> {
    expect(at.eventsOf("session.opened")).toEqual([]);
    const client = await at.connect(device);
    expect(client.connected).toBe(true);
  }
});

describe("TLS 1.2", () => {
  test("valid twin: Certificate, ClientKeyExchange, CertificateVerify, Finished in order get a CONNACK", async () => {
    const outcome = await attack12((tls) => {
      tls.send(tls.certificate(chain));
      tls.send(tls.clientKeyExchange());
      tls.send(tls.certificateVerify(key));
      tls.changeCipherSpec();
      tls.send(tls.finished());
    });
    expect(outcome.applicationData).toEqual(connack);
  });

  test("G-CERT-02: an empty Certificate message, then the normal flow", async () => {
    const outcome = await attack12((tls) => {
      tls.send(tls.certificate([]));
      tls.send(tls.clientKeyExchange());
      tls.changeCipherSpec();
      tls.send(tls.finished());
    });
    expect(outcome.applicationData).toHaveLength(0);
    expect(await at.refusal()).toBe("no_certificate");
  });

  test("G-CERT-11: a valid certificate with the signature of another key", async () => {
    const outcome = await attack12((tls) => {
      tls.send(tls.certificate(chain));
      tls.send(tls.clientKeyExchange());
      tls.send(tls.certificateVerify(strangerKey));
      tls.changeCipherSpec();
      tls.send(tls.finished());
    });
    await expectRefused(outcome, "decrypt_error", "bad_proof_of_possession");
  });

  test("G-CERT-12: CertificateVerify left out", async () => {
    const outcome = await attack12((tls) => {
      tls.send(tls.certificate(chain));
      tls.send(tls.clientKeyExchange());
      tls.changeCipherSpec();
      tls.send(tls.finished());
    });
    await expectRefused(outcome, "unexpected_message", "handshake_failed");
  });

  test("G-CERT-13: a true signature over another transcript", async () => {
    const outcome = await attack12((tls) => {
      tls.send(tls.certificate(chain));
      const transcript = tls.transcript();
      tls.send(tls.clientKeyExchange());
      tls.send(tls.certificateVerify(key, { transcript }));
      tls.changeCipherSpec();
      tls.send(tls.finished());
    });
    await expectRefused(outcome, "decrypt_error", "bad_proof_of_possession");
  });

  test("G-CERT-14: a SHA-1 signature", async () => {
    const outcome = await attack12((tls) => {
      tls.send(tls.certificate(chain));
      tls.send(tls.clientKeyExchange());
      tls.send(tls.certificateVerify(key, { hash: "sha1" }));
      tls.changeCipherSpec();
      tls.send(tls.finished());
    });
    await expectRefused(outcome, "illegal_parameter", "bad_proof_of_possession");
  });

  test("G-CERT-15: two Certificate messages", async () => {
    const other = await at.peer("d2");
    const outcome = await attack12((tls) => {
      tls.send(tls.certificate(chain));
      tls.send(tls.certificate([other.minted.certificate.der, at.pki.issuing.certificate.der]));
      tls.send(tls.clientKeyExchange());
      tls.send(tls.certificateVerify(key));
      tls.changeCipherSpec();
      tls.send(tls.finished());
    });
    await expectRefused(outcome, "unexpected_message", "handshake_failed");
  });

  test("P-18: Finished without ChangeCipherSpec, and ChangeCipherSpec before the keys", async () => {
    const early = await attack12((tls) => {
      tls.send(tls.certificate(chain));
      tls.changeCipherSpec();
    });
    expect(early.applicationData).toHaveLength(0);
    expect(early.alert).toBe("unexpected_message");
    expect(at.eventsOf("session.opened")).toEqual([]);
  });
});
