import { describe, expect, test } from "vitest";
import { readConnectOptions } from "../../../../dtls/endpoint/read-connect-options.ts";
import { readListenOptions } from "../../../../dtls/endpoint/read-listen-options.ts";
import { certificateCredential, createSecureContext, KeySigner } from "../../../../dtls/index.ts";
import { encodePem } from "../../../../pki/index.ts";
import { mintCa, mintRoot, mintServer } from "../../../support/chain-builder.ts";
import { dtlsErrorCode } from "../../../support/dtls/dtls-error-code.ts";

const root = mintRoot();
const issuing = mintCa(root);
const server = mintServer(issuing, ["gateway.example"]);
const ca = encodePem("CERTIFICATE", root.der);
const cert = encodePem("CERTIFICATE", server.der) + encodePem("CERTIFICATE", issuing.der);
const key = server.key.export({ type: "pkcs8", format: "pem" });
const credential = certificateCredential({ cert, key });

describe("a secure context", () => {
  test("is read once, and serves servers and clients alike", async () => {
    const secureContext = createSecureContext({ cert, key, ca, ciphers: ["ECDHE-ECDSA-AES128-GCM-SHA256"] });
    const question = {
      serverName: undefined,
      certificateTypes: ["X509"],
      signatureSchemes: [0x0403],
      certificateAuthorities: [],
    } as const;
    const plans = [
      readListenOptions({ port: 0, secureContext }),
      readConnectOptions("gateway.example", 1, { secureContext }),
    ];
    const [server, client] = plans;
    const shown = await server?.knowledge.credential(question);
    expect(shown?.chain).toEqual(credential.chain);
    expect(shown?.signer).toBeInstanceOf(KeySigner);
    expect(await client?.knowledge.credential(question)).toBe(shown);
    for (const { association } of plans) {
      expect(association.cipherSuites.map(({ name }) => name)).toEqual([
        "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
      ]);
    }
  });

  test("says what is wrong when it is made, not when it is used", () => {
    for (const options of [{ cert }, { key }, { cert, key: "no key" }, { ca: "nothing" }]) {
      expect(dtlsErrorCode(() => createSecureContext(options))).toBe("DTLS_OPTIONS_INVALID");
    }
    const odd: object = { port: 1 };
    expect(() => createSecureContext(odd)).toThrow(/port is not an option of createSecureContext/);
  });

  test("stands for its options alone: none of them beside it, and nothing that only looks like one", () => {
    const secureContext = createSecureContext({ cert, key, ca });
    expect(() => readListenOptions({ port: 0, secureContext, ca })).toThrow(
      /ca belongs into the secureContext/,
    );
    const forged: object = { secureContext: Object.create(Object.getPrototypeOf(secureContext)), port: 0 };
    expect(() => readConnectOptions("gateway.example", 1, forged)).toThrow(/createSecureContext/);
  });

  test("whom to trust is still to be said", () => {
    const secureContext = createSecureContext({ cert, key });
    expect(() => readListenOptions({ port: 0, secureContext })).toThrow(/ca or verifyPeer/);
    expect(() => readConnectOptions("gateway.example", 1, { secureContext })).toThrow(/ca or verifyPeer/);
  });
});
