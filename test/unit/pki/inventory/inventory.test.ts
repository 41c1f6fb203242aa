import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Inventory } from "../../../../pki/inventory/index.ts";
import { newCertificate } from "../../../support/new-certificate.ts";

let directory: string;
let inventory: Inventory;
let now = new Date("2026-11-23T12:00:00Z");

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "sallyport-inventory-"));
  now = new Date("2026-11-23T12:00:00Z");
  inventory = Inventory.open(directory, { create: true, actor: "tester", now: () => now });
  inventory.addDevice({ id: "pump-1", kind: "device", group: "cellar" });
});

afterEach(() => {
  inventory.close();
  rmSync(directory, { recursive: true, force: true });
});

function refused(code: string) {
  return expect.objectContaining({ name: "PkiError", code });
}

describe("devices", () => {
  test("a device is found by its exact id and, when asked, by its kind", () => {
    const device = { id: "pump-1", kind: "device", group: "cellar", status: "active", createdAt: now };
    expect(inventory.device("pump-1")).toEqual(device);
    expect(inventory.device("pump-1", "device")).toEqual(device);
    expect(inventory.device("pump-1", "operator")).toBeUndefined();
    expect(inventory.device("PUMP-1")).toBeUndefined();
    expect(inventory.device("pump-2")).toBeUndefined();
  });

  test.each(["a/b", "a+b", "#", "", "a\0", "a".repeat(65), "__proto__", "constructor", " a", "ü"])(
    "an id that could break a topic or a file name is refused: %j",
    (id) => {
      expect(() => inventory.addDevice({ id, kind: "device" })).toThrow(refused("PKI_IDENTITY_NAME"));
      expect(() => inventory.addDevice({ id: "ok", kind: "device", group: id })).toThrow(
        refused("PKI_IDENTITY_NAME"),
      );
      expect(inventory.devices()).toHaveLength(1);
    },
  );

  test.each(["pump-1", "PUMP-1"])("an id that is taken, in any case, is refused: %s", (id) => {
    expect(() => inventory.addDevice({ id, kind: "device" })).toThrow(refused("PKI_DEVICE_EXISTS"));
  });

  test("an operator cannot take a device's id: both would have one MQTT client id", () => {
    expect(() => inventory.addDevice({ id: "pump-1", kind: "operator" })).toThrow(
      refused("PKI_DEVICE_EXISTS"),
    );
  });

  test("devices are listed by kind, group and status", () => {
    inventory.addDevice({ id: "alice", kind: "operator" });
    inventory.addDevice({ id: "pump-2", kind: "device" });
    inventory.retireDevice("pump-2");
    expect(inventory.devices().map(({ id }) => id)).toEqual(["alice", "pump-1", "pump-2"]);
    expect(inventory.devices({ kind: "operator" }).map(({ id }) => id)).toEqual(["alice"]);
    expect(inventory.devices({ group: "cellar" }).map(({ id }) => id)).toEqual(["pump-1"]);
    expect(inventory.devices({ status: "retired" }).map(({ id }) => id)).toEqual(["pump-2"]);
  });

  test("a device changes its group and leaves it", () => {
    inventory.setGroup("pump-1", "roof");
    expect(inventory.device("pump-1")?.group).toBe("roof");
    inventory.setGroup("pump-1", undefined);
    expect(inventory.device("pump-1")).not.toHaveProperty("group");
    expect(() => inventory.setGroup("pump-9", "roof")).toThrow(refused("PKI_DEVICE_UNKNOWN"));
  });
});

