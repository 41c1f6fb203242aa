import type { Answer, CredentialRequest, PeerClaim } from "../../../dtls/association/outputs.ts";
import { DtlsError } from "../../../dtls/errors.ts";
import type { ResumableSession } from "../../../dtls/handshake/session.ts";
import type { Credential } from "../../../dtls/signer.ts";
import { leafOf } from "./credentials.ts";

/** What the application behind an association holds and knows. */
export interface Application {
  /** Shown to the peer: the first whose kind of certificate is asked for. */
  readonly credentials?: readonly Credential[];
  /** Peers that are let in, each by its leaf certificate or raw public key, under the name it goes by. */
  readonly known?: ReadonlyMap<string, Credential>;
  /** Server: the key of each identity. */
  readonly pskStore?: ReadonlyMap<string, Uint8Array>;
  /** Client: what it has. */
  readonly psk?: { readonly identity: string; readonly key: Uint8Array };
  readonly sessions?: SessionStore;
  /** Looks at every question before it is answered; may answer in place of the application. */
  readonly onquestion?: (request: CredentialRequest) => Answer | undefined;
}

/** Answers as an honest application does, at once. */
export function answerAs(application: Application, request: CredentialRequest): Answer {
  const own = application.onquestion?.(request);
  if (own !== undefined) return own;
  try {
    return honestAnswer(application, request);
  } catch (error) {
    if (!(error instanceof DtlsError)) throw error;
    return { kind: "refused", error };
  }
}

function honestAnswer(application: Application, request: CredentialRequest): Answer {
  switch (request.kind) {
    case "credential": {
      const types: readonly string[] = request.certificateTypes;
      const fitting = application.credentials?.find(({ certificateType }) => types.includes(certificateType));
      return { kind: "credential", credential: fitting };
    }
    case "sign": {
      const signature = request.credential.signer.sign(request.bytes, request.scheme);
      if (signature instanceof Promise) throw new TypeError("signers of these tests answer at once");
      return { kind: "sign", signature };
    }
    case "peer":
      return { kind: "peer", identity: judge(application, request.claim) };
    case "psk":
      return { kind: "psk", psk: pskFor(application, request.identity) };
    case "session":
      return { kind: "session", session: application.sessions?.find(request.sessionId, request.ticket) };
    case "store":
      return { kind: "store", ticket: application.sessions?.keep(request.session, request.asTicket) };
  }
}

/** The name of the peer. @throws DtlsError DTLS_UNKNOWN_CA */
function judge({ known }: Application, claim: PeerClaim): string {
  if (claim.certificateType === "PSK") return Buffer.from(claim.pskIdentity ?? []).toString();
  const leaf = claim.chain[0] ?? new Uint8Array();
  for (const [name, credential] of known ?? []) {
    if (Buffer.compare(leafOf(credential), leaf) === 0) return name;
  }
  throw new DtlsError("DTLS_UNKNOWN_CA", "a certificate that this test knows nothing of");
}

function pskFor({ psk, pskStore }: Application, identity: Uint8Array | undefined) {
  if (identity === undefined) return psk && { identity: Buffer.from(psk.identity), key: psk.key };
  const key = pskStore?.get(Buffer.from(identity).toString());
  return key && { identity, key };
}

/** A server's sessions: under their ids, and under made-up tickets that nobody else can read. */
export class SessionStore {
  readonly #sessions = new Map<string, ResumableSession>();

  get size(): number {
    return this.#sessions.size;
  }

  keep(session: ResumableSession, asTicket: boolean): Uint8Array | undefined {
    if (!asTicket) {
      this.#sessions.set(hex(session.sessionId), session);
      return undefined;
    }
    const ticket = Buffer.from(`ticket ${this.#sessions.size}`.padEnd(100, "."));
    this.#sessions.set(hex(ticket), session);
    return ticket;
  }

  find(sessionId: Uint8Array, ticket: Uint8Array | undefined): ResumableSession | undefined {
    return this.#sessions.get(hex(ticket ?? sessionId));
  }

  /** A copy whose sessions are what another handshake would have made of them. */
  altered(change: (session: ResumableSession) => ResumableSession): SessionStore {
    const copy = new SessionStore();
    for (const [key, session] of this.#sessions) copy.#sessions.set(key, change(session));
    return copy;
  }
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}
