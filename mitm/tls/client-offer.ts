import { hash } from "node:crypto";
import { generateKeyShare } from "../../dtls/crypto/key-agreement.ts";
import { randomBytes } from "../../dtls/crypto/random.ts";
import type { RawExtension } from "../../dtls/wire/hello.ts";
import type { TlsEndOptions } from "./end-options.ts";
import { ExtensionReader, extension } from "./extensions.ts";
import { type AnyKeyShare, secp521r1, secp521r1Share } from "./further-groups.ts";
import { finishedData, hashLength, KeySchedule } from "./key-schedule.ts";
import { ClientHello, decode, encode, type MessageBody, withHeader } from "./messages.ts";
import { HandshakeType, NamedGroup, ProtocolVersion, TlsCipherSuite, type TlsVersion } from "./numbers.ts";
import type { TlsSession } from "./session.ts";
import { defaultSignatureSchemes } from "./signatures.ts";
import { suite13, suites12, suites13, versionsOf } from "./suites.ts";
import type { Transcript } from "./transcript.ts";

export const defaultGroups: readonly number[] = [
  NamedGroup.x25519,
  NamedGroup.secp256r1,
  NamedGroup.secp384r1,
];

export interface OfferOptions extends TlsEndOptions {
  /** Bytes for a name that is none. */
  readonly serverName?: string | Uint8Array | undefined;
  readonly session?: TlsSession | undefined;
  /** Groups that key shares are sent for; default x25519 and secp256r1, of those that are offered. */
  readonly keyShareGroups?: readonly number[];
  /** Sent as early data (RFC 8446 §4.2.10), where there is a session that allows to. */
  readonly earlyData?: Uint8Array | undefined;
  readonly postHandshakeAuth?: boolean;
  /** Asks for a ticket of TLS 1.2; default true. */
  readonly wantTicket?: boolean;
}

export interface OfferContext {
  readonly retry?: { readonly group: number | undefined; readonly cookie: Uint8Array | undefined };
  /** RFC 5746 §3.5: client_verify_data of the connection that is renegotiated. */
  readonly renegotiated?: Uint8Array;
}

/** Our half of a group; undefined for one that this engine cannot speak. */
export function keyShareOf(group: number): AnyKeyShare | undefined {
  if (group === secp521r1) return secp521r1Share();
  const known = Object.values(NamedGroup).find((candidate) => candidate === group);
  return known === undefined ? undefined : generateKeyShare(known);
}

/** What a ClientHello says, as it went out: a hook may have changed it. */
export class ClientOffer {
  readonly options: OfferOptions;
  readonly shares = new Map<number, AnyKeyShare>();
  #random: Uint8Array = randomBytes(32);
  #sessionId: Uint8Array = randomBytes(32);
  #hello: ClientHello | undefined;
  #extensions = new ExtensionReader([]);

  constructor(options: OfferOptions) {
    this.options = options;
    for (const group of options.keyShareGroups ?? this.#defaultShares()) this.addShare(group);
  }

  get random(): Uint8Array {
    return this.#hello?.random ?? this.#random;
  }

  get sessionId(): Uint8Array {
    return this.#hello?.sessionId ?? this.#sessionId;
  }

  get cipherSuites(): readonly number[] {
    return this.#hello?.cipherSuites ?? [];
  }

  get extensions(): ExtensionReader {
    return this.#extensions;
  }

  get groups(): readonly number[] {
    return this.#extensions.supportedGroups() ?? [];
  }

  get signatureSchemes(): readonly number[] {
    return this.#extensions.signatureAlgorithms() ?? [];
  }

  offers(version: number): boolean {
    const versions = this.#extensions.supportedVersions();
    return versions === undefined ? version === ProtocolVersion.TLS_1_2 : versions.includes(version);
  }

  get session(): TlsSession | undefined {
    return this.options.session;
  }

  addShare(group: number): void {
    if (this.shares.has(group)) return;
    const share = keyShareOf(group);
    if (share !== undefined) this.shares.set(group, share);
  }

  /** The ClientHello. With a PSK its binder covers `transcript` too, which after a HelloRetryRequest is not empty. */
  message(transcript: Transcript, context: OfferContext = {}): MessageBody {
    const hello: ClientHello = {
      legacyVersion: ProtocolVersion.TLS_1_2,
      random: this.#random,
      sessionId: this.#sessionIdFor(context),
      cipherSuites: this.#suites(context),
      compressionMethods: [0],
      extensions: this.#extensionList(context),
    };
    const message = { msgType: HandshakeType.client_hello, body: encode(ClientHello, hello) };
    return this.#speaks("TLS 1.3", context) && this.session?.version === "TLS 1.3"
      ? this.#bound(message, this.session, transcript)
      : message;
  }

  /** Learns from what really went out. What cannot be read back leaves the offer as it was. */
  sent(body: Uint8Array | undefined): void {
    if (body === undefined) return;
    try {
      this.#hello = decode("ClientHello", ClientHello, body);
      this.#extensions = new ExtensionReader(this.#hello.extensions);
    } catch {
      // A hello that was broken on purpose.
    }
  }

  #defaultShares(): readonly number[] {
    const first: readonly number[] = [NamedGroup.x25519, NamedGroup.secp256r1];
    const offered = this.options.groups ?? defaultGroups;
    const both = first.filter((group) => offered.includes(group));
    return both.length > 0 ? both : offered.slice(0, 1);
  }

