import type { RawExtension } from "../../dtls/wire/hello.ts";
import type { EndOptions } from "../endpoint.ts";
import type { MessageName } from "./names.ts";

/** A handshake message that is about to be cut into fragments. */
export interface Framed {
  readonly name: string;
  readonly msgType: number;
  readonly messageSeq: number;
  readonly body: Uint8Array;
}

/** How a message is sent instead of in whole fragments that fit. */
export interface Framing {
  /** Contents of handshake records, each in a record of its own: headers and bodies, as wrong as they are to be. */
  readonly fragments: readonly Uint8Array[];
  /** What this end has in its transcript for it. Default: the message as it was. */
  readonly transcribed?: Uint8Array;
}

export interface DtlsOptions extends EndOptions {
  /** Numbers of IANA's registry, best first; default every suite that the credential, or the key, is good for. */
  readonly cipherSuites?: readonly number[] | undefined;
  /** Default: x25519, secp256r1, secp384r1. */
  readonly groups?: readonly number[] | undefined;
  readonly signatureSchemes?: readonly number[] | undefined;
  /** RFC 9146: the id that this end wants on what it is sent; empty: it only sends one. Default: not negotiated. */
  readonly connectionId?: Uint8Array | undefined;
  /** RFC 7627; default true. */
  readonly extendedMasterSecret?: boolean | undefined;
  /** Put in the hello beside those that this end has by itself. */
  readonly extensions?: readonly RawExtension[] | undefined;
  /** The messages of the flight that ends the client's, or begins the server's, part; default the right ones. */
  readonly order?: readonly MessageName[] | undefined;
  /** Asked how each handshake message is to be cut; undefined: as it should be. What it changes is the attack. */
  readonly framing?: ((message: Framed) => Framing | undefined) | undefined;
  /** The most that one datagram holds, in bytes; default 1200. */
  readonly mtu?: number | undefined;
  /** RFC 6347 §4.2.4.1: the first time-out, in milliseconds, doubled each time; default 400. */
  readonly retransmitMs?: number | undefined;
  /** Default: that of node:crypto. */
  readonly random?: ((length: number) => Uint8Array) | undefined;
}

/** RFC 4279: who the client says it is, and the key that it shares with the server. */
export interface Psk {
  readonly identity: Uint8Array;
  readonly key: Uint8Array;
}
