import type { Transport } from "./attack.ts";
import type { Address, Credential } from "./endpoint.ts";

/** What is spoken inside of a session, so that "was let in" can be told from "finished a handshake". */
export type Application =
  /** MQTT 3.1.1: let in is a CONNACK with return code 0. */
  | "mqtt"
  /** Sends back what it gets. */
  | "echo"
  /** CoAP: let in is a Reset for an empty Confirmable message (RFC 7252 §4.3, "CoAP ping"). */
  | "coap"
  /** Not known: let in is a handshake that the target finished. */
  | "none";

/** A device as the gateway knows it. */
export interface DeviceAccount {
  readonly deviceId: string;
  readonly credential: Credential;
  /** What it calls itself in CONNECT, where that is not its id. */
  readonly clientId?: string | undefined;
  /** What it says in CONNECT besides, at a broker that asks for more than the certificate. */
  readonly login?: Login | undefined;
}

export interface Login {
  readonly username: string;
  readonly password?: string | undefined;
}

/** A gateway, or any TLS or DTLS server that asks for client certificates. */
export interface GatewayTarget {
  readonly name: string;
  readonly endpoints: Partial<Record<Transport, Address & { readonly application: Application }>>;
  /** What goes into server_name; undefined sends none. */
  readonly serverName: string | undefined;
  /** The device that the attacker owns by right. */
  readonly attacker: DeviceAccount;
  /** Another device, which the attacker wants to be. Undefined where the user gave none. */
  readonly victim: DeviceAccount | undefined;
  /**
   * Whoever hears what devices publish and sends them commands (a backend, an operator), where the lab may act as it:
   * a witness for what two devices cannot see of each other. It is never the attacker.
   */
  readonly operator?: DeviceAccount | undefined;
  /** Lets a target with an inventory know a certificate, so that it has no other reason to refuse it than the one tried. */
  register?(certificate: Uint8Array, deviceId: string): Promise<void>;
  /** It was given the revocation lists of the lab's CA. */
  readonly knowsRevocation?: boolean;
  /** Revokes a certificate that it knows. */
  revoke?(certificate: Uint8Array): Promise<void>;
  /** Takes the device itself out of the inventory. */
  remove?(deviceId: string): Promise<void>;
  /** What the target itself says of the last connections that it refused: evidence, not a verdict. */
  refusals?(): readonly string[];
  /** Topics that a device may publish to and subscribe to; default those of Sallyport. */
  topics?(deviceId: string): { readonly publish: string; readonly subscribe: string };
  /** How long it says that a handshake may take, ms; undefined: nothing is said, and 15 seconds are waited for. */
  readonly handshakeTimeoutMs?: number | undefined;
  /** How long it says that it waits for the first packet of its application (CONNECT), ms; undefined: nothing is said. */
  readonly helloTimeoutMs?: number | undefined;
  /** Of a second listener of the same gateway with another trust domain, for tickets that should not cross over. */
  readonly sibling?: GatewayTarget;
  close?(): Promise<void>;
}

/** One attempt of a device to reach its gateway. */
export interface DeviceAttempt {
  /** Settles when the device gave up or was closed. `opened`: it took the session for good. */
  readonly ended: Promise<{ readonly opened: boolean; readonly error?: string | undefined }>;
  close(): Promise<void>;
}

/** What a device gets to know from elsewhere before it dials. */
export interface DialOptions {
  /** DER: the revocation lists that it shall go by in this attempt. Default: as it is set up. */
  readonly revocationLists?: readonly Uint8Array[] | undefined;
  /** It goes on trying by itself, as it would in the field, until the attempt is closed. Default: it tries once. */
  readonly keepsTrying?: boolean;
}

/** A device that is to be attacked by whoever stands in the gateway's place. */
export interface DeviceTarget {
  readonly name: string;
  readonly transports: readonly Transport[];
  /** The names that it takes its gateway for: those that a valid certificate must have. */
  readonly serverNames: readonly string[];
  /**
   * Makes it dial the lab now. Undefined: it dials by itself, and the lab waits. What it says first once it trusts
   * the gateway (its CONNECT, its first datagram) must come without an answer of the gateway.
   */
  dial?(transport: Transport, to: Address, options?: DialOptions): Promise<DeviceAttempt>;
  /** Its `dial` goes by the revocation lists that it is given. */
  readonly takesRevocationLists?: boolean;
  /** It holds the certificate revocation list that the lab made, or asks for staples: revoked certificates can be told. */
  readonly knowsRevocation: boolean;
  /** It pins the gateway's key. */
  readonly pins: boolean;
  /** "sha256/..." of all keys that it pins, where that is known. Default: the honest gateway's alone, if any. */
  readonly pinnedKeys?: readonly string[];
  close?(): Promise<void>;
}

/** A session between an honest device and an honest gateway, through the lab. */
export interface PairSession {
  /** Whether the device took the session for open in the end; settles within the ends' own timers. */
  readonly opened: Promise<boolean>;
  /** Application data of the device, at the gateway's side, in order; undefined where the gateway does not tell. */
  readonly gatewayGot: readonly string[] | undefined;
  /** Application data of the gateway, at the device's side, in order. */
  readonly deviceGot: readonly string[] | undefined;
  /** The device sends a text of a few letters to the gateway; undefined where the lab has no hand in it. */
  deviceSays?(text: string): void;
  /** The gateway sends a text to the device. */
  gatewaySays?(text: string): void;
  /** Why the device's side ended, once it did. */
  readonly ended: Promise<string>;
  readonly isOpen: boolean;
  close(): Promise<void>;
}

/** Both ends of a session, and nothing of the lab in them. */
export interface PairTarget {
  readonly name: string;
  readonly transports: readonly Transport[];
  /** Where the lab forwards to. */
  readonly gateway: Partial<Record<Transport, Address>>;
  /** The device goes on from a new address by itself (a connection id was negotiated). */
  readonly connectionIds: boolean;
  /** Starts a session of the device through the lab at `to`. Undefined: the device dials by itself. */
  dial?(transport: Transport, to: Address): Promise<PairSession>;
  /** A device that the attacker owns by right, where there is one: for a relay under its own certificate. */
  readonly attacker?: DeviceAccount;
  close?(): Promise<void>;
}
