import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";
import { Association } from "../association/association.ts";
import type { AssociationState } from "../association/association-state.ts";
import type { PeerClaim } from "../association/outputs.ts";
import type { ServerSettings } from "../association/settings.ts";
import { DtlsError } from "../errors.ts";
import { AuthenticatedPeer } from "../handshake/peer.ts";
import { decode, encode, opaque, struct } from "../wire/presentation.ts";
import { decodeAssociation, encodeAssociation } from "./association-codec.ts";
import { Connection } from "./connection.ts";
import { invalid } from "./option-checks.ts";
import type { Restore } from "./options.ts";
import { refusalFor } from "./questions.ts";
import { systemEnvironment } from "./scheduler.ts";
import type { Refused, ServerCore } from "./server-core.ts";
import type { DTLSSession } from "./session.ts";
import { optional, storedBytes } from "./stored-types.ts";

/**
 *     opaque format[16];
 *     opaque nonce[12];
 *     opaque encrypted[];      AES-256-GCM over the associations, format as additional data
 *     opaque tag[16];
 */
const format = Buffer.from("sallyport-dtls-1");
const nonceLength = 12;
const tagLength = 16;
const keyLength = 32;
/** How many peers are judged at one time. */
const judgedAtOnce = 64;

const Exported = struct({
  pskTag: optional(storedBytes(0, 32)),
  association: opaque(0, 2 ** 24 - 1),
});

/** One association, and what its endpoint knew of it. */
interface One {
  readonly state: AssociationState;
  readonly pskTag: Uint8Array | undefined;
}

/** All that an application needs to hear of the associations that were restored. */
export interface RestoreEvents {
  onSession(session: DTLSSession, connection: Connection): void;
  onRefused(refused: Refused): void;
}

/** Ends every association and returns what is needed to go on with them. */
export function exportAll(key: Uint8Array, core: ServerCore): Uint8Array {
  if (!(key instanceof Uint8Array) || key.length !== keyLength)
    throw invalid(`the key must be ${keyLength} bytes`);
  const states: Uint8Array[] = [];
  for (const connection of core.connections) {
    // Whoever was told of the end of one may have ended another.
    if (!connection.isClosed) states.push(withLength(encode(Exported, exportOne(connection))));
  }
  const nonce = randomBytes(nonceLength);
  const cipher = createCipheriv("aes-256-gcm", key, nonce, { authTagLength: tagLength });
  cipher.setAAD(format);
  const parts = states.map((state) => {
    const part = cipher.update(state);
    state.fill(0);
    return part;
  });
  cipher.final();
  return Buffer.concat([format, nonce, ...parts, cipher.getAuthTag()]);
}

/**
 * Takes in what `exportAll` gave. Every peer is judged anew: what was revoked meanwhile does not come back. The result
 * announces the sessions, for when the socket is there.
 * @throws DtlsError DTLS_STATE_INVALID
 */
export async function restoreAll(
  restore: Restore,
  core: ServerCore,
  events: RestoreEvents,
): Promise<() => void> {
  const connections: Connection[] = [];
  const states = openAll(restore);
  // Each answer has the time of a handshake, and so have all together: the port is not open before.
  const deadline = core.scheduler.now() + core.settings.handshakeTimeoutMs;
  // An address belongs to the one that has nothing else to be found by, whichever was there last.
  for (const group of [states.filter(hasConnectionId), states.filter((one) => !hasConnectionId(one))]) {
    for (let start = 0; start < group.length; start += judgedAtOnce) {
      const some = group
        .slice(start, start + judgedAtOnce)
        .map((one) => restoreOne(one, deadline, core, events));
      connections.push(...(await Promise.all(some)).filter((connection) => connection !== undefined));
    }
  }
  return () => {
    for (const connection of connections) {
      // Some may have ended meanwhile: of a session that is over nobody would be told that it is.
      const { session, isClosed } = connection;
      if (session !== undefined && !isClosed) events.onSession(session, connection);
    }
  };
}

