import type { X509Certificate } from "node:crypto";
import type { PeerClaim } from "../association/outputs.ts";
import type { CommonSettings } from "../association/settings.ts";
import { DtlsError } from "../errors.ts";
import type { AuthenticatedPeer } from "../handshake/peer.ts";
import type { Credential } from "../signer.ts";
import { NamedGroup, SignatureScheme } from "../wire/registry.ts";
import { readNotAfter } from "./certificate-fields.ts";
import { certificateCredential, chooseCredential, isCredential, readCertificates } from "./credentials.ts";
import { defaults } from "./defaults.ts";
import { flag, invalid, namedValues, wholeNumber } from "./option-checks.ts";
import type {
  Awaitable,
  CertificateType,
  CommonOptions,
  CredentialQuestion,
  Pem,
  VerifyPeer,
} from "./options.ts";
import { isPromiseLike } from "./questions.ts";
import { assertAnchors, verifyWithCa } from "./verify-with-ca.ts";

export interface SocketSettings {
  readonly host: string | undefined;
  readonly port: number;
  readonly ipv6Only: boolean;
  readonly reusePort: boolean;
  readonly receiveBufferBytes: number | undefined;
  readonly sendBufferBytes: number | undefined;
  readonly ttl: number | undefined;
}

/** Our own credentials: a list, or whoever chooses. */
export interface OwnCredentials {
  /** Undefined: a function chooses, and what keys it has is not known. */
  readonly known: readonly Credential[] | undefined;
  readonly types: readonly CertificateType[];
  choose(question: CredentialQuestion): Awaitable<Credential | undefined>;
}

/** How certificates and raw public keys are judged; undefined: this side was not told how. */
export type Judge = ((claim: PeerClaim) => unknown) | undefined;

export const commonOptionNames: readonly (keyof CommonOptions)[] = [
  "alpn",
  "ca",
  "cert",
  "certificateTypes",
  "ciphers",
  "connectionId",
  "credentials",
  "dangerouslyAcceptAnyPeer",
  "dangerouslyAllowMissingExtendedMasterSecret",
  "expiresAt",
  "groups",
  "handshakeTimeout",
  "idleTimeout",
  "ipv6Only",
  "key",
  "maxHandshakeMessageBytes",
  "mtu",
  "onkeylog",
  "passphrase",
  "peerCertificateTypes",
  "recordSizeLimit",
  "rejectUnauthorized",
  "retransmission",
  "returnRoutabilityCheck",
  "reusePort",
  "signatureSchemes",
  "udpReceiveBufferSize",
  "udpSendBufferSize",
  "udpTTL",
  "verifyPeer",
];

export function readOwnCredentials(options: CommonOptions): OwnCredentials | undefined {
  const { cert, key, credentials, passphrase } = options;
  if (cert !== undefined || key !== undefined) {
    if (cert === undefined || key === undefined)
      throw invalid("cert and key are given together or not at all");
    if (credentials !== undefined) throw invalid("credentials stands in place of cert and key");
    return ownList([certificateCredential({ cert, key, passphrase })]);
  }
  if (credentials === undefined) return undefined;
  if (typeof credentials === "function") {
    return {
      known: undefined,
      types: readTypes("certificateTypes", options.certificateTypes),
      choose: credentials,
    };
  }
  const list = isCredential(credentials) ? [credentials] : credentials;
  if (!Array.isArray(list) || list.length === 0 || !list.every(isCredential)) {
    throw invalid("credentials must be one or several of certificateCredential() and alike, or a function");
  }
  return ownList(list);
}

export function ownList(list: readonly Credential[]): OwnCredentials {
  return {
    known: list,
    types: [...new Set(list.map(({ certificateType }) => certificateType))],
    choose: (question) => chooseCredential(list, question),
  };
}

export function readAnchors(ca: CommonOptions["ca"]): readonly X509Certificate[] | undefined {
  if (ca === undefined) return undefined;
  const anchors = (isList(ca) ? ca : [ca]).flatMap((pem) => readCertificates(pem, "ca"));
  if (anchors.length === 0) throw invalid("ca holds no certificate in PEM form");
  assertAnchors(anchors);
  return anchors;
}

