import type { ChoiceOptions } from "./server-choice.ts";
import type { TicketOptions } from "./tickets.ts";

export interface ServerOptions extends ChoiceOptions {
  /** Asks the client for a certificate; default true. */
  readonly requestCertificate?: boolean;
  /** DER of the names of CAs, for certificate_authorities. */
  readonly caNames?: readonly Uint8Array[];
  /** Gives out tickets and resumes by them; default not. */
  readonly tickets?: TicketOptions;
  /** HelloRetryRequests though none is needed; more than one is against the rules. */
  readonly helloRetry?: boolean | number;
}
