import type { RawExtension } from "../../dtls/wire/hello.ts";
import type { EndOptions } from "../endpoint.ts";
import type { TlsVersion } from "./numbers.ts";
import type { ProofOptions } from "./signatures.ts";

/** What TLS clients and servers have in common. */
export interface TlsEndOptions extends EndOptions {
  /** Best first. Default: both. */
  readonly versions?: readonly TlsVersion[];
  /** Numbers of cipher suites, best first; of a client also such as this engine cannot speak. */
  readonly cipherSuites?: readonly number[];
  /** Default: x25519, secp256r1, secp384r1. */
  readonly groups?: readonly number[];
  readonly signatureSchemes?: readonly number[];
  readonly alpn?: readonly string[];
  /** Added to the ClientHello, or to EncryptedExtensions (the ServerHello of TLS 1.2). */
  readonly extensions?: readonly RawExtension[];
  /** Most bytes of a handshake message in one record; default 2^14. */
  readonly fragmentLength?: number;
  /** Handshake messages of one flight share records. Then `fragmentLength` and `padding` do not count for them. */
  readonly coalesce?: boolean;
  /** Zeros after the content of each protected record, TLS 1.3 alone. */
  readonly padding?: number;
  /** For the whole handshake, ms; default ten times `answerMs`. Without "no-handshake-timeout" no wait has an end. */
  readonly handshakeMs?: number;
  /** Longest handshake message that is taken, in bytes; default 2^16. */
  readonly maxMessageLength?: number;
  /** How the own CertificateVerify is made, and in TLS 1.2 a server's ServerKeyExchange. */
  readonly proof?: ProofOptions;
  /** What stands for the result of the key agreement, whatever the shares are. */
  readonly sharedSecret?: Uint8Array;
}

export interface MessageOptions {
  /** Whether it goes into the own transcript; default true. */
  readonly transcribed?: boolean;
  readonly attack?: boolean;
  readonly note?: string;
}
