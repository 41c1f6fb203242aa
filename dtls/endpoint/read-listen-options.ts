import type { PeerClaim } from "../association/outputs.ts";
import type { ServerSettings } from "../association/settings.ts";
import type { KeyExchange } from "../crypto/suites.ts";
import { DtlsError } from "../errors.ts";
import type { AuthenticatedPeer } from "../handshake/peer.ts";
import type { Credential } from "../signer.ts";
import type { TableLimits } from "./association-table.ts";
import { readCertificateFields } from "./certificate-fields.ts";
import { certificateCredential, chooseCredential, isCredential } from "./credentials.ts";
import { defaults } from "./defaults.ts";
import { assertKnown, flag, invalid, wholeNumber } from "./option-checks.ts";
import type {
  Awaitable,
  CommonOptions,
  CredentialQuestion,
  ListenOptions,
  PemCredential,
  Restore,
  VerifyPeer,
} from "./options.ts";
import { isTagOf } from "./psk-tag.ts";
import type { Knowledge } from "./questions.ts";
import {
  assertFunction,
  bytesOf,
  commonOptionNames,
  type Judge,
  type OwnCredentials,
  ownList,
  readAnchors,
  readCommonSettings,
  readExpiry,
  readJudge,
  readOwnCredentials,
  readSocketSettings,
  readVerifyPeer,
  refuseAll,
  type SocketSettings,
} from "./read-common-options.ts";
import { withSecureContext } from "./secure-context.ts";
import { certificateKeyExchanges, chooseSuites } from "./suite-choice.ts";
import { assertTicketKeys } from "./tickets.ts";
import type { WorkerPlace } from "./worker-place.ts";

/** The options of `listen`, checked and with their defaults in place. */
export interface ListenPlan extends ServerPlan {
  readonly restore: Restore | undefined;
}

/** Those that count as long as the endpoint lives. */
export interface ServerPlan {
  readonly association: Omit<ServerSettings, "connectionIds">;
  readonly connectionIds: boolean;
  readonly knowledge: Pick<Knowledge, "credential" | "psk" | "verify">;
  readonly socket: SocketSettings;
  readonly limits: TableLimits;
  /** Milliseconds; 0: for ever. */
  readonly idleTimeoutMs: number;
  readonly ticketKeys: Uint8Array | undefined;
  readonly maxStoredSessions: number;
  readonly worker: WorkerPlace | undefined;
  readonly acceptsAnyPeer: boolean;
  expiresAt(identity: unknown, peer: AuthenticatedPeer): number | undefined;
  readonly onkeylog: CommonOptions["onkeylog"];
}

const known: ReadonlySet<string> = new Set<keyof ListenOptions>([
  ...commonOptionNames,
  "certificateAuthorities",
  "dangerouslyAllowAnonymousClients",
  "host",
  "maxHandshakes",
  "maxHandshakesPerHost",
  "maxSessions",
  "maxSessionsPerHost",
  "maxStoredSessions",
  "port",
  "psk",
  "pskIdentityHint",
  "requestCert",
  "restore",
  "sessionIds",
  "sessionTickets",
  "sessionTimeout",
  "sni",
  "staleAfter",
  "ticketKeys",
  "worker",
]);

