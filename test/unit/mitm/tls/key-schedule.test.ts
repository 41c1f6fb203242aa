import { describe, expect, test } from "vitest";
import { KeySchedule, trafficKeys } from "../../../../mitm/tls/key-schedule.ts";
import { RecordKeys } from "../../../../mitm/tls/record-keys.ts";
import { suite12, suite13, suites12, suites13 } from "../../../../mitm/tls/suites.ts";

const hex = (text: string) => Uint8Array.from(Buffer.from(text, "hex"));
const shown = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");

describe("RFC 8448 §3, a simple 1-RTT handshake", () => {
  const shared = hex("8bd4054fb55b9d63fdfbacf9f04b9f0d35e6d63f537563efd46272900f89492d");
  const upToServerHello = hex("860c06edc07858ee8e78f0e7428c58edd6b43f2ca3e6e95f02ed063cf0e1cad8");
  const upToServerFinished = hex("9608102a0f1ccc6db6250b7b7e417b1a000eaada3daae4777a7686c9ff83df13");
  const upToClientFinished = hex("209145a96ee8e2a122ff810047cc952684658d6049e86429426db87c54ad143d");
  const schedule = new KeySchedule("sha256");

  test("the handshake traffic secrets, then those after it", () => {
    const { client, server } = schedule.handshakeTraffic(shared, upToServerHello);
    expect(shown(client)).toBe("b3eddb126e067f35a780b3abf45e2d8f3b1a950738f52e9600746a0e27a55a21");
    expect(shown(server)).toBe("b67b7d690cc16c4e75e54213cb2d37b4e9c912bcded9105d42befd59d391ad38");
    const application = schedule.applicationTraffic(upToServerFinished);
    expect(shown(application.client)).toBe(
      "9e40646ce79a7f9dc05af8889bce6552875afa0b06df0087f792ebb7c17504a5",
    );
    expect(shown(application.server)).toBe(
      "a11af9f05531f856ad47116b45a950328204b4f44bfb6b3a4b4f1f3fcb631643",
    );
    const exporter = schedule.exporter(upToServerFinished);
    expect(shown(exporter)).toBe("fe22f881176eda18eb8f44529e6792c50c9a3f89452f68d8ae311b4309d3cf50");
    const psk = schedule.resumptionPsk(upToClientFinished, hex("0000"));
    expect(shown(psk)).toBe("4ecd0eb6ec3b4d87f5d6028f922ca4c5851a277fd41311c9e62d2c9492e1c4f3");
  });
});

const everySuite = [
  ...suites13.map(({ name, aead }) => ({ version: "TLS 1.3" as const, name, aead })),
  ...suites12.map(({ name, aead }) => ({ version: "TLS 1.2" as const, name, aead })),
];

describe("records", () => {
  for (const { version, name, aead } of everySuite) {
    const fresh = () => {
      const iv = version === "TLS 1.3" ? 12 : aead.fixedIvLength;
      return new RecordKeys(
        version,
        aead,
        new Uint8Array(aead.keyLength).fill(7),
        new Uint8Array(iv).fill(9),
      );
    };

    test(`${name}: what was sealed is opened, in order, once`, () => {
      const sealing = fresh();
      const opening = fresh();
      const records = ["a", "", "ccc"].map((text) => sealing.seal(23, Buffer.from(text)));
      for (const [index, text] of ["a", "", "ccc"].entries()) {
        const opened = opening.open(records[index] ?? new Uint8Array());
        expect(opened?.type).toBe(23);
        expect(Buffer.from(opened?.fragment ?? []).toString()).toBe(text);
      }
      expect(opening.open(records[2] ?? new Uint8Array())).toBeUndefined();
    });

    test(`${name}: a bit anywhere is noticed`, () => {
      const record = fresh().seal(23, Buffer.from("data"));
      for (let at = 0; at < record.length; at += 1) {
        // RFC 5246 §6.2.3.3: the version and length of the header are part of what is authenticated, as this end
        // says them; in TLS 1.3 as they came.
        if (version === "TLS 1.2" && at > 0 && at < 5) continue;
        const changed = Uint8Array.from(record);
        changed[at] = (changed[at] ?? 0) ^ 1;
        expect(fresh().open(changed), `byte ${at}`).toBeUndefined();
      }
      expect(fresh().open(record.subarray(0, 9))).toBeUndefined();
    });
  }

  test("padding of TLS 1.3, and nothing but padding", () => {
    const suite = suite13(0x1301);
    if (suite === undefined) throw new Error("no suite");
    const keys = () => trafficKeys(suite, new Uint8Array(32));
    const record = keys().seal(22, Buffer.from("x"), 100);
    expect(record).toHaveLength(5 + 1 + 1 + 100 + 16);
    const opened = keys().open(record);
    expect(opened?.type).toBe(22);
    expect(Buffer.from(opened?.fragment ?? []).toString()).toBe("x");
    expect(keys().open(keys().seal(0, new Uint8Array(3)))).toMatchObject({ type: 0 });
  });

  test("suites by their number", () => {
    expect(suite12(0x1301)).toBeUndefined();
    expect(suite13(0xc02b)).toBeUndefined();
    expect(suite12(0xc02b)?.name).toBe("TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256");
  });
});
