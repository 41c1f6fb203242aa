import { createHash, type X509Certificate } from "node:crypto";
import type { TLSSocket } from "node:tls";
import { AuthenticatedPeer as DtlsPeer } from "../dtls/index.ts";
import type { Certificate, ValidatedPath } from "../pki/index.ts";
import { refusal } from "./errors.ts";
import type { Trust } from "./trust.ts";

/** More certificates than any honest chain; what follows is not read. */
const mostCertificates = 10;

/**
 * A peer that proved, on a finished TLS or DTLS handshake, to hold the key of a certificate that a path leads to from
 * our anchors. Only `authenticate` and `ofDtls` make one, so whoever holds one need not ask again.
 */
export class AuthenticatedPeer {
  readonly #path: ValidatedPath;
  readonly address: string;
  readonly resumed: boolean;

  private constructor(path: ValidatedPath, address: string, resumed: boolean) {
    this.#path = path;
    this.address = address;
    this.resumed = resumed;
  }

  /**
   * Judges the certificate of `socket`, whether its session is new or resumed: a ticket says only what was true
   * when it was made. OpenSSL's own verdict must agree with ours.
   * @throws GatewayError GATEWAY_REFUSED with the reason
   */
  static authenticate(socket: TLSSocket, trust: Trust, address: string): AuthenticatedPeer {
    const certificate = socket.getPeerX509Certificate();
    if (certificate === undefined) throw refusal("no_certificate");
    const path = trust.judge(fingerprintOf(certificate), () => chainOf(certificate));
    if (!socket.authorized) {
      throw refusal(
        "certificate_refused",
        `OpenSSL refuses the certificate: ${String(socket.authorizationError)}`,
      );
    }
    return new AuthenticatedPeer(path, address, socket.isSessionReused());
  }

  /**
   * Judges the certificate of a peer whose DTLS handshake is done, full, resumed, or done before a restart.
   * @throws GatewayError GATEWAY_REFUSED with the reason
   */
  static ofDtls(proof: unknown, trust: Trust, address: string): AuthenticatedPeer {
    if (!DtlsPeer.is(proof)) throw refusal("no_certificate");
    return new AuthenticatedPeer(judgeDtlsClaim(proof, trust), address, proof.resumed);
  }

  /** The certificate that the peer proved to own. */
  get leaf(): Certificate {
    return this.#path.leaf;
  }

  /** The same peer judged by other anchors or lists, as after a reload. @throws GatewayError GATEWAY_REFUSED */
  judgedAgain(trust: Trust): AuthenticatedPeer {
    const chain = () => this.#path.path.map((certificate) => certificate.der);
    return new AuthenticatedPeer(trust.judge(this.leaf.fingerprint, chain), this.address, this.resumed);
  }
}

/**
 * The path of what a DTLS peer shows. Nothing but certificates: a raw public key and a pre-shared key name no device
 * that the inventory could know. @throws GatewayError GATEWAY_REFUSED with the reason
 */
export function judgeDtlsClaim(
  claim: { readonly certificateType: string; readonly chain: readonly Uint8Array[] },
  trust: Trust,
): ValidatedPath {
  const [leaf] = claim.chain;
  if (claim.certificateType !== "X509" || leaf === undefined) throw refusal("no_certificate");
  return trust.judge(fingerprintOfDer(leaf), () => claim.chain);
}

/** As the inventory writes it. */
export function fingerprintOfDer(certificate: Uint8Array): string {
  return createHash("sha256").update(certificate).digest("hex");
}

/** As the inventory writes it. */
export function fingerprintOf(certificate: X509Certificate): string {
  return certificate.fingerprint256.replaceAll(":", "").toLowerCase();
}

/**
 * What the peer sent, leaf first. Some runtimes (Node 24) and every resumed session give the leaf alone: the
 * CAs in between are then those that the gateway was given, and where it was given none the peer is refused.
 */
function chainOf(leaf: X509Certificate): Uint8Array[] {
  const chain: Uint8Array[] = [];
  for (let one: X509Certificate | undefined = leaf; one !== undefined; one = one.issuerCertificate) {
    chain.push(one.raw);
    if (chain.length === mostCertificates) break;
  }
  return chain;
}
