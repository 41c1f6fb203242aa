import { beforeAll, describe, expect, test } from "vitest";
import {
  type ConnectOptions,
  type DeviceIdentity,
  identityFromSigner,
} from "../../../device-client/index.ts";
import { assertTopicFilter, assertTopicName, parseOptions } from "../../../device-client/options.ts";
import { parseGateway } from "../../../device-client/session-options.ts";
import { mintPki } from "../../support/minted-pki.ts";

let identity: DeviceIdentity;

beforeAll(async () => {
  const { device, root } = await mintPki();
  identity = identityFromSigner(device.signer, { certificate: device.pem, ca: root.pem });
});

test.each([
  ["gw.test", "gw.test", 8883],
  ["gw.test:1234", "gw.test", 1234],
  ["192.0.2.1:1", "192.0.2.1", 1],
  ["2001:db8::1", "2001:db8::1", 8883],
  ["[2001:db8::1]:65535", "2001:db8::1", 65535],
])("gateway %s", (text, host, port) => {
  expect(parseGateway(text, 8883)).toEqual({ host, port, serverName: host });
});

test.each(["", ":8883", "gw:0", "gw:65536", "gw:x", "mqtt://gw", "mqtts://gw:8883", "[gw]:1", "a:b:c"])(
  "gateway %j is refused: there is no other scheme to fall back to",
  (text) => {
    expect(() => parseGateway(text, 8883)).toThrow(/gateway/);
  },
);

test("serverName is the host unless it is given", () => {
  expect(parseGateway({ host: "192.0.2.1", serverName: "gw.test" }, 8883)).toEqual({
    host: "192.0.2.1",
    port: 8883,
    serverName: "gw.test",
  });
  expect(() => parseGateway({ host: "192.0.2.1", serverName: "" }, 8883)).toThrow(TypeError);
});

test("the client id is the device id unless it is given", () => {
  expect(parseOptions({ identity, gateway: "gw" }).clientId).toBe("d1");
  expect(parseOptions({ identity, gateway: "gw", clientId: "d1/2" }).clientId).toBe("d1/2");
});

test("a session is persistent unless it is asked to be clean", () => {
  expect(parseOptions({ identity, gateway: "gw" }).cleanSession).toBe(false);
});

describe("bad options throw at once", () => {
  const bad: Record<string, Partial<ConnectOptions>> = {
    "keepalive beyond 16 bits": { keepaliveSeconds: 65536 },
    "no time to connect": { connectTimeoutMs: 0 },
    "an endless back-off": { reconnect: { maxMs: Number.POSITIVE_INFINITY } },
    "min above max": { reconnect: { minMs: 10, maxMs: 5 } },
    "an endless queue": { queue: { maxMessages: Number.POSITIVE_INFINITY } },
    "less TLS overhead than a record": { maxTlsOverheadBytes: 32_767 },
    "endless TLS overhead": { maxTlsOverheadBytes: Number.POSITIVE_INFINITY },
    "NUL in the client id": { clientId: "d1\0" },
    "an empty client id": { clientId: "" },
    "a will with a wildcard": { will: { topic: "a/#", payload: "" } },
  };
  test.each(Object.entries(bad))("%s", (_title, over) => {
    expect(() => parseOptions({ identity, gateway: "gw", ...over })).toThrow(/./);
  });
});

test("MQTT 3.1.1 §4.7.1: wildcards in filters stand alone, in topic names not at all", () => {
  for (const good of ["a", "/", "a/+/b", "#", "a/#", "+", "+/+"]) assertTopicFilter(good);
  for (const wrong of ["", "a#", "a/#/b", "a+", "a/b+/c", "\0", "\ud800", "x".repeat(65536)]) {
    expect(() => assertTopicFilter(wrong)).toThrow(TypeError);
  }
  for (const wrong of ["#", "a/+"]) expect(() => assertTopicName(wrong)).toThrow(TypeError);
});
