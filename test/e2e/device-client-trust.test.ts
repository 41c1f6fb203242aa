/**
 * What a device must refuse in a gateway's certificate. Each case runs against two servers: the attacker's, which
 * must get a connection and not one byte of MQTT, and its valid twin, which must get a session.
 */
import { createServer, type Socket } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  type ConnectOptions,
  connect,
  DeviceError,
  type DeviceErrorCode,
  identityFromSigner,
} from "../../device-client/index.ts";
import {
  type CertificateList,
  ExtendedKeyUsage,
  exportPublicKey,
  generatePrivateKey,
  KeySigner,
  keyIdentifierOf,
  makeExtension,
  parseCertificateList,
  signCertificateList,
  spkiPin,
} from "../../pki/index.ts";
import {
  deviceRecipe,
  dnsName,
  gatewayRecipe,
  issuingRecipe,
  type Minted,
  type MintedPki,
  mint,
  mintPki,
  rootRecipe,
} from "../support/minted-pki.ts";
import { portOf, type ServerIdentity, startRogueServer } from "../support/rogue-server.ts";
import { startTlsBroker, type TlsBroker } from "../support/tls-broker.ts";
import { until } from "../support/until.ts";

const day = 24 * 60 * 60 * 1000;
const past = new Date(Date.now() - 40 * day);
const yesterday = new Date(Date.now() - day);

let pki: MintedPki;
let honest: TlsBroker;
let revoked: Minted;
const crls = new Map<string, CertificateList>();

beforeAll(async () => {
  pki = await mintPki();
  revoked = await mint(gatewayRecipe(pki.issuing));
  for (const issuer of [pki.root, pki.issuing]) {
    for (const kind of ["current", "stale", "forged"] as const) {
      crls.set(`${issuer.name.toString()} ${kind}`, await makeCrl(issuer, kind));
    }
  }
  honest = await startTlsBroker(serving(pki.gateway, pki.issuing), pki.root.pem);
});

afterAll(() => honest[Symbol.asyncDispose]());

interface Case {
  /** What the attacker serves. */
  readonly rogue: () => ServerIdentity | Promise<ServerIdentity>;
  readonly code: DeviceErrorCode;
  /** Code of the PkiError underneath. */
  readonly rule?: RegExp;
  /** What the device asks for, of the attacker and of the twin alike. */
  readonly asks?: () => Partial<ConnectOptions>;
  /** Of the attacker alone. */
  readonly asksRogue?: () => Partial<ConnectOptions>;
}

const untrusted = "DEVICE_GATEWAY_UNTRUSTED";
const wrongName = "DEVICE_GATEWAY_NAME_MISMATCH";

