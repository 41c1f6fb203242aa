import type { AssociationState } from "../association/association-state.ts";
import { suiteById } from "../crypto/suites.ts";
import { decode, encode, mapped, struct, uint8, uint16 } from "../wire/presentation.ts";
import { boolean, choice, number, optional, storedBytes, storedChain, text } from "./stored-types.ts";

const formatVersion = 1;

const suite = mapped(
  uint16,
  (id) => {
    const known = suiteById(id);
    if (known === undefined) throw new Error(`there is no suite ${id}`);
    return known;
  },
  ({ id }) => id,
);

const connectionId = optional(storedBytes(0, 255));
const certificateType = choice(["X509", "RawPublicKey"]);

const direction = {
  key: storedBytes(16, 32),
  iv: storedBytes(4, 12),
  epoch: uint16,
  connectionId,
};

const Stored = struct({
  version: uint8,
  role: choice(["client", "server"]),
  address: struct({ address: text, port: uint16 }),
  terms: struct({
    suite,
    clientRandom: storedBytes(32, 32),
    serverRandom: storedBytes(32, 32),
    extendedMasterSecret: boolean,
    serverName: optional(text),
    alpnProtocol: optional(text),
    sendConnectionId: connectionId,
    receiveConnectionId: connectionId,
    returnRoutabilityCheck: boolean,
    sendLimit: uint16,
    receiveLimit: uint16,
    maxFragmentLength: optional(uint16),
    ownCertificateType: certificateType,
    peerCertificateType: certificateType,
    sessionId: storedBytes(0, 32),
    ticket: boolean,
  }),
  masterSecret: storedBytes(48, 48),
  sealer: struct({ ...direction, sequence: number, sealedBytes: number }),
  opener: struct({
    ...direction,
    window: struct({ newest: number, recent: number, older: number }),
    failures: number,
  }),
  peer: optional(
    struct({
      certificateType: choice(["X509", "RawPublicKey", "PSK"]),
      chain: storedChain(),
      pskIdentity: optional(storedBytes(0, 2 ** 16 - 1)),
      resumed: boolean,
    }),
  ),
  resumed: boolean,
});

/** Holds keys: to be encrypted, and to be used once. */
export function encodeAssociation(state: AssociationState): Uint8Array {
  return encode(Stored, { ...state, version: formatVersion });
}

/** @throws for anything that `encodeAssociation` did not make */
export function decodeAssociation(bytes: Uint8Array): AssociationState {
  const { version, terms, sealer, opener, peer, ...stored } = decode("stored association", Stored, bytes);
  if (version !== formatVersion) throw new Error(`version ${version}`);
  return {
    ...stored,
    terms: {
      ...terms,
      serverName: terms.serverName,
      alpnProtocol: terms.alpnProtocol,
      sendConnectionId: terms.sendConnectionId,
      receiveConnectionId: terms.receiveConnectionId,
      maxFragmentLength: terms.maxFragmentLength,
    },
    sealer: { ...sealer, connectionId: sealer.connectionId },
    opener: { ...opener, connectionId: opener.connectionId },
    peer: peer === undefined ? undefined : { ...peer, pskIdentity: peer.pskIdentity },
  };
}