  #speaks(version: TlsVersion, context: OfferContext): boolean {
    // A renegotiation stays in its version.
    if (context.renegotiated !== undefined) return version === "TLS 1.2";
    return versionsOf(this.options).includes(version);
  }

  #sessionIdFor(context: OfferContext): Uint8Array {
    // RFC 5077 §3.4: a session id goes with the ticket, so that the server can say by it that it took the ticket.
    // RFC 8446 §D.4: and one that means nothing makes TLS 1.3 look like a resumption to what stands on the path.
    if (this.session?.version === "TLS 1.2" || this.#speaks("TLS 1.3", context)) return this.#sessionId;
    return new Uint8Array();
  }

  #suites(context: OfferContext): readonly number[] {
    if (this.options.cipherSuites !== undefined) return this.options.cipherSuites;
    const list: number[] = [];
    if (this.#speaks("TLS 1.3", context)) list.push(...suites13.map(({ id }) => id));
    if (this.#speaks("TLS 1.2", context)) list.push(...suites12.map(({ id }) => id));
    // RFC 5746 §3.4: one of the SCSV and the extension; here the extension.
    return list.length === 0 ? [TlsCipherSuite.TLS_AES_128_GCM_SHA256] : list;
  }

  #extensionList(context: OfferContext): readonly RawExtension[] {
    const { options } = this;
    const list: RawExtension[] = [];
    if (options.serverName !== undefined) list.push(extension.serverName(options.serverName));
    list.push(extension.supportedGroups(options.groups ?? defaultGroups));
    list.push(extension.signatureAlgorithms(options.signatureSchemes ?? defaultSignatureSchemes));
    if (options.alpn !== undefined) list.push(extension.applicationProtocols(options.alpn));
    if (this.#speaks("TLS 1.2", context)) {
      list.push(extension.ecPointFormats(), extension.extendedMasterSecret());
      list.push(extension.renegotiationInfo(context.renegotiated));
      const ticket = this.session?.version === "TLS 1.2" ? this.session.ticket : undefined;
      if (ticket !== undefined || options.wantTicket !== false) list.push(extension.sessionTicket(ticket));
    }
    if (this.#speaks("TLS 1.3", context)) list.push(...this.#extensions13(context));
    list.push(...(options.extensions ?? []));
    if (this.#speaks("TLS 1.3", context) && this.session?.version === "TLS 1.3") {
      list.push(this.#psk(this.session));
    }
    return list;
  }

  #extensions13(context: OfferContext): RawExtension[] {
    const { options } = this;
    const versions: number[] = [ProtocolVersion.TLS_1_3];
    if (this.#speaks("TLS 1.2", context)) versions.push(ProtocolVersion.TLS_1_2);
    const list = [extension.supportedVersions(versions)];
    const { retry } = context;
    const shares = [...this.shares.values()].filter(
      // RFC 8446 §4.1.2: after a HelloRetryRequest the one share that was asked for.
      ({ group }) => retry?.group === undefined || group === retry.group,
    );
    list.push(extension.keyShares(shares.map(({ group, publicKey }) => ({ group, keyExchange: publicKey }))));
    if (retry?.cookie !== undefined) list.push(extension.cookie(retry.cookie));
    list.push(extension.pskKeyExchangeModes());
    if (options.postHandshakeAuth === true) list.push(extension.postHandshakeAuth());
    // RFC 8446 §4.1.2: the second ClientHello is without early_data.
    if (options.earlyData !== undefined && this.session?.version === "TLS 1.3" && retry === undefined) {
      list.push(extension.earlyData());
    }
    return list;
  }

  #psk(session: TlsSession): RawExtension {
    const age = Math.max(0, Math.round(Date.now() - session.receivedAt));
    return extension.offeredPsks({
      identities: [{ identity: session.ticket, obfuscatedTicketAge: (age + session.ageAdd) % 2 ** 32 }],
      binders: [new Uint8Array(hashLength(suite13(session.cipherSuite)?.hash ?? "sha256"))],
    });
  }

  /** RFC 8446 §4.2.11.2: the binder is over the hello up to, but not with, the list of binders. */
  #bound(message: MessageBody, session: TlsSession, transcript: Transcript): MessageBody {
    const name = suite13(session.cipherSuite)?.hash ?? "sha256";
    const length = hashLength(name);
    const whole = withHeader(message);
    const truncated = whole.subarray(0, whole.length - length - 3);
    const digest = hash(name, Buffer.concat([transcript.bytes(), truncated]), "buffer");
    const binder = finishedData(name, new KeySchedule(name, session.secret).binderKey(), digest);
    const body = Uint8Array.from(message.body);
    body.set(binder, body.length - length);
    return { ...message, body };
  }
}
