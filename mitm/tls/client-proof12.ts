import type { AnyKeyShare } from "./further-groups.ts";
import { Keys12, type Terms12 } from "./keys12.ts";
import type { HandshakeMessage } from "./message-reader.ts";
import { CertificateVerify, ClientKeyExchangeEcdhe, chainOf, decode } from "./messages.ts";
import { HandshakeType } from "./numbers.ts";
import { agreed, checkSignature12 } from "./proofs.ts";
import type { ServerOptions } from "./server-options.ts";
import { defaultSignatureSchemes } from "./signatures.ts";
import type { TlsEnd } from "./tls-end.ts";

/** The client's flight of TLS 1.2 up to ChangeCipherSpec, as a server hears it. */
export class ClientProof12 {
  readonly #end: TlsEnd;
  readonly #options: ServerOptions;
  readonly #terms: Terms12;
  readonly #share: AnyKeyShare | undefined;

  constructor(end: TlsEnd, options: ServerOptions, terms: Terms12, share: AnyKeyShare | undefined) {
    this.#end = end;
    this.#options = options;
    this.#terms = terms;
    this.#share = share;
  }

  /** Certificate, ClientKeyExchange and CertificateVerify, as far as they come. */
  async receive(): Promise<Keys12> {
    const end: TlsEnd = this.#end;
    const wanted = new Set<number>([HandshakeType.client_key_exchange]);
    if (this.#options.requestCertificate !== false) {
      if (end.holds("certificate-message-not-required")) wanted.clear();
      wanted.add(HandshakeType.certificate);
    }
    end.peerChain = [];
    for (;;) {
      const message = await end.expect([...wanted]);
      if (message.msgType === HandshakeType.client_key_exchange) {
        const keys = this.#keyExchange(message);
        const proofNeeded = end.peerChain.length > 0 && end.holds("certificate-verify-not-required");
        return proofNeeded ? this.#proof(keys) : keys;
      }
      const chain = chainOf("TLS 1.2", message.body);
      if (chain.length > 0) end.judgePeer(chain);
      else end.require("client-certificate-not-required", false, "handshake_failure", "no certificate");
      end.taken(message);
      wanted.clear();
      wanted.add(HandshakeType.client_key_exchange);
      if (!end.holds("second-certificate-accepted")) wanted.add(HandshakeType.certificate);
    }
  }

  async #proof(keys: Keys12): Promise<Keys12> {
    const end: TlsEnd = this.#end;
    const wanted: number[] = [HandshakeType.certificate_verify];
    // Who takes a second ClientKeyExchange works with it.
    if (!end.holds("duplicate-messages-accepted")) wanted.push(HandshakeType.client_key_exchange);
    const message = await end.expect(wanted);
    if (message.msgType === HandshakeType.client_key_exchange) return this.#proof(this.#keyExchange(message));
    this.checkProof(message);
    end.taken(message);
    return keys;
  }

  #keyExchange(message: HandshakeMessage): Keys12 {
    const end: TlsEnd = this.#end;
    const exchange = decode(message.name, ClientKeyExchangeEcdhe, message.body);
    const premaster = agreed(end, this.#share, exchange.public, this.#options.sharedSecret);
    end.taken(message);
    // RFC 7627 §3: the session hash is over everything up to and including ClientKeyExchange.
    return Keys12.derive(end, this.#terms, premaster);
  }

  /** CertificateVerify over the transcript as it is now. */
  checkProof(message: HandshakeMessage): void {
    const { algorithm, signature } = decode(message.name, CertificateVerify, message.body);
    const offered = this.#options.signatureSchemes ?? defaultSignatureSchemes;
    const content = this.#end.transcript.bytes();
    const rule = "certificate-verify-not-verified";
    checkSignature12(this.#end, rule, { algorithm, signature, content }, offered);
  }
}