async function restoreOne(
  { state, pskTag }: One,
  deadline: number,
  core: ServerCore,
  events: RestoreEvents,
): Promise<Connection | undefined> {
  const claim = claimOf(state);
  const { recheckRound } = core;
  try {
    if (state.role !== "server") throw damaged("an association of a client");
    assertAgreeable(state, core.settings);
    if (core.scheduler.now() >= deadline) {
      throw new DtlsError("DTLS_HANDSHAKE_TIMEOUT", "there was no time left to ask about this peer");
    }
    const identity = claim === undefined ? undefined : await core.judge(claim, pskTag);
    const connection = connectionOf(state, identity, core);
    connection.pskTag = pskTag;
    core.adopt(connection, identity, recheckRound);
    return connection;
  } catch (thrown) {
    // The peer notices when it is not answered any more; a handshake will tell it why.
    events.onRefused({ ...state.address, error: refusalFor(thrown, "DTLS_CERTIFICATE_UNKNOWN"), claim });
    return undefined;
  }
}

/** What a handshake with this endpoint would not come to does not come back either. */
function assertAgreeable({ terms, peer }: AssociationState, settings: ServerSettings): void {
  if (!settings.cipherSuites.some(({ id }) => id === terms.suite.id)) {
    throw new DtlsError("DTLS_NO_COMMON_SUITE", `${terms.suite.name} is not taken any more`);
  }
  if (settings.requireExtendedMasterSecret && !terms.extendedMasterSecret) {
    throw new DtlsError("DTLS_NO_EXTENDED_MASTER_SECRET", "the association is one without it");
  }
  if (peer === undefined) {
    if (settings.clientAuth !== "required") return;
    throw new DtlsError("DTLS_NO_CERTIFICATE", "the client showed no certificate, which is required now");
  }
  const { certificateType: type } = peer;
  if (type === "PSK" || settings.peerCertificateTypes.includes(type)) return;
  throw new DtlsError("DTLS_UNSUPPORTED_CERTIFICATE", `${type} is not taken any more`);
}

function hasConnectionId({ state }: One): boolean {
  return state.terms.receiveConnectionId !== undefined;
}

function connectionOf(state: AssociationState, identity: unknown, core: ServerCore): Connection {
  const id = state.terms.receiveConnectionId;
  if (id !== undefined && id.length !== core.settings.connectionIds?.length) {
    throw damaged("this endpoint's connection ids have another length, or are turned off");
  }
  const peer = state.peer === undefined ? undefined : AuthenticatedPeer.restored(state.peer, identity);
  const association = Association.import(core.settings, systemEnvironment, state, peer);
  return new Connection(core, association);
}

function claimOf({ peer, terms, address }: AssociationState): PeerClaim | undefined {
  if (peer === undefined) return undefined;
  const { certificateType, chain, pskIdentity } = peer;
  return { certificateType, chain, pskIdentity, serverName: terms.serverName, address, resumed: true };
}

function openAll({ key, associations: bytes }: Restore): One[] {
  const start = format.length + nonceLength;
  if (bytes.length < start + tagLength || Buffer.compare(bytes.subarray(0, format.length), format) !== 0) {
    throw damaged("it is not what exportAssociations gave, or of another version");
  }
  const nonce = bytes.subarray(format.length, start);
  const decipher = createDecipheriv("aes-256-gcm", key, nonce, { authTagLength: tagLength });
  decipher.setAAD(format);
  decipher.setAuthTag(bytes.subarray(-tagLength));
  const opened = decipher.update(bytes.subarray(start, -tagLength));
  try {
    decipher.final();
  } catch (cause) {
    throw damaged("it was made with another key, or was changed", cause);
  }
  try {
    return statesIn(opened);
  } catch (cause) {
    throw damaged("what is in it cannot be read", cause);
  } finally {
    // Every state has copies of its own.
    opened.fill(0);
  }
}

function exportOne(connection: Connection) {
  return { pskTag: connection.pskTag, association: encodeAssociation(connection.exportState()) };
}

/** Each with its length before it, in four bytes. */
function withLength(state: Uint8Array): Uint8Array {
  const bytes = Buffer.alloc(4 + state.length);
  bytes.writeUInt32BE(state.length);
  bytes.set(state, 4);
  return bytes;
}

function statesIn(opened: Buffer): One[] {
  const states: One[] = [];
  for (let offset = 0; offset < opened.length; ) {
    const start = offset + 4;
    offset = start + opened.readUInt32BE(offset);
    const { pskTag, association } = decode("exported", Exported, opened.subarray(start, offset));
    states.push({ state: decodeAssociation(association), pskTag });
  }
  return states;
}

function damaged(what: string, cause?: unknown): DtlsError {
  return new DtlsError("DTLS_STATE_INVALID", `the exported associations cannot be restored: ${what}`, {
    cause,
  });
}
