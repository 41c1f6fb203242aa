import { beforeAll, describe, expect, test } from "vitest";
import { readOptions } from "../../../gateway/options.ts";
import { mintPki } from "../../support/minted-pki.ts";
import { gatewayOptions, TestRegistry } from "../../support/test-gateway.ts";

let options: ReturnType<typeof gatewayOptions>;

beforeAll(async () => {
  options = gatewayOptions(await mintPki(), new TestRegistry());
});

describe("DTLS", () => {
  test("is off unless a port is named, and then requires the extended master secret", () => {
    const { dtlsPort, dangerouslyAllowMissingExtendedMasterSecret } = readOptions(options);
    expect([dtlsPort, dangerouslyAllowMissingExtendedMasterSecret]).toEqual([undefined, false]);
  });

  test.each([0, 5684, 65_535, "if-free"] as const)("port %s is one", (dtlsPort) => {
    expect(readOptions({ ...options, dtlsPort }).dtlsPort).toBe(dtlsPort);
  });

  test.each([-1, 65_536, 1.5, "5684", null, true])("port %s is none", (dtlsPort) => {
    expect(() => readAnything({ ...options, dtlsPort })).toThrow(/dtlsPort must be/);
  });

  test.each(["yes", 1, null])("the dangerous option takes no %s for true", (value) => {
    const given = { ...options, dangerouslyAllowMissingExtendedMasterSecret: value };
    expect(() => readAnything(given)).toThrow(/must be true or false/);
  });

  test.each(["clientAuth", "dangerouslyAllowAnonymousClients", "psk", "rejectUnauthorized"])(
    "there is no option %s: client certificates are always required, and pre-shared keys not taken",
    (name) => {
      expect(() => readAnything({ ...options, [name]: false })).toThrow(/is not an option of the gateway/);
    },
  );
});

/** As a program without types would call it. */
function readAnything(given: object): unknown {
  return Reflect.apply(readOptions, undefined, [given]);
}
