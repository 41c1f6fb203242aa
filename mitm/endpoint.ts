import type { KeyObject } from "node:crypto";
import type { RemoteInfo } from "node:dgram";
import type { AddressInfo } from "node:net";
import type { Recorder } from "./record/recorder.ts";

/** A certificate chain as it is shown, and the key that signs for it: both may be as wrong as an attack wants them. */
export interface Credential {
  /** "the attacker's own device certificate", for transcripts. */
  readonly name: string;
  /** DER, leaf first, as it goes into the Certificate message. Need not parse. */
  readonly chain: readonly Uint8Array[];
  readonly key: KeyObject;
}

export interface Address {
  readonly host: string;
  readonly port: number;
}

/**
 * What is used of a UDP socket; its "message" events are those of node:dgram. A `Socket` is one, and so is a share of the
 * one that a device's datagrams arrive at, which is closed without closing the socket.
 */
export interface UdpShare {
  on(event: "message", listener: (datagram: Buffer, from: RemoteInfo) => void): unknown;
  on(event: "error", listener: (error: Error) => void): unknown;
  on(event: "close", listener: () => void): unknown;
  send(datagram: Uint8Array, port: number, host: string): void;
  address(): AddressInfo;
  close(): unknown;
}

/** A handshake message (or ChangeCipherSpec) that a scripted endpoint is about to send. */
export interface OutgoingMessage {
  /** RFC name: "ClientHello", "CertificateVerify", "ChangeCipherSpec". */
  readonly name: string;
  /** RFC number of the handshake message; undefined for ChangeCipherSpec. */
  readonly msgType: number | undefined;
  /** Without the header. */
  readonly body: Uint8Array;
}

/** What goes out in place of it. */
export type Replacement =
  /** A handshake message; in the endpoint's own transcript unless `transcribed` is false. */
  | {
      readonly kind: "handshake";
      readonly msgType: number;
      readonly body: Uint8Array;
      readonly transcribed?: boolean;
      readonly note?: string;
    }
  /** A ChangeCipherSpec, and the switch to new keys that goes with it. */
  | { readonly kind: "changeCipherSpec" }
  /** A record of any type; `protected` false: in clear whatever the state is. Default: as the state is. */
  | {
      readonly kind: "record";
      readonly contentType: number;
      readonly fragment: Uint8Array;
      readonly protected?: boolean;
      readonly note?: string;
    };

/**
 * Asked before each message of a handshake. Undefined: as it is. A list: that instead, marked as the attack; an empty
 * one leaves the message out.
 */
export type OutgoingHook = (message: OutgoingMessage) => readonly Replacement[] | undefined;

/** How a handshake went. What a peer does is never an exception. */
export type HandshakeResult =
  | {
      readonly completed: true;
      /** "TLS 1.3", "TLS 1.2", "DTLS 1.2". */
      readonly version: string;
      readonly cipherSuite: number;
      readonly resumed: boolean;
      /** DER, leaf first; empty where the peer showed none. */
      readonly peerChain: readonly Uint8Array[];
    }
  | {
      readonly completed: false;
      /** The last message that this end had sent: "CertificateVerify". */
      readonly refusedAt: string;
      /** RFC name, "bad_certificate". */
      readonly alert: string | undefined;
      /** "alert bad_certificate", "closed without an alert", "silent for 1000 ms", or what this end did not take. */
      readonly how: string;
      /** It was this end that would not go on, as a twin that keeps the rules does. */
      readonly byThisEnd?: boolean;
    };

export type Received =
  | { readonly kind: "data"; readonly data: Uint8Array }
  | { readonly kind: "alert"; readonly alert: string; readonly fatal: boolean }
  /** `byThisEnd`: it was this end that would not go on. */
  | { readonly kind: "closed"; readonly how: string; readonly byThisEnd?: boolean }
  /** Nothing came within the time. */
  | { readonly kind: "silence" };

/**
 * What the scripted TLS and DTLS peers, clients and servers, have in common. Such a peer checks nothing that it was not
 * told to check, so that it can be an attacker; told to, it is an honest peer, or a twin with one check missing.
 */
export interface ScriptedEnd {
  readonly connection: number;
  /** The whole handshake, with the hook applied. Resolves within the patience of the lab. */
  handshake(): Promise<HandshakeResult>;
  /** Application data, protected as the state has it. */
  send(data: Uint8Array, options?: { readonly attack?: boolean; readonly note?: string }): void;
  /** What comes next of application data, alerts and the end; messages after the handshake are taken care of. */
  receive(timeoutMs: number): Promise<Received>;
  /** Ends in an orderly way, with close_notify. */
  close(): void;
  /** Ends without a word. */
  destroy(): void;
}

/** Options that all scripted ends share. */
export interface EndOptions {
  readonly recorder: Recorder;
  /** Who this end stands for in the transcript, and who the other is. */
  readonly self: "lab" | "device" | "gateway";
  readonly peer: "lab" | "device" | "gateway";
  readonly credential?: Credential | undefined;
  readonly outgoing?: OutgoingHook | undefined;
  /** Names of own messages that are the attack even if no hook changed them: ["Certificate"]. */
  readonly marks?: readonly string[] | undefined;
  /**
   * Judges the peer's certificate chain, DER, leaf first, before its proof is looked at. A string refuses: the RFC name
   * of the alert. Default: everything is taken. `ocspResponse`: DER, where this end asked for one and got it (RFC 8446
   * §4.4.2.1).
   */
  readonly verifyPeer?:
    | ((chain: readonly Uint8Array[], ocspResponse?: Uint8Array) => string | undefined)
    | undefined;
  /**
   * Rules that this end does NOT hold its peer to, by the name of the weakness; "everything" is what an attacker needs.
   * An honest end is made with an empty set.
   */
  readonly tolerates: ReadonlySet<string> | "everything";
  /** How long to wait for the next message of the handshake before giving up. */
  readonly answerMs: number;
}