describe("certificates", () => {
  test("a recorded certificate is found by its fingerprint, with every field", () => {
    const certificate = newCertificate();
    inventory.recordCertificates([certificate]);
    expect(inventory.certificate(certificate.fingerprint)).toEqual({
      ...certificate,
      der: new Uint8Array(certificate.der),
    });
    expect(inventory.certificate("00".repeat(32))).toBeUndefined();
  });

  test("a device's certificates are listed, the newest first", () => {
    const first = newCertificate();
    const second = newCertificate();
    inventory.recordCertificates([first]);
    inventory.recordCertificates([second]);
    expect(inventory.certificatesOf("pump-1").map(({ fingerprint }) => fingerprint)).toEqual([
      second.fingerprint,
      first.fingerprint,
    ]);
    expect(inventory.certificatesOf("pump-1", "operator")).toEqual([]);
  });

  test("E-08: one public key for two devices is refused, for renewal of the same device it is not", () => {
    inventory.addDevice({ id: "pump-2", kind: "device" });
    const certificate = newCertificate();
    inventory.recordCertificates([certificate]);
    const { spki } = certificate;
    expect(() => inventory.recordCertificates([newCertificate({ spki, identityId: "pump-2" })])).toThrow(
      refused("PKI_DUPLICATE_KEY"),
    );
    inventory.recordCertificates([newCertificate({ spki })]);
    expect(inventory.counts().certificates).toBe(2);
  });

  test("E-08: the authority's own key is refused for a device", () => {
    const root = newCertificate({ identityKind: "ca", identityId: "root", profile: "root" });
    inventory.recordCertificates([root]);
    expect(() => inventory.recordCertificates([newCertificate({ spki: root.spki })])).toThrow(
      refused("PKI_DUPLICATE_KEY"),
    );
  });

  test("a key that was revoked as compromised gets no further certificate", () => {
    const certificate = newCertificate();
    inventory.recordCertificates([certificate]);
    inventory.revoke(certificate.fingerprint, { reason: "keyCompromise", at: now });
    expect(() => inventory.recordCertificates([newCertificate({ spki: certificate.spki })])).toThrow(
      refused("PKI_DUPLICATE_KEY"),
    );
  });

  test("E-12: one serial number of one issuer is used once", () => {
    const { serialNumber } = newCertificate();
    inventory.recordCertificates([newCertificate({ serialNumber })]);
    expect(() => inventory.recordCertificates([newCertificate({ serialNumber })])).toThrow(
      refused("PKI_DUPLICATE_SERIAL"),
    );
    inventory.recordCertificates([newCertificate({ serialNumber, issuerKeyId: "bb".repeat(32) })]);
  });

  test("a certificate for an unknown, a retired or another kind of device is refused", () => {
    const record = (over: object) => () => inventory.recordCertificates([newCertificate(over)]);
    expect(record({ identityId: "nobody" })).toThrow(refused("PKI_DEVICE_UNKNOWN"));
    expect(record({ identityKind: "operator" })).toThrow(refused("PKI_DEVICE_UNKNOWN"));
    inventory.retireDevice("pump-1");
    expect(record({})).toThrow(refused("PKI_DEVICE_RETIRED"));
  });

  test("a batch is recorded whole or not at all, its audit entries with it", () => {
    const before = inventory.audit.head();
    const good = newCertificate();
    expect(() => inventory.recordCertificates([good, newCertificate({ identityId: "nobody" })])).toThrow(
      refused("PKI_DEVICE_UNKNOWN"),
    );
    expect(inventory.certificate(good.fingerprint)).toBeUndefined();
    expect(inventory.audit.head()).toEqual(before);
    inventory.recordCertificates(Array.from({ length: 500 }, () => newCertificate()));
    expect(inventory.audit.head().seq).toBe(before.seq + 500);
  });

  test("a transaction of several steps happens whole or not at all", () => {
    const work = () => {
      inventory.addDevice({ id: "pump-2", kind: "device" });
      inventory.recordCertificates([newCertificate({ identityId: "nobody" })]);
    };
    expect(() => inventory.transaction(work)).toThrow(refused("PKI_DEVICE_UNKNOWN"));
    expect(inventory.device("pump-2")).toBeUndefined();
  });

  test("what runs out is listed, without what is revoked", () => {
    const soon = newCertificate({ notAfter: new Date("2026-12-01T00:00:00Z") });
    const gone = newCertificate({ notAfter: new Date("2026-12-01T00:00:00Z") });
    inventory.recordCertificates([soon, gone, newCertificate()]);
    inventory.revoke(gone.fingerprint, { reason: "superseded", at: now });
    const expiring = inventory.expiringCertificates(new Date("2026-12-24T00:00:00Z"));
    expect(expiring.map(({ fingerprint }) => fingerprint)).toEqual([soon.fingerprint]);
  });
});

describe("revocation", () => {
  test("a revocation shows on the certificate and in the issuer's list", () => {
    const certificate = newCertificate();
    inventory.recordCertificates([certificate, newCertificate()]);
    const at = new Date("2026-11-23T11:59:59Z");
    expect(inventory.revoke(certificate.fingerprint, { reason: "keyCompromise", at })).toBe(true);
    expect(inventory.certificate(certificate.fingerprint)).toMatchObject({
      revokedAt: at,
      revocationReason: "keyCompromise",
    });
    const { fingerprint, serialNumber, notAfter, issuerKeyId } = certificate;
    expect(inventory.revoked(issuerKeyId)).toEqual([
      { fingerprint, serialNumber, reason: "keyCompromise", revokedAt: at, notAfter },
    ]);
    expect(inventory.revoked("bb".repeat(32))).toEqual([]);
  });

  test("a second revocation changes nothing: the first reason and time stay", () => {
    const certificate = newCertificate();
    inventory.recordCertificates([certificate]);
    inventory.revoke(certificate.fingerprint, { reason: "keyCompromise", at: now });
    const head = inventory.audit.head();
    expect(inventory.revoke(certificate.fingerprint, { reason: "superseded", at: new Date(0) })).toBe(false);
    expect(inventory.certificate(certificate.fingerprint)?.revocationReason).toBe("keyCompromise");
    expect(inventory.audit.head()).toEqual(head);
  });

  test("an unknown certificate cannot be revoked", () => {
    expect(() => inventory.revoke("00".repeat(32), { reason: "unspecified", at: now })).toThrow(
      refused("PKI_CERTIFICATE_UNKNOWN"),
    );
  });
});

describe("CRL numbers", () => {
  const issuer = "aa".repeat(32);

  test("RFC 5280 §5.2.3: numbers of one issuer only grow, each issuer has its own", () => {
    const numbers = [issuer, issuer, "bb".repeat(32), issuer].map(
      (id) => inventory.crlNumbers.take(id, now, now).number,
    );
    expect(numbers).toEqual([1, 2, 1, 3]);
  });

  test("E-11: a list that was slower to be signed does not replace a newer one", () => {
    const older = inventory.crlNumbers.take(issuer, now, now);
    const newer = inventory.crlNumbers.take(issuer, now, now);
    expect(inventory.crlNumbers.latest(issuer)).toBeUndefined();
    inventory.crlNumbers.store({ ...newer, der: Uint8Array.of(2) });
    inventory.crlNumbers.store({ ...older, der: Uint8Array.of(1) });
    expect(inventory.crlNumbers.latest(issuer)).toEqual({ ...newer, der: Uint8Array.of(2) });
  });
});
