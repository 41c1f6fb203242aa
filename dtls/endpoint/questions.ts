import type { Answer, PeerClaim, Question } from "../association/outputs.ts";
import { DtlsError, type DtlsErrorCode } from "../errors.ts";
import type { ResumableSession } from "../handshake/session.ts";
import type { Credential } from "../signer.ts";
import type { Awaitable, CredentialQuestion } from "./options.ts";

/** What the application and the endpoint's own stores know. Each may throw or reject: that refuses the peer. */
export interface Knowledge {
  credential(question: CredentialQuestion): Awaitable<Credential | undefined>;
  psk(identity: Uint8Array | undefined, hint: Uint8Array | undefined): Awaitable<PskAnswer | undefined>;
  /** The result may be a promise. `pskTag`: of the key that a session with a pre-shared key began with. */
  verify(claim: PeerClaim, pskTag?: Uint8Array): unknown;
  findSession(sessionId: Uint8Array, ticket: Uint8Array | undefined): ResumableSession | undefined;
  /** The ticket, where one was asked for. */
  storeSession(session: ResumableSession, asTicket: boolean): Uint8Array | undefined;
  /** The session must not be resumed any more. */
  forgetSession(sessionId: Uint8Array): void;
}

export interface PskAnswer {
  readonly identity: Uint8Array;
  readonly key: Uint8Array;
}

/**
 * The answer to a question of an association: at once where it is known at once, so that an ordinary handshake waits
 * for no promise. Never throws and never rejects: what goes wrong is an answer too, which ends the handshake.
 */
export function answerTo(
  question: Question,
  knowledge: Knowledge,
  pskTag?: Uint8Array,
): Answer | Promise<Answer> {
  switch (question.kind) {
    case "credential": {
      const { kind, ...asked } = question;
      return settle(
        () => knowledge.credential(asked),
        (credential) => ({ kind, credential }),
      );
    }
    case "sign":
      return settle(
        () => question.credential.signer.sign(question.bytes, question.scheme),
        (signature) => ({ kind: "sign", signature }),
      );
    case "peer":
      return settle(
        () => knowledge.verify(question.claim, pskTag),
        (identity) => ({ kind: "peer", identity }),
        "DTLS_CERTIFICATE_UNKNOWN",
      );
    case "psk":
      return settle(
        () => knowledge.psk(question.identity, question.hint),
        (psk) => ({ kind: "psk", psk }),
      );
    case "session":
      return settle(
        () => knowledge.findSession(question.sessionId, question.ticket),
        (session) => ({ kind: "session", session }),
      );
    case "store":
      return settle(
        () => knowledge.storeSession(question.session, question.asTicket),
        (ticket) => ({ kind: "store", ticket }),
      );
    default:
      return unreachable(question);
  }
}

/** What a hook threw, as the error that refuses: a DtlsError stays what it is. */
export function refusalFor(thrown: unknown, otherwise: DtlsErrorCode): DtlsError {
  if (thrown instanceof DtlsError) return thrown;
  const what = otherwise === "DTLS_CERTIFICATE_UNKNOWN" ? "verifyPeer refused the peer" : "a callback failed";
  const detail = thrown instanceof Error ? `: ${thrown.message}` : "";
  return new DtlsError(otherwise, what + detail, { cause: thrown });
}

function settle<T>(
  ask: () => Awaitable<T>,
  answer: (value: T) => Answer,
  otherwise: DtlsErrorCode = "DTLS_INTERNAL_ERROR",
): Answer | Promise<Answer> {
  const refuse = (thrown: unknown): Answer => ({ kind: "refused", error: refusalFor(thrown, otherwise) });
  try {
    const value = ask();
    if (!isPromiseLike(value)) return answer(value);
    return Promise.resolve(value).then(answer, refuse);
  } catch (thrown) {
    return refuse(thrown);
  }
}

export function isPromiseLike<T>(value: Awaitable<T>): value is PromiseLike<T> {
  return typeof value === "object" && value !== null && "then" in value && typeof value.then === "function";
}

function unreachable(value: never): never {
  throw new Error(`unreachable: ${String(value)}`);
}