const cases: Record<string, Case> = {
  "D-CERT-01: a rogue root of the same name": {
    rogue: async () => {
      const root = await mint(rootRecipe());
      const issuing = await mint(issuingRecipe(root));
      return serving(await mint(gatewayRecipe(issuing)), issuing, root);
    },
    code: untrusted,
    rule: /BAD_SIGNATURE|UNKNOWN_ISSUER|SELF_SIGNED/,
  },
  "D-CERT-02: a self-signed certificate with the right name": {
    rogue: async () => serving(await mint({ ...gatewayRecipe(pki.issuing), issuer: undefined })),
    code: untrusted,
    rule: /SELF_SIGNED|UNKNOWN_ISSUER/,
  },
  "D-CERT-03: the real names and the attacker's key: the signature does not fit": {
    rogue: async () => {
      const impostor = await mint(rootRecipe());
      const issuer = { name: pki.issuing.name, signer: impostor.signer };
      return serving(await mint(gatewayRecipe(pki.issuing, { issuer })), pki.issuing);
    },
    code: untrusted,
    rule: /BAD_SIGNATURE|UNKNOWN_ISSUER/,
  },
  "D-CERT-04: expired": {
    rogue: async () => gatewayWith({ notBefore: past, notAfter: yesterday }),
    code: untrusted,
    rule: /PKI_PATH_EXPIRED/,
  },
  "D-CERT-05: not yet valid": {
    rogue: async () => gatewayWith({ notBefore: new Date(Date.now() + day) }),
    code: untrusted,
    rule: /PKI_PATH_NOT_YET_VALID/,
  },
  "D-CERT-05: a device clock that is too early opens nothing": {
    rogue: async () => serving(pki.gateway, pki.issuing),
    code: untrusted,
    rule: /PKI_PATH_NOT_YET_VALID/,
    asksRogue: () => ({ now: () => new Date("2020-01-01T00:00:00Z") }),
  },
  "D-CERT-06: an expired issuing CA under a fresh leaf": {
    rogue: async () => {
      const issuing = await mint(issuingRecipe(pki.root, { notBefore: past, notAfter: yesterday }));
      return serving(await mint(gatewayRecipe(issuing)), issuing);
    },
    code: untrusted,
    rule: /PKI_PATH_EXPIRED/,
  },
  "D-CERT-07: a valid chain for another host": {
    rogue: async () => gatewayWith({ subjectAltName: [dnsName("other.test")] }),
    code: wrongName,
    rule: /NAME_MISMATCH/,
  },
  "D-CERT-08: RFC 9525: the name in the common name alone": {
    rogue: async () => gatewayWith({ commonName: "gateway.test", subjectAltName: undefined }),
    code: wrongName,
    rule: /NAME_MISMATCH/,
  },
  "D-CERT-09: RFC 9525: the DNS name as a URI": {
    rogue: async () =>
      gatewayWith({ subjectAltName: [{ type: "uniformResourceIdentifier", value: "mqtts://gateway.test" }] }),
    code: wrongName,
    rule: /NAME_MISMATCH/,
  },
  "D-CERT-09: RFC 9525: an IP address spelled as a DNS name": {
    rogue: async () => gatewayWith({ subjectAltName: [dnsName("127.0.0.1")] }),
    code: wrongName,
    asks: () => ({ gateway: { host: "127.0.0.1", serverName: "127.0.0.1" } }),
  },
  "D-CERT-10: RFC 9525 §6.3: a partial wildcard": {
    rogue: async () => gatewayWith({ subjectAltName: [dnsName("gate*.test")] }),
    code: wrongName,
  },
  "D-CERT-10: a bare wildcard": {
    rogue: async () => gatewayWith({ subjectAltName: [dnsName("*")] }),
    code: wrongName,
  },
  "D-CERT-10: RFC 9525 §6.3: a wildcard over two labels": {
    rogue: async () => gatewayWith({ subjectAltName: [dnsName("*.plant.test")] }),
    code: wrongName,
    asksRogue: () => ({ gateway: { host: "127.0.0.1", serverName: "gateway.north.plant.test" } }),
  },
  "D-CERT-11: a NUL in the name": {
    rogue: async () => gatewayWith({ subjectAltName: [dnsName("gateway.test\0.evil.test")] }),
    code: untrusted,
  },
  "D-CERT-12: a stolen device certificate shown as the gateway's": {
    rogue: async () =>
      gatewayWith({
        extendedKeyUsage: [ExtendedKeyUsage.clientAuth],
        subjectAltName: [dnsName("gateway.test")],
      }),
    code: untrusted,
    rule: /EXTENDED_KEY_USAGE/,
  },
  "D-CERT-12: a device certificate as issued, with its URI": {
    rogue: async () => serving(pki.device, pki.issuing),
    code: untrusted,
    rule: /EXTENDED_KEY_USAGE/,
  },
  "D-CERT-13: no extended key usage at all": {
    rogue: async () => gatewayWith({ extendedKeyUsage: undefined }),
    code: untrusted,
    rule: /EXTENDED_KEY_USAGE/,
  },
  "D-CERT-13: anyExtendedKeyUsage": {
    rogue: async () => gatewayWith({ extendedKeyUsage: [ExtendedKeyUsage.anyExtendedKeyUsage] }),
    code: untrusted,
    rule: /EXTENDED_KEY_USAGE/,
  },
  "D-CERT-14: RFC 5280 §6.1.4 (k): a leaf that acts as a CA": {
    rogue: async () => {
      const leaf = await mint(gatewayRecipe(pki.issuing, { subjectAltName: [dnsName("other.test")] }));
      return serving(await mint(gatewayRecipe(leaf)), leaf, pki.issuing);
    },
    code: untrusted,
    rule: /NOT_A_CA|PATH_LENGTH|UNKNOWN_ISSUER/,
  },
  "D-CERT-15: RFC 5280 §4.2.1.9: one CA more than pathLenConstraint": {
    rogue: async () => {
      const further = await mint(issuingRecipe(pki.issuing, { commonName: "Further CA" }));
      return serving(await mint(gatewayRecipe(further)), further, pki.issuing);
    },
    code: untrusted,
    rule: /PATH_LENGTH/,
  },
  "D-CERT-16: RFC 5280 §4.2.1.10: a constrained CA outside its tree": {
    rogue: () =>
      constrained({ permittedSubtrees: [dnsName("elsewhere.test")], excludedSubtrees: [] }, "gateway.test"),
    code: untrusted,
    rule: /NAME_CONSTRAINTS/,
  },
  "D-CERT-17: a wildcard that reaches into an excluded subtree": {
    rogue: () =>
      constrained(
        { permittedSubtrees: [], excludedSubtrees: [dnsName("gateway.plant.test")] },
        "*.plant.test",
      ),
    code: untrusted,
    rule: /NAME_CONSTRAINTS/,
    asksRogue: () => ({ gateway: { host: "127.0.0.1", serverName: "gateway.plant.test" } }),
  },
  "D-CERT-18: an issuing CA without basicConstraints": {
    rogue: () => issuedBy({ ca: undefined }),
    code: untrusted,
    rule: /NOT_A_CA/,
  },
  "D-CERT-18: an issuing CA without keyCertSign": {
    rogue: () => issuedBy({ keyUsage: ["cRLSign"] }),
    code: untrusted,
    rule: /KEY_USAGE/,
  },
  "D-CERT-19: a gateway certificate that is a CA": {
    rogue: async () => gatewayWith({ ca: { ca: true }, keyUsage: ["digitalSignature", "keyCertSign"] }),
    code: untrusted,
    rule: /LEAF_IS_CA|PATH_LENGTH/,
  },
  "D-CERT-23: RFC 5280 §4.2: an unknown critical extension": {
    rogue: () =>
      gatewayWith({
        extensions: [makeExtension.otherExtension("1.3.6.1.4.1.55555.1", true, Uint8Array.of(5, 0))],
      }),
    code: untrusted,
    rule: /UNKNOWN_CRITICAL_EXTENSION/,
  },
  "D-CERT-24: a revoked certificate": {
    rogue: () => serving(revoked, pki.issuing),
    code: untrusted,
    rule: /PKI_PATH_REVOKED/,
    asks: () => ({ crls: [crlOf(pki.issuing, "current")] }),
  },
  "D-CERT-25: a stale CRL where a current one is required": {
    rogue: () => serving(pki.gateway, pki.issuing),
    code: untrusted,
    rule: /PKI_PATH_CRL_EXPIRED/,
    asks: () => ({
      revocation: "require",
      crls: [crlOf(pki.root, "current"), crlOf(pki.issuing, "current")],
    }),
    asksRogue: () => ({ crls: [crlOf(pki.root, "current"), crlOf(pki.issuing, "stale")] }),
  },
  "D-CERT-25: no CRL where one is required": {
    rogue: () => serving(pki.gateway, pki.issuing),
    code: untrusted,
    rule: /PKI_PATH_CRL_MISSING/,
    asks: () => ({
      revocation: "require",
      crls: [crlOf(pki.root, "current"), crlOf(pki.issuing, "current")],
    }),
    asksRogue: () => ({ crls: [] }),
  },
  "D-CERT-25: a CRL that the attacker signed does not stand in for the CA's": {
    rogue: () => serving(revoked, pki.issuing),
    code: untrusted,
    rule: /PKI_PATH_(CRL|BAD_SIGNATURE)/,
    asks: () => ({
      revocation: "require",
      crls: [crlOf(pki.root, "current"), crlOf(pki.issuing, "current")],
    }),
    asksRogue: () => ({ crls: [crlOf(pki.root, "current"), crlOf(pki.issuing, "forged")] }),
  },
  "D-CERT-27: a valid chain from our own CA with another key than the pinned ones": {
    rogue: () => gatewayWith({}),
    code: "DEVICE_PIN_MISMATCH",
    asks: () => ({ pins: [spkiPin(pki.gateway.certificate)] }),
  },
  "D-CERT-27: the next pin does not let a third key in": {
    rogue: () => gatewayWith({}),
    code: "DEVICE_PIN_MISMATCH",
    asks: () => ({
      pins: [`sha256/${Buffer.alloc(32, 7).toString("base64")}`, spkiPin(pki.gateway.certificate)],
    }),
  },
  "D-CERT-27: a pinned certificate that is sent along but is not in the validated path": {
    rogue: async () => {
      const leaf = await mint(gatewayRecipe(pki.issuing));
      return serving(leaf, pki.issuing, pki.gateway);
    },
    code: "DEVICE_PIN_MISMATCH",
    asks: () => ({ pins: [spkiPin(pki.gateway.certificate)] }),
  },
  "D-CERT-28: the pinned key under another host name": {
    rogue: () => gatewayWith({ signer: pki.gateway.signer, subjectAltName: [dnsName("other.test")] }),
    code: wrongName,
    asks: () => ({ pins: [spkiPin(pki.gateway.certificate)] }),
  },
  "D-CERT-29: the pinned key in an expired certificate": {
    rogue: () => gatewayWith({ signer: pki.gateway.signer, notBefore: past, notAfter: yesterday }),
    code: untrusted,
    rule: /PKI_PATH_EXPIRED/,
    asks: () => ({ pins: [spkiPin(pki.gateway.certificate)] }),
  },
  "D-CERT-29: the pinned key in a self-signed certificate": {
    rogue: async () =>
      serving(await mint({ ...gatewayRecipe(pki.issuing), issuer: undefined, signer: pki.gateway.signer })),
    code: untrusted,
    asks: () => ({ pins: [spkiPin(pki.gateway.certificate)] }),
  },
  "D-CERT-30: an issuing CA of the same name with another key": {
    rogue: async () => {
      const swapped = await mint(issuingRecipe(await mint(rootRecipe())));
      return serving(await mint(gatewayRecipe(swapped)), pki.issuing);
    },
    code: untrusted,
    rule: /BAD_SIGNATURE|UNKNOWN_ISSUER/,
  },
  "D-CERT-31: the issuing CA is missing": {
    rogue: async () => serving(pki.gateway),
    code: untrusted,
    rule: /UNKNOWN_ISSUER/,
  },
  "D-CERT-31: the root in place of the issuing CA": {
    rogue: async () => serving(pki.gateway, pki.root),
    code: untrusted,
    rule: /UNKNOWN_ISSUER/,
  },
};

