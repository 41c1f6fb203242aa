import type { TlsVersion } from "./numbers.ts";

/** What a client needs to come back without showing its certificate again: a ticket, and what goes with it. */
export interface TlsSession {
  readonly version: TlsVersion;
  readonly cipherSuite: number;
  /** master_secret of TLS 1.2, the PSK of TLS 1.3. */
  readonly secret: Uint8Array;
  readonly ticket: Uint8Array;
  /** TLS 1.2: extended_master_secret was used (RFC 7627 §5.3). */
  readonly extendedMasterSecret: boolean;
  /** TLS 1.3: ticket_age_add. */
  readonly ageAdd: number;
  /** Seconds that the server gave it. */
  readonly lifetime: number;
  /** Milliseconds since 1970. */
  readonly receivedAt: number;
  /** TLS 1.3: the ticket may be used for early data of so many bytes. */
  readonly maxEarlyData: number;
  readonly serverName: string | undefined;
  /** The chain of the server, DER, leaf first. */
  readonly peerChain: readonly Uint8Array[];
}