/** Exactly one way of judging peers: nothing is guessed, and nothing is accepted for want of one. */
export function readJudge(
  options: CommonOptions,
  anchors: readonly X509Certificate[] | undefined,
  rules: { readonly peer: "client" | "server"; readonly name: string | undefined },
): Judge {
  const verifyPeer = readVerifyPeer(options);
  const any = flag("dangerouslyAcceptAnyPeer", options.dangerouslyAcceptAnyPeer ?? false);
  if ([anchors !== undefined, verifyPeer !== undefined, any].filter(Boolean).length > 1) {
    throw invalid("one of ca, verifyPeer and dangerouslyAcceptAnyPeer is used, not several");
  }
  if (verifyPeer !== undefined) return verifyPeer;
  if (anchors !== undefined) return verifyWithCa({ anchors, ...rules, wallClock: Date.now });
  return any ? () => undefined : undefined;
}

/** With what a predicate or a look-up says of a peer that it does not know, and which is nobody's identity, as a refusal. */
export function readVerifyPeer({ verifyPeer }: CommonOptions): VerifyPeer | undefined {
  if (verifyPeer === undefined) return undefined;
  if (typeof verifyPeer !== "function") throw invalid("verifyPeer must be a function");
  return (claim) => {
    const answer = verifyPeer(claim);
    return isPromiseLike(answer) ? Promise.resolve(answer).then(notRefused) : notRefused(answer);
  };
}

function notRefused(answer: unknown): unknown {
  // Not undefined either: a look-up that finds nothing, or a forgotten `return`, must let nobody in.
  if (answer !== false && answer !== null && answer !== undefined) return answer;
  throw new DtlsError("DTLS_CERTIFICATE_UNKNOWN", `verifyPeer refused the peer: it said ${String(answer)}`);
}

export type CommonPart = Omit<CommonSettings, "cipherSuites" | "connectionIds">;

export function readCommonSettings(options: CommonOptions): CommonPart {
  const { retransmission = {}, alpn = [] } = options;
  const connectionId = flag("connectionId", options.connectionId ?? true);
  const rrc = flag("returnRoutabilityCheck", options.returnRoutabilityCheck ?? connectionId);
  if (rrc && !connectionId) throw invalid("returnRoutabilityCheck needs connectionId (RFC 9853 §3)");
  const initialMs = wholeNumber(
    "retransmission.initialMs",
    retransmission.initialMs ?? defaults.initialRetransmissionMs,
    [10, 60_000],
  );
  const maximumMs = wholeNumber(
    "retransmission.maximumMs",
    retransmission.maximumMs ?? Math.max(initialMs, defaults.maximumRetransmissionMs),
    [initialMs, 600_000],
  );
  return {
    groups: namedValues("groups", options.groups ?? defaults.groups, NamedGroup),
    signatureSchemes: namedValues(
      "signatureSchemes",
      options.signatureSchemes ?? defaults.signatureSchemes,
      SignatureScheme,
    ),
    requireExtendedMasterSecret: !flag(
      "dangerouslyAllowMissingExtendedMasterSecret",
      options.dangerouslyAllowMissingExtendedMasterSecret ?? false,
    ),
    returnRoutabilityCheck: rrc,
    alpnProtocols: readProtocols(alpn),
    peerCertificateTypes: readTypes("peerCertificateTypes", options.peerCertificateTypes),
    mtu: wholeNumber("mtu", options.mtu ?? defaults.mtu, [256, 65_507]),
    recordSizeLimit:
      options.recordSizeLimit === undefined
        ? undefined
        : wholeNumber("recordSizeLimit", options.recordSizeLimit, [64, 16_384]),
    retransmission: { initialMs, maximumMs },
    handshakeTimeoutMs: wholeNumber(
      "handshakeTimeout",
      options.handshakeTimeout ?? defaults.handshakeTimeout,
      [1, 3_600_000],
    ),
    maxHandshakeMessageBytes: wholeNumber(
      "maxHandshakeMessageBytes",
      options.maxHandshakeMessageBytes ?? defaults.maxHandshakeMessageBytes,
      [1024, 131_072],
    ),
    maxQueuedBytes: defaults.maxQueuedBytes,
    keyLog: options.onkeylog !== undefined,
  };
}