describe("the gateway's certificate", () => {
  for (const [title, attack] of Object.entries(cases)) {
    test(`${title}: refused before any byte of MQTT; its valid twin is accepted`, async () => {
      for (const maxVersion of ["TLSv1.3", "TLSv1.2"] as const) {
        await using rogue = await startRogueServer(await attack.rogue(), { maxVersion });
        const asked = {
          ...options(rogue.port, attack.asks),
          ...moved(rogue.port, attack.asksRogue),
        };
        const error = await refusal(asked);
        await rogue.idle();
        expect(error.code).toBe(attack.code);
        expect(codeOf(error.cause)).toMatch(attack.rule ?? /^/);
        // The receipt that the attack was delivered. In TLS 1.3 the device leaves before its own Finished, so
        // that its certificate is not shown either; in 1.2 the server's Finished comes last.
        expect(rogue.connections).toBe(1);
        expect(rogue.wireBytes).toBeGreaterThan(100);
        expect(rogue.handshakes).toBe(maxVersion === "TLSv1.2" ? 1 : 0);
        expect(rogue.leakedBytes).toBe(0);
      }

      await using session = await connect(options(honest.port, attack.asks));
      expect(session.state).toBe("connected");
    });
  }

  test("positive control: a server that proves to be the gateway gets the CONNECT, and the count sees it", async () => {
    for (const maxVersion of ["TLSv1.3", "TLSv1.2"] as const) {
      const identity = serving(pki.gateway, pki.issuing);
      await using server = await startRogueServer(identity, { maxVersion }, (socket) =>
        socket.once("data", () => socket.destroy()),
      );
      expect((await refusal(options(server.port))).code).toBe("DEVICE_REFUSED");
      expect([server.handshakes, server.leakedBytes > 0]).toEqual([1, true]);
    }
  });

  test("D-CERT-31: a chain in the wrong order, path complete, is accepted or refused, never half", async () => {
    await using broker = await startTlsBroker(serving(pki.gateway, pki.root, pki.issuing), pki.root.pem);
    await using session = await connect(options(broker.port));
    expect(session.state).toBe("connected");
  });

  test("D-CERT-34: ten failures later nothing is weaker: no plaintext, no skipped check, no byte of MQTT", async () => {
    const rootless = await mint(rootRecipe());
    await using rogue = await startRogueServer(serving(await mint(gatewayRecipe(rootless)), rootless), {
      maxVersion: "TLSv1.2",
    });
    for (let attempt = 0; attempt < 10; attempt++) {
      expect((await refusal(options(rogue.port))).code).toBe(untrusted);
    }
    await rogue.idle();
    expect([rogue.connections, rogue.handshakes, rogue.leakedBytes]).toEqual([10, 10, 0]);
  });
});

