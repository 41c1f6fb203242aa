import { createPrivateKey } from "node:crypto";
import type { Credential } from "../../../mitm/endpoint.ts";
import { Recorder } from "../../../mitm/record/recorder.ts";
import type { TlsClientOptions } from "../../../mitm/tls/client.ts";
import type { TlsServerOptions } from "../../../mitm/tls/server.ts";
import { encodePrivateKey, generatePrivateKey, type KeyAlgorithm, KeySigner } from "../../../pki/index.ts";
import { deviceRecipe, gatewayRecipe, issuingRecipe, type Minted, mint, rootRecipe } from "../minted-pki.ts";

/** A credential as a scripted end takes it, and as Node does. */
export interface Shown {
  readonly credential: Credential;
  readonly pem: { readonly cert: string; readonly key: string };
}

export const partyAlgorithms = ["p256", "p384", "ed25519", "rsa:2048"] as const;

/** A device and a gateway with a key of each kind: "device-p256", "gateway-rsa:2048". */
export class Parties {
  readonly caPem: string;
  readonly #shown: ReadonlyMap<string, Shown>;

  private constructor(caPem: string, shown: ReadonlyMap<string, Shown>) {
    this.caPem = caPem;
    this.#shown = shown;
  }

  static async create(algorithms: readonly KeyAlgorithm[] = partyAlgorithms): Promise<Parties> {
    const root = await mint(rootRecipe());
    const issuing = await mint(issuingRecipe(root));
    const shown = new Map<string, Shown>();
    for (const algorithm of algorithms) {
      for (const side of ["device", "gateway"] as const) {
        const name = `${side}-${algorithm}`;
        shown.set(name, await show(name, issuing, algorithm, side));
      }
    }
    return new Parties(root.pem, shown);
  }

  the(name: string): Shown {
    const found = this.#shown.get(name);
    if (found === undefined) throw new Error(`there is no ${name}`);
    return found;
  }

  /** A strict client with the device's P-256 key. */
  client(over: Partial<TlsClientOptions> = {}): TlsClientOptions {
    const { credential } = this.the("device-p256");
    return { ...common("gateway"), credential, ...over };
  }

  /** A strict server with the gateway's P-256 key. */
  server(over: Partial<TlsServerOptions> = {}): TlsServerOptions {
    const { credential } = this.the("gateway-p256");
    return { ...common("device"), credential, ...over };
  }
}

function common(peer: "device" | "gateway") {
  return {
    recorder: new Recorder(),
    self: "lab",
    peer,
    tolerates: new Set<string>(),
    answerMs: 5000,
  } as const;
}

async function show(
  name: string,
  issuing: Minted,
  algorithm: KeyAlgorithm,
  side: "device" | "gateway",
): Promise<Shown> {
  const key = generatePrivateKey(algorithm);
  const over = { signer: new KeySigner(key) };
  const id = name.replace(":", "-");
  const leaf = await mint(side === "device" ? deviceRecipe(issuing, id, over) : gatewayRecipe(issuing, over));
  const pem = encodePrivateKey(key);
  return {
    credential: {
      name,
      chain: [leaf.certificate.der, issuing.certificate.der],
      key: createPrivateKey(pem),
    },
    pem: { cert: `${leaf.pem}${issuing.pem}`, key: pem },
  };
}