export function readSocketSettings(
  options: CommonOptions,
  host: string | undefined,
  port: number,
): SocketSettings {
  if (host !== undefined && typeof host !== "string") throw invalid("the address to bind must be a string");
  const bytes = (name: "udpReceiveBufferSize" | "udpSendBufferSize") =>
    options[name] === undefined ? undefined : wholeNumber(name, options[name], [1, 2 ** 31 - 1]);
  return {
    host,
    port: wholeNumber("port", port, [0, 65_535]),
    ipv6Only: flag("ipv6Only", options.ipv6Only ?? false),
    reusePort: flag("reusePort", options.reusePort ?? false),
    receiveBufferBytes: bytes("udpReceiveBufferSize"),
    sendBufferBytes: bytes("udpSendBufferSize"),
    ttl: options.udpTTL === undefined ? undefined : wholeNumber("udpTTL", options.udpTTL, [1, 255]),
  };
}

/** When a session ends by itself, in milliseconds since 1970. */
export function readExpiry(
  options: CommonOptions,
): (identity: unknown, peer: AuthenticatedPeer) => number | undefined {
  const { expiresAt } = options;
  if (expiresAt === undefined) return options.ca === undefined ? certificateEnd : pathEnd;
  if (typeof expiresAt !== "function") throw invalid("expiresAt must be a function");
  return (identity, peer) => {
    const end = expiresAt(identity, peer)?.getTime();
    if (end === undefined || Number.isFinite(end)) return end;
    throw new TypeError("expiresAt must return a valid Date, or undefined");
  };
}

export function assertFunction(name: string, value: unknown): void {
  if (value !== undefined && typeof value !== "function") throw invalid(`${name} must be a function`);
}

/** A key or an identity as bytes. */
export function bytesOf(name: string, value: unknown, [min, max]: readonly [number, number]): Uint8Array {
  const bytes = typeof value === "string" ? new TextEncoder().encode(value) : value;
  if (!(bytes instanceof Uint8Array) || bytes.length < min || bytes.length > max) {
    throw invalid(`${name} must be ${min} to ${max} bytes`);
  }
  return Uint8Array.from(bytes);
}

/** With `ca`: no session outlives a certificate that its path to an anchor has. */
function pathEnd(identity: unknown, peer: AuthenticatedPeer): number | undefined {
  const isPath = typeof identity === "object" && identity !== null && "notAfter" in identity;
  if (isPath && identity.notAfter instanceof Date) return identity.notAfter.getTime();
  return certificateEnd(identity, peer);
}

function certificateEnd(_identity: unknown, peer: AuthenticatedPeer): number | undefined {
  const [leaf] = peer.chain;
  if (peer.certificateType !== "X509" || leaf === undefined) return undefined;
  return readNotAfter(leaf).getTime();
}

function readTypes(name: string, types: readonly CertificateType[] = ["X509"]): readonly CertificateType[] {
  if (
    !Array.isArray(types) ||
    types.length === 0 ||
    !types.every((type) => type === "X509" || type === "RawPublicKey")
  ) {
    throw invalid(`${name} must be a list of X509 and RawPublicKey`);
  }
  return types;
}

/** RFC 7301 §3.1: ProtocolName<1..2^8-1> */
function readProtocols(alpn: readonly string[]): readonly string[] {
  const fits = (name: unknown) => typeof name === "string" && name !== "" && Buffer.byteLength(name) <= 255;
  if (!Array.isArray(alpn) || !alpn.every(fits)) {
    throw invalid("alpn must be a list of protocol names of 1 to 255 bytes");
  }
  return alpn;
}

function isList(ca: Pem | readonly Pem[]): ca is readonly Pem[] {
  return Array.isArray(ca);
}

/** Where nobody said how to judge certificates, none is taken. */
export function refuseAll(): never {
  throw new DtlsError("DTLS_CERTIFICATE_UNKNOWN", "this endpoint was given no way to judge certificates");
}