describe("pins", () => {
  test("the issuing CA's key serves as a pin, and the current key beside the next one", async () => {
    const unknown = `sha256/${Buffer.alloc(32, 1).toString("base64")}`;
    for (const pin of [pki.issuing, pki.gateway]) {
      await using session = await connect({
        ...options(honest.port),
        pins: [unknown, spkiPin(pin.certificate)],
      });
      expect(session.state).toBe("connected");
    }
  });

  test("a pin of the trust anchor is refused: every chain holds it", async () => {
    const pins = [spkiPin(pki.root.certificate)];
    await expect(connect({ ...options(honest.port), pins })).rejects.toThrow(/trust anchor/);
  });

  test("a pin that is not the base64 of 32 octets is refused, with what a pin looks like", async () => {
    for (const pin of [
      "",
      "sha256/",
      "sha256/AAAA",
      spkiPin(pki.gateway.certificate).slice(7),
      "sha1/AAAA",
    ]) {
      await expect(connect({ ...options(honest.port), pins: [pin] })).rejects.toThrow(TypeError);
    }
  });
});

describe("transport", () => {
  const modern = { minVersion: "TLSv1.3" } as const;

  test("TLS 1.3 is preferred, and 1.2 accepted with a forward-secret AEAD suite", async () => {
    const seen: string[] = [];
    for (const over of [{}, { maxVersion: "TLSv1.2" } as const]) {
      await using server = await startRogueServer(serving(pki.gateway, pki.issuing), over, (socket) => {
        seen.push(`${socket.getProtocol()} ${socket.getCipher().name}`);
        socket.destroy();
      });
      await refusal(options(server.port));
    }
    expect(seen[0]).toMatch(/^TLSv1\.3 TLS_/);
    expect(seen[1]).toMatch(/^TLSv1\.2 ECDHE-ECDSA-(AES\d+-GCM|CHACHA20)/);
  });

  test("RFC 9325: TLS 1.1, CBC suites and finite-field groups get no handshake", async () => {
    const weak = [
      { minVersion: "TLSv1.1", maxVersion: "TLSv1.1", ciphers: "ALL@SECLEVEL=0" },
      { maxVersion: "TLSv1.2", ciphers: "ECDHE-ECDSA-AES128-SHA256:ECDHE-ECDSA-AES128-SHA" },
      { ...modern, ecdhCurve: "ffdhe2048" },
    ] as const;
    for (const over of weak) {
      await using server = await startRogueServer(serving(pki.gateway, pki.issuing), over);
      const error = await refusal(options(server.port));
      expect([error.code, server.connections, server.handshakes]).toEqual(["DEVICE_TLS_FAILED", 1, 0]);
    }
  });

  test("X25519MLKEM768 is the group where the server has it, X25519 where it has not", async () => {
    for (const group of ["X25519MLKEM768", "X25519"]) {
      const over = { ...modern, ecdhCurve: group };
      await using server = await startTlsBroker(serving(pki.gateway, pki.issuing), pki.root.pem, over);
      await using session = await connect(options(server.port));
      expect(session.state).toBe("connected");
    }
  });

  test("the ClientHello offers X25519MLKEM768 first, and no version below TLS 1.2", async () => {
    let hello = "";
    await using server = await startTcpServer((socket) => {
      socket.once("data", (bytes) => {
        hello = bytes.toString("hex");
        socket.destroy();
      });
    });
    await refusal(options(server.port));
    // RFC 8446 §4.2.7: supported_groups (10), its length, the list's length, then the groups; 0x11ec comes first.
    expect(hello).toMatch(/000a00..00..11ec001d/);
    // §4.2.1: supported_versions (43) has TLS 1.3 and 1.2, nothing below; §4.2.10: no early data (42).
    expect(hello).toMatch(/002b00050403040303/);
    expect(hello).not.toMatch(/002a0000/);
  });

  test("RFC 9325 §3.4: a server's wish to renegotiate is not met", async () => {
    let outcome = "";
    await using server = await startRogueServer(
      serving(pki.gateway, pki.issuing),
      { maxVersion: "TLSv1.2" },
      (socket) => {
        socket.once("data", () => {
          socket.renegotiate({}, (error) => (outcome = error ? "refused" : "renegotiated"));
          socket.once("error", () => (outcome ||= "refused"));
          socket.once("close", () => (outcome ||= "refused"));
        });
      },
    );
    await refusal({ ...options(server.port), connectTimeoutMs: 1000 });
    await until("an outcome", () => outcome !== "");
    expect(outcome).toBe("refused");
  });

  test("Node's verdict is needed too: where OpenSSL says expired, path validation alone does not let it in", async () => {
    await using server = await startRogueServer(await gatewayWith({ notAfter: hoursAgo(1) }));
    const back = { now: () => hoursAgo(2) };
    const error = await refusal({ ...options(server.port), ...back });
    expect([error.code, server.leakedBytes]).toEqual([untrusted, 0]);
    expect(error.message).toMatch(/CERT_HAS_EXPIRED/);
  });

  test("a server that accepts TCP and stays mute runs into connectTimeoutMs", async () => {
    await using mute = await startTcpServer(() => {});
    const error = await refusal({ ...options(mute.port), connectTimeoutMs: 200 });
    expect(error.code).toBe("DEVICE_TIMEOUT");
  });

  test("a server that never answers the CONNECT runs into connectTimeoutMs", async () => {
    await using silent = await startRogueServer(serving(pki.gateway, pki.issuing));
    const error = await refusal({ ...options(silent.port), connectTimeoutMs: 300 });
    expect([error.code, silent.handshakes]).toEqual(["DEVICE_TIMEOUT", 1]);
  });

  test.each(["p384", "ed25519", "rsa:2048", "ml-dsa-44", "ml-dsa-65"] as const)(
    "a gateway and a device with %s keys",
    async (algorithm) => {
      const leaf = await mint(gatewayRecipe(pki.issuing, { algorithm }));
      const device = await mint(deviceRecipe(pki.issuing, "d1", { algorithm }));
      await using broker = await startTlsBroker(serving(leaf, pki.issuing), pki.root.pem);
      const parts = { certificate: device.pem + pki.issuing.pem, ca: pki.root.pem };
      const identity = identityFromSigner(device.signer, parts);
      await using session = await connect({
        ...options(broker.port),
        identity,
        pins: [spkiPin(leaf.certificate)],
      });
      expect(session.state).toBe("connected");
      expect(broker.shown).toEqual([device.certificate.fingerprint]);
    },
  );

  test("nobody listens: DEVICE_UNREACHABLE", async () => {
    const server = await startRogueServer(serving(pki.gateway, pki.issuing));
    const { port } = server;
    await server[Symbol.asyncDispose]();
    expect((await refusal(options(port))).code).toBe("DEVICE_UNREACHABLE");
  });

  test("TLS 1.3: a device whose certificate the gateway refuses gets DEVICE_REFUSED, not a session", async () => {
    const stranger = await mintPki();
    await using broker = await startTlsBroker(serving(pki.gateway, pki.issuing), stranger.root.pem);
    const error = await refusal(options(broker.port));
    expect(error.code).toBe("DEVICE_REFUSED");
    expect(broker.arrived).toEqual([]);
  });
});

