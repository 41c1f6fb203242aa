import { inspect } from "node:util";
import { beforeAll, describe, expect, test } from "vitest";
import { parseDtlsOptions, parsePskOptions } from "../../../device-client/dtls-options.ts";
import { type DeviceIdentity, dtlsDefaults, identityFromSigner } from "../../../device-client/index.ts";
import { spkiPin } from "../../../pki/index.ts";
import { mintPki } from "../../support/minted-pki.ts";

let identity: DeviceIdentity;

beforeAll(async () => {
  const { device, root } = await mintPki();
  identity = identityFromSigner(device.signer, { certificate: device.pem, ca: root.pem });
});

describe("connectDtls", () => {
  test("what is left out is what dtlsDefaults says, and the port is 5684", () => {
    expect(parseDtlsOptions({ identity, gateway: "gw.test" })).toMatchObject({
      gateway: { host: "gw.test", port: 5684, serverName: "gw.test" },
      connectTimeoutMs: dtlsDefaults.connectTimeoutMs,
      silenceMs: 30_000,
      retransmission: { initialMs: 1000, maximumMs: 60_000 },
      pins: [],
      revocation: "when-available",
    });
  });

  test("a pin of a trust anchor pins nothing and is refused", () => {
    const [anchor] = identity.anchors;
    const pins = anchor === undefined ? [] : [spkiPin(anchor)];
    expect(() => parseDtlsOptions({ identity, gateway: "gw.test", pins })).toThrow(/trust anchor/);
  });

  test.each([
    ["silenceMs", { silenceMs: -1 }],
    ["silenceMs", { silenceMs: 1.5 }],
    ["connectTimeoutMs", { connectTimeoutMs: 0 }],
    ["retransmission.initialMs", { retransmission: { initialMs: 0 } }],
    ["retransmission.initialMs", { retransmission: { initialMs: 9 } }],
    ["retransmission.maximumMs", { retransmission: { maximumMs: Number.NaN } }],
    ["retransmission.maximumMs", { retransmission: { initialMs: 2000, maximumMs: 1000 } }],
    ["connectTimeoutMs", { connectTimeoutMs: 3_600_001 }],
    ["reconnect.minMs", { reconnect: { minMs: 0 } }],
  ])("a bad %s is a RangeError that names it", (name, over) => {
    expect(() => parseDtlsOptions({ identity, gateway: "gw.test", ...over })).toThrow(
      new RegExp(`^${name.replace(".", "\\.")} `),
    );
  });
});

describe("connectPsk", () => {
  const key = new Uint8Array(16).fill(5);

  test("our own stack unless another is named", () => {
    const { transport, psk } = parsePskOptions({ identity: "d1", key, gateway: "gw.test" });
    expect([transport, psk.identity, [...psk.exportKey()]]).toEqual(["dtls", "d1", [...key]]);
  });

  test("the caller may wipe its key", () => {
    const own = Uint8Array.from(key);
    const { psk } = parsePskOptions({ identity: "d1", key: own, gateway: "gw.test" });
    own.fill(0);
    expect([...psk.exportKey()]).toEqual([...key]);
    expect(inspect(psk, { showHidden: true })).not.toContain("5, 5, 5");
  });

  test.each([0, 1, 15, 65])("a key of %i bytes is refused: RFC 9257 §6, and RFC 4279 §5.3", (length) => {
    const given = { identity: "d1", key: new Uint8Array(length), gateway: "gw.test" };
    expect(() => parsePskOptions(given)).toThrow(/^key is 16 to 64 octets/);
  });

  test.each(["", "x".repeat(129), "\ud800"])("identity %j is refused", (name) => {
    expect(() => parsePskOptions({ identity: name, key, gateway: "gw.test" })).toThrow(/^identity is/);
  });
});
