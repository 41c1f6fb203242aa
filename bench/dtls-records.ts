/**
 * What a DTLS record costs beyond its cipher: sealing and opening one, beside the same AEAD done with bare node:crypto in
 * the same run. One AEAD a row; the suites that share one cost the same.
 *
 *     node bench/dtls-records.ts [--json] [--bytes N]
 */
import { createCipheriv, createDecipheriv, createSecretKey, type KeyObject, randomBytes } from "node:crypto";
import { parseArgs } from "node:util";
import { type AeadAlgorithm, aeadAlgorithms } from "../dtls/crypto/aead.ts";
import { Opener, Sealer } from "../dtls/record/protection.ts";
import { type RawRecord, readRecord } from "../dtls/wire/record.ts";

const ROUNDS = 15;
const PER_ROUND = 5_000;
const APPLICATION_DATA = 23;

const { values } = parseArgs({
  options: { json: { type: "boolean" }, bytes: { type: "string", default: "100" } },
});
const plaintext = randomBytes(Number(values.bytes));

/** Microseconds for one record: the least of the rounds. */
interface Row {
  readonly aead: string;
  readonly connectionId: boolean;
  readonly rawSeal: number;
  readonly rawOpen: number;
  readonly seal: number;
  readonly open: number;
  /** Reading the header is part of every record that comes in, so it is part of this. */
  readonly ratio: number;
  readonly extra: number;
}

const rows = Object.values(aeadAlgorithms).flatMap((aead) => [
  measure(aead, undefined),
  measure(aead, randomBytes(8)),
]);

if (values.json) {
  console.log(JSON.stringify({ node: process.version, bytes: plaintext.length, rows }));
} else {
  const us = (value: number) => value.toFixed(2).padStart(7);
  console.log(
    `Node ${process.version}, ${plaintext.length} bytes, microseconds a record, least of ${ROUNDS} rounds of ${PER_ROUND}`,
  );
  console.log(`${"".padEnd(32)}   raw seal + open   ours seal + open   ratio   extra`);
  for (const row of rows) {
    console.log(
      `${(row.aead + (row.connectionId ? ", CID" : "")).padEnd(32)}  ${us(row.rawSeal)} ${us(row.rawOpen)}   ${us(row.seal)} ${us(row.open)}    ${row.ratio.toFixed(2).padStart(6)} ${us(row.extra)}`,
    );
  }
}

function measure(aead: AeadAlgorithm, connectionId: Uint8Array | undefined): Row {
  const key = randomBytes(aead.keyLength);
  const protection = { aead, key, iv: randomBytes(aead.fixedIvLength), epoch: 1, connectionId };
  const raw = rawAead(aead, key);
  const least = { rawSeal: Infinity, rawOpen: Infinity, seal: Infinity, open: Infinity };
  const sealed: Uint8Array[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    least.rawSeal = Math.min(least.rawSeal, microsecondsEach(raw.seal));
    least.rawOpen = Math.min(least.rawOpen, microsecondsEach(raw.open));
    const [sealer, opener] = [new Sealer(protection), new Opener(protection)];
    const seal = (index: number) => {
      sealed[index] = sealer.seal(APPLICATION_DATA, plaintext);
    };
    const open = (index: number) => opener.open(wholeRecord(sealed[index], connectionId?.length ?? 0));
    least.seal = Math.min(least.seal, microsecondsEach(seal));
    least.open = Math.min(least.open, microsecondsEach(open));
  }
  const [rawPair, pair] = [least.rawSeal + least.rawOpen, least.seal + least.open];
  return {
    aead: aead.name,
    connectionId: connectionId !== undefined,
    ...least,
    ratio: pair / rawPair,
    extra: pair - rawPair,
  };
}

/** The least that can be done: one key object, one nonce, one additional data for all. */
function rawAead(aead: AeadAlgorithm, key: Uint8Array) {
  const keyObject = createSecretKey(key);
  const [nonce, additionalData] = [randomBytes(12), randomBytes(13)];
  const length = { plaintextLength: plaintext.length };
  const seal = () => {
    const cipher = createCipher(aead, keyObject, nonce);
    cipher.setAAD(additionalData, length);
    const ciphertext = cipher.update(plaintext);
    cipher.final();
    return { ciphertext, tag: cipher.getAuthTag() };
  };
  const { ciphertext, tag } = seal();
  const open = () => {
    const decipher = createDecipher(aead, keyObject, nonce);
    decipher.setAuthTag(tag);
    decipher.setAAD(additionalData, length);
    const opened = decipher.update(ciphertext);
    decipher.final();
    return opened;
  };
  return { seal, open };
}

/** The types of node:crypto know each kind of cipher apart; they all work alike. */
function createCipher(aead: AeadAlgorithm, key: KeyObject, nonce: Uint8Array) {
  const options = { authTagLength: aead.tagLength };
  if (aead.mode === "ccm") return createCipheriv(aead.cipher, key, nonce, options);
  if (aead.mode === "gcm") return createCipheriv(aead.cipher, key, nonce, options);
  return createCipheriv(aead.cipher, key, nonce, options);
}

function createDecipher(aead: AeadAlgorithm, key: KeyObject, nonce: Uint8Array) {
  const options = { authTagLength: aead.tagLength };
  if (aead.mode === "ccm") return createDecipheriv(aead.cipher, key, nonce, options);
  if (aead.mode === "gcm") return createDecipheriv(aead.cipher, key, nonce, options);
  return createDecipheriv(aead.cipher, key, nonce, options);
}

function wholeRecord(bytes: Uint8Array | undefined, connectionIdLength: number): RawRecord {
  const record = bytes && readRecord(bytes, 0, connectionIdLength);
  if (record === undefined) throw new Error("unreachable: a sealed record is whole");
  return record;
}

function microsecondsEach(operation: (index: number) => unknown): number {
  const start = performance.now();
  for (let index = 0; index < PER_ROUND; index++) operation(index);
  return ((performance.now() - start) / PER_ROUND) * 1000;
}
