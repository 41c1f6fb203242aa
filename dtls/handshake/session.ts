/**
 * What resumes: the server keeps it under a session id or hands it out sealed in a ticket, the client keeps it. It is
 * bound to the identity, names and extended master secret of the handshake that made it (RFC 7627 §5.3).
 */
export interface ResumableSession {
  /** 32 bytes; empty on the client when a ticket stands for it. */
  readonly sessionId: Uint8Array;
  /** Client: the ticket to send; undefined for a session id. */
  readonly ticket: Uint8Array | undefined;
  readonly cipherSuite: number;
  readonly masterSecret: Uint8Array;
  readonly extendedMasterSecret: boolean;
  readonly serverName: string | undefined;
  readonly alpnProtocol: string | undefined;
  readonly peerCertificateType: "X509" | "RawPublicKey" | "PSK" | undefined;
  /** As in PeerClaim: judged again at every resumption. */
  readonly peerChain: readonly Uint8Array[];
  readonly pskIdentity: Uint8Array | undefined;
  /** Server: the endpoint's own mark of the pre-shared key that was proved, for the identity may have another one by now. */
  readonly pskTag?: Uint8Array | undefined;
  /** Milliseconds since 1970; a resumption does not prolong it. */
  readonly expiresAt: number;
}
