import { DtlsError } from "../../dtls/index.ts";

/** A handshake came to an end; inside of this folder only, what callers get is a HandshakeResult. */
export class Stopped extends Error {
  readonly outcome: {
    readonly refusedAt: string;
    readonly alert: string | undefined;
    readonly how: string;
    readonly byThisEnd?: boolean;
  };

  constructor(outcome: Stopped["outcome"]) {
    super(outcome.how);
    this.outcome = outcome;
  }
}

/** What the peer sent cannot be read or worked with. */
export class Refused extends Error {
  readonly alert: string;

  constructor(alert: string, message: string) {
    super(message);
    this.alert = alert;
  }

  /** For the errors of the structures that TLS shares with DTLS; undefined for any other error. */
  static from(error: unknown): Refused | undefined {
    if (error instanceof Refused) return error;
    if (!(error instanceof DtlsError)) return undefined;
    return new Refused(error.alert ?? "decode_error", error.message);
  }
}
