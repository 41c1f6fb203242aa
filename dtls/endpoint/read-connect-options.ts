import type { PeerClaim } from "../association/outputs.ts";
import type { ClientSettings } from "../association/settings.ts";
import type { KeyExchange } from "../crypto/suites.ts";
import type { AuthenticatedPeer } from "../handshake/peer.ts";
import { readClientSession } from "./client-session.ts";
import { assertKnown, flag, invalid, wholeNumber } from "./option-checks.ts";
import type { ClientPsk, CommonOptions, ConnectOptions, VerifyPeer } from "./options.ts";
import type { Knowledge, PskAnswer } from "./questions.ts";
import {
  assertFunction,
  bytesOf,
  commonOptionNames,
  type Judge,
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
import { assertRawPublicKeysAreJudged } from "./read-listen-options.ts";
import { withSecureContext } from "./secure-context.ts";
import { chooseSuites } from "./suite-choice.ts";

/** The arguments of `connect`, checked and with their defaults in place. */
export interface ConnectPlan {
  readonly host: string;
  readonly port: number;
  /** Whom the server must prove to be: what a stored session is bound to. */
  readonly peerName: string;
  readonly association: Omit<ClientSettings, "connectionIds">;
  readonly connectionIds: boolean;
  readonly knowledge: Pick<Knowledge, "credential" | "psk" | "verify">;
  readonly socket: SocketSettings;
  /** Milliseconds; 0: for ever. */
  readonly idleTimeoutMs: number;
  readonly acceptsAnyPeer: boolean;
  expiresAt(identity: unknown, peer: AuthenticatedPeer): number | undefined;
  readonly onkeylog: CommonOptions["onkeylog"];
}

const known: ReadonlySet<string> = new Set<keyof ConnectOptions>([
  ...commonOptionNames,
  "bindHost",
  "bindPort",
  "maxFragmentLength",
  "psk",
  "servername",
  "session",
  "sessionTickets",
]);

/** @throws DtlsError DTLS_OPTIONS_INVALID, naming the option */
export function readConnectOptions(host: string, port: number, given: ConnectOptions): ConnectPlan {
  const options = withSecureContext(given);
  assertKnown(options, known, "connect");
  for (const name of ["expiresAt", "onkeylog"] as const) assertFunction(name, options[name]);
  if (typeof host !== "string" || host === "") throw invalid("host must be a name or an address");
  const { servername = host, psk, maxFragmentLength } = options;
  if (typeof servername !== "string") throw invalid("servername must be a string");
  // An empty name is not told to the server, which must prove the host's name all the same.
  const peerName = servername === "" ? host : servername;
  const own = readOwnCredentials(options);
  const anchors = readAnchors(options.ca);
  const judge = readJudge(options, anchors, { peer: "server", name: peerName });
  const verifyPeer = readVerifyPeer(options);
  const usable = new Set<KeyExchange>();
  if (judge !== undefined) usable.add("ECDHE_ECDSA").add("ECDHE_RSA");
  if (psk !== undefined) usable.add("ECDHE_PSK").add("PSK");
  if (usable.size === 0) throw invalid("say by ca or verifyPeer which servers are trusted, or give a psk");
  const common = readCommonSettings(options);
  assertRawPublicKeysAreJudged(options, common.peerCertificateTypes);
  if (maxFragmentLength !== undefined && ![512, 1024, 2048, 4096].includes(maxFragmentLength)) {
    throw invalid("maxFragmentLength must be 512, 1024, 2048 or 4096 (RFC 6066 §4)");
  }
  const findPsk = readPsk(psk);
  return {
    host,
    port: wholeNumber("port", port, [1, 65_535]),
    peerName,
    association: {
      ...common,
      cipherSuites: chooseSuites(options.ciphers, usable),
      serverName: servername === "" ? undefined : servername,
      ownCertificateTypes: own?.types ?? ["X509"],
      session: options.session === undefined ? undefined : readClientSession(peerName, options.session),
      maxFragmentLength,
      sessionTickets: flag("sessionTickets", options.sessionTickets ?? true),
    },
    connectionIds: flag("connectionId", options.connectionId ?? true),
    knowledge: {
      credential: (question) => own?.choose(question),
      psk: (_identity, hint) => findPsk(hint),
      verify: (claim) => judgeClaim(claim, judge, verifyPeer),
    },
    socket: readSocketSettings(options, options.bindHost, options.bindPort ?? 0),
    idleTimeoutMs: wholeNumber("idleTimeout", options.idleTimeout ?? 0, [0, 2 ** 31 - 1]),
    acceptsAnyPeer: options.dangerouslyAcceptAnyPeer === true,
    expiresAt: readExpiry(options),
    onkeylog: options.onkeylog,
  };
}

function judgeClaim(claim: PeerClaim, judge: Judge, verifyPeer: VerifyPeer | undefined): unknown {
  if (claim.certificateType === "PSK") return verifyPeer?.(claim);
  return (judge ?? refuseAll)(claim);
}

function readPsk(psk: ConnectOptions["psk"]) {
  if (psk === undefined) return () => undefined;
  if (typeof psk !== "function") {
    const fixed = pskAnswer(psk);
    return () => fixed;
  }
  return (hint: Uint8Array | undefined) => {
    const found = psk(hint);
    if (found === undefined) return undefined;
    return "identity" in found ? pskAnswer(found) : later(found);
  };
}

async function later(found: PromiseLike<ClientPsk | undefined>): Promise<PskAnswer | undefined> {
  const psk = await found;
  return psk === undefined ? undefined : pskAnswer(psk);
}

/** RFC 4279 §5.3: identities of 128 and keys of 64 bytes must be supported; the wire allows 2^16-1. */
function pskAnswer({ identity, key }: ClientPsk): PskAnswer {
  return {
    identity: bytesOf("psk.identity", identity, [1, 65_535]),
    key: bytesOf("psk.key", key, [1, 65_535]),
  };
}
