import { extendedMasterSecret, keyBlock, masterSecret, verifyData } from "../crypto/prf.ts";
import type { EpochKeys, Terms } from "./step.ts";
import type { Transcript } from "./transcript.ts";

/**
 * RFC 5246 §8.1, or RFC 7627 §4 with the hash of everything up to ClientKeyExchange. `premaster` is overwritten:
 * RFC 5246 §8.1 wants it deleted once the master secret is computed.
 */
export function deriveMasterSecret(terms: Terms, premaster: Uint8Array, transcript: Transcript): Uint8Array {
  const { suite, clientRandom, serverRandom } = terms;
  try {
    return terms.extendedMasterSecret
      ? extendedMasterSecret(suite.prfHash, premaster, transcript.hash(suite.prfHash))
      : masterSecret(suite.prfHash, premaster, clientRandom, serverRandom);
  } finally {
    premaster.fill(0);
  }
}

export function epochKeys(terms: Terms, master: Uint8Array, role: "client" | "server"): EpochKeys {
  const { suite, clientRandom, serverRandom, sendConnectionId, receiveConnectionId } = terms;
  const { client, server } = keyBlock(suite, master, clientRandom, serverRandom);
  const [write, read] = role === "client" ? [client, server] : [server, client];
  return { suite, read, write, sendConnectionId, receiveConnectionId };
}

/** RFC 5246 §7.4.9: the verify_data of `sender` after the messages of `transcript`. */
export function finishedData(
  terms: Terms,
  master: Uint8Array,
  sender: "client" | "server",
  transcript: Transcript,
): Uint8Array {
  const { prfHash } = terms.suite;
  return verifyData(prfHash, master, sender, transcript.hash(prfHash));
}