/** @throws DtlsError DTLS_OPTIONS_INVALID, naming the option */
export function readListenOptions(given: ListenOptions): ListenPlan {
  const options = withSecureContext(given);
  assertKnown(options, known, "listen");
  for (const name of ["expiresAt", "onkeylog"] as const) assertFunction(name, options[name]);
  const own = readServerCredentials(options);
  const psk = readPskStore(options.psk);
  if (own === undefined && psk === undefined) {
    throw invalid("a server needs cert and key, credentials, sni or psk");
  }
  const anchors = readAnchors(options.ca);
  const clientAuth = readClientAuth(options);
  const judge = readJudge(options, anchors, { peer: "client", name: undefined });
  const verifyPeer = readVerifyPeer(options);
  if (own !== undefined && clientAuth !== "none" && judge === undefined) {
    throw invalid("clients must show a certificate: say by ca or verifyPeer which are let in");
  }
  if (clientAuth === "none" && (anchors !== undefined || (verifyPeer !== undefined && psk === undefined))) {
    throw invalid(
      'ca and verifyPeer judge nobody with dangerouslyAllowAnonymousClients "none": no client is asked for a certificate',
    );
  }
  const hint = options.pskIdentityHint;
  if (hint !== undefined && psk === undefined) throw invalid("pskIdentityHint needs psk");
  const usable = new Set<KeyExchange>(own === undefined ? [] : certificateKeyExchanges(own.known));
  if (psk !== undefined) usable.add("ECDHE_PSK").add("PSK");
  const common = readCommonSettings(options);
  assertRawPublicKeysAreJudged(options, common.peerCertificateTypes);
  if (options.ticketKeys !== undefined)
    assertTicketKeys(bytesOf("ticketKeys", options.ticketKeys, [1, 4800]));
  return {
    association: {
      ...common,
      cipherSuites: chooseSuites(options.ciphers, usable),
      clientAuth,
      certificateAuthorities:
        options.certificateAuthorities ??
        (anchors ?? []).map(({ raw }) => readCertificateFields(raw).subject),
      ownCertificateTypes: own?.types ?? ["X509"],
      sessionIds: flag("sessionIds", options.sessionIds ?? true),
      sessionTickets: flag("sessionTickets", options.sessionTickets ?? true),
      sessionLifetimeSeconds: count(options, "sessionTimeout", [1, 604_800]),
      pskIdentityHint: hint === undefined ? undefined : bytesOf("pskIdentityHint", hint, [1, 128]),
    },
    connectionIds: flag("connectionId", options.connectionId ?? true),
    knowledge: {
      credential: (question) => own?.choose(question),
      psk: (identity) => findPsk(psk, identity),
      verify: (claim, pskTag) => judgeClaim(claim, pskTag, judge, psk, verifyPeer),
    },
    socket: readSocketSettings(
      options.worker === undefined ? options : { ...options, reusePort: true },
      options.host ?? defaults.host,
      options.port,
    ),
    limits: {
      maxSessions: count(options, "maxSessions", [1, 10_000_000]),
      maxSessionsPerHost: count(options, "maxSessionsPerHost", [1, 10_000_000]),
      maxHandshakes: count(options, "maxHandshakes", [1, 1_000_000]),
      maxHandshakesPerHost: count(options, "maxHandshakesPerHost", [1, 1_000_000]),
      staleAfterMs: count(options, "staleAfter", [0, 2 ** 31 - 1]),
      staleHandshakeAfterMs: defaults.staleHandshakeAfter,
    },
    idleTimeoutMs: wholeNumber("idleTimeout", options.idleTimeout ?? 0, [0, 2 ** 31 - 1]),
    ticketKeys: options.ticketKeys ?? options.worker?.ticketKeys,
    maxStoredSessions: count(options, "maxStoredSessions", [1, 10_000_000]),
    restore: readRestore(options.restore),
    worker: readWorker(options.worker),
    acceptsAnyPeer: options.dangerouslyAcceptAnyPeer === true,
    expiresAt: readExpiry(options),
    onkeylog: options.onkeylog,
  };
}

type PskStore = (identity: Uint8Array) => Awaitable<Uint8Array | undefined>;

/** A pre-shared key was proved; a certificate's key was. What is asked here is whether its holder may enter. */
function judgeClaim(
  claim: PeerClaim,
  pskTag: Uint8Array | undefined,
  judge: Judge,
  psk: PskStore | undefined,
  verifyPeer: VerifyPeer | undefined,
): unknown {
  if (claim.certificateType !== "PSK") return (judge ?? refuseAll)(claim);
  const { pskIdentity, resumed } = claim;
  // A full handshake has just looked the key up. A resumed one has not: it may have been taken away, or changed.
  if (!resumed || pskIdentity === undefined) return verifyPeer?.(claim);
  const decide = (key: Uint8Array | undefined): unknown => {
    if (key !== undefined && pskTag !== undefined && isTagOf(pskTag, key)) return verifyPeer?.(claim);
    throw new DtlsError(
      "DTLS_UNKNOWN_PSK_IDENTITY",
      "the identity has not the pre-shared key of its earlier session any more",
    );
  };
  const key = psk?.(pskIdentity);
  return key instanceof Uint8Array || key === undefined ? decide(key) : Promise.resolve(key).then(decide);
}

async function findPskLater(identity: Uint8Array, later: PromiseLike<Uint8Array | undefined>) {
  return pskAnswer(identity, await later);
}

function findPsk(psk: PskStore | undefined, identity: Uint8Array | undefined) {
  if (psk === undefined || identity === undefined) return undefined;
  const key = psk(identity);
  if (key === undefined || key instanceof Uint8Array) return pskAnswer(identity, key);
  return findPskLater(identity, key);
}