async function startTcpServer(
  onSocket: (socket: Socket) => void,
): Promise<AsyncDisposable & { port: number }> {
  const open = new Set<Socket>();
  const server = createServer((socket) => {
    open.add(socket);
    socket.on("error", () => {});
    onSocket(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: portOf(server),
    async [Symbol.asyncDispose]() {
      for (const socket of open) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function options(port: number, asks?: () => Partial<ConnectOptions>): ConnectOptions {
  const identity = identityFromSigner(pki.device.signer, {
    certificate: pki.device.pem + pki.issuing.pem,
    ca: pki.root.pem,
  });
  const base = {
    identity,
    gateway: { host: "127.0.0.1", port, serverName: "gateway.test" },
    cleanSession: true,
  };
  return { ...base, ...moved(port, asks) };
}

/** The options of a case, with the port of the server it runs against. */
function moved(port: number, asks?: () => Partial<ConnectOptions>): Partial<ConnectOptions> {
  const { gateway, ...rest } = asks?.() ?? {};
  return typeof gateway === "object" ? { ...rest, gateway: { ...gateway, port } } : rest;
}

async function refusal(options: ConnectOptions): Promise<DeviceError> {
  try {
    const session = await connect(options);
    await session.close();
  } catch (error) {
    if (error instanceof DeviceError) return error;
    throw error;
  }
  throw new Error("the device accepted it");
}

function serving(leaf: Minted, ...others: Minted[]): ServerIdentity {
  return { signer: leaf.signer, chain: [leaf, ...others] };
}

async function gatewayWith(over: Parameters<typeof gatewayRecipe>[1]): Promise<ServerIdentity> {
  return serving(await mint(gatewayRecipe(pki.issuing, over)), pki.issuing);
}

async function issuedBy(over: Parameters<typeof issuingRecipe>[1]): Promise<ServerIdentity> {
  const issuing = await mint(issuingRecipe(pki.root, over));
  return serving(await mint(gatewayRecipe(issuing)), issuing);
}

async function constrained(
  constraints: Parameters<typeof makeExtension.nameConstraints>[0],
  name: string,
): Promise<ServerIdentity> {
  const extensions = [makeExtension.nameConstraints(constraints)];
  const issuing = await mint(issuingRecipe(pki.root, { extensions }));
  return serving(await mint(gatewayRecipe(issuing, { subjectAltName: [dnsName(name)] })), issuing);
}

type CrlKind = "current" | "stale" | "forged";

function crlOf(issuer: Minted, kind: CrlKind): CertificateList {
  const crl = crls.get(`${issuer.name.toString()} ${kind}`);
  if (!crl) throw new Error("no such CRL");
  return crl;
}

/** `current` and `stale` revoke `revoked`; `forged` revokes nothing and is signed by somebody else. */
async function makeCrl(issuer: Minted, kind: CrlKind): Promise<CertificateList> {
  const signer = kind === "forged" ? new KeySigner(generatePrivateKey("p256")) : issuer.signer;
  const { serialNumber } = revoked.certificate;
  const der = await signCertificateList(
    {
      issuer: issuer.name,
      thisUpdate: hoursAgo(kind === "stale" ? 20 : 1),
      nextUpdate: hoursAgo(kind === "stale" ? 2 : -20),
      revoked: kind === "forged" ? [] : [{ serialNumber, revocationDate: hoursAgo(22) }],
      extensions: [
        makeExtension.authorityKeyIdentifier(keyIdentifierOf(exportPublicKey(issuer.signer.publicKey))),
        makeExtension.cRLNumber(1),
      ],
    },
    signer,
  );
  return parseCertificateList(der);
}

function hoursAgo(hours: number): Date {
  return new Date(Date.now() - hours * 3_600_000);
}

function codeOf(cause: unknown): string {
  return cause instanceof Error && "code" in cause ? String(cause.code) : String(cause);
}