function pskAnswer(identity: Uint8Array, key: Uint8Array | undefined) {
  return key === undefined ? undefined : { identity, key: bytesOf("a pre-shared key", key, [1, 65_535]) };
}

function readPskStore(psk: ListenOptions["psk"]): PskStore | undefined {
  if (psk === undefined || typeof psk === "function") return psk;
  // By bytes, as they travel: two names that only look alike are two identities.
  const keys = new Map<string, Uint8Array>();
  for (const [identity, key] of Object.entries(psk)) {
    bytesOf("an identity in psk", identity, [1, 65_535]);
    keys.set(Buffer.from(identity).toString("latin1"), bytesOf(`psk of "${identity}"`, key, [1, 65_535]));
  }
  if (keys.size === 0) throw invalid("psk must have at least one identity, or be a function");
  return (identity) => keys.get(Buffer.from(identity).toString("latin1"));
}

function readServerCredentials(options: ListenOptions): OwnCredentials | undefined {
  const fallback = readOwnCredentials(options);
  const { sni } = options;
  if (sni === undefined) return fallback;
  if (typeof sni === "function") {
    return {
      known: undefined,
      types: fallback?.types ?? ["X509"],
      choose: (question) => chooseLater(question, sni, fallback),
    };
  }
  const byName = new Map<string, Credential>();
  for (const [name, value] of Object.entries(sni)) byName.set(name.toLowerCase(), asCredential(value));
  if (byName.size === 0) throw invalid("sni must have at least one name, or be a function");
  const all = ownList([...byName.values(), ...(fallback?.known ?? [])]);
  return {
    known: fallback !== undefined && fallback.known === undefined ? undefined : all.known,
    types: [...new Set([...all.types, ...(fallback?.types ?? [])])],
    choose: (question) => choose(question, byName.get(question.serverName?.toLowerCase() ?? ""), fallback),
  };
}

async function chooseLater(
  question: CredentialQuestion,
  sni: (servername: string) => Awaitable<Credential | PemCredential | undefined>,
  fallback: OwnCredentials | undefined,
): Promise<Credential | undefined> {
  const found = question.serverName === undefined ? undefined : await sni(question.serverName);
  return await choose(question, found === undefined ? undefined : asCredential(found), fallback);
}

/** RFC 6066 §3: a name that is not known is refused, unless there is a credential for all others. */
function choose(
  question: CredentialQuestion,
  named: Credential | undefined,
  fallback: OwnCredentials | undefined,
): Awaitable<Credential | undefined> {
  if (named !== undefined) return chooseCredential([named], question);
  if (fallback !== undefined) return fallback.choose(question);
  throw new DtlsError(
    "DTLS_UNRECOGNIZED_NAME",
    `there is no credential for ${question.serverName ?? "a client that names no server"}`,
  );
}

function asCredential(value: Credential | PemCredential): Credential {
  return isCredential(value) ? value : certificateCredential(value);
}

function readClientAuth(options: ListenOptions): ServerSettings["clientAuth"] {
  const { dangerouslyAllowAnonymousClients: anonymous } = options;
  if (anonymous === undefined) return "required";
  if (anonymous === "requested" || anonymous === "none") return anonymous;
  throw invalid('dangerouslyAllowAnonymousClients must be "requested" or "none"');
}

export function assertRawPublicKeysAreJudged(
  options: CommonOptions,
  types: readonly ("X509" | "RawPublicKey")[],
): void {
  if (!types.includes("RawPublicKey") || options.ca === undefined) return;
  throw invalid(
    "no CA stands above a raw public key: peerCertificateTypes with RawPublicKey needs verifyPeer",
  );
}

function count(
  options: ListenOptions,
  name:
    | "maxSessions"
    | "maxSessionsPerHost"
    | "maxHandshakes"
    | "maxHandshakesPerHost"
    | "staleAfter"
    | "sessionTimeout"
    | "maxStoredSessions",
  range: readonly [number, number],
): number {
  return wholeNumber(name, options[name] ?? defaults[name], range);
}

function readRestore(restore: Restore | undefined): Restore | undefined {
  if (restore === undefined) return undefined;
  return {
    key: bytesOf("restore.key", restore.key, [32, 32]),
    associations: bytesOf("restore.associations", restore.associations, [0, 2 ** 31 - 1]),
  };
}

function readWorker(worker: WorkerPlace | undefined): WorkerPlace | undefined {
  if (worker === undefined) return undefined;
  wholeNumber("worker.index", worker.index, [0, 255]);
  if (typeof worker.attach !== "function") throw invalid("worker must be what workerPlace() gives");
  return worker;
}
