import { broken, type Finding, held } from "../../attack.ts";
import type { MessageName } from "../../dtls/names.ts";
import { refused } from "../../lab/at-gateway.ts";
import type { GatewayLab } from "../../lab/gateway-lab.ts";

/** The flight that ends the client's part; every other order is none (RFC 5246 §7.3). */
const legal: readonly MessageName[] = [
  "Certificate",
  "ClientKeyExchange",
  "CertificateVerify",
  "ChangeCipherSpec",
  "Finished",
];

/** Random words beside those that differ from the right one by one change. */
const randomWords = 20;
/** Handshakes at one time: each word waits for silence. */
const atOnce = 12;

/**
 * Handshakes with words that are not those of a handshake: the right one with one message left out, doubled or moved,
 * and others at random. Each is tried with a valid identity, and none may get in.
 */
export async function walk(lab: GatewayLab): Promise<Finding> {
  const words = wordsOf(lab);
  for (let at = 0; at < words.length; at += atOnce) {
    const some = words.slice(at, at + atOnce);
    const accepted = (await Promise.all(some.map((word) => accepts(lab, word)))).find(
      (word) => word !== undefined,
    );
    if (accepted !== undefined) return broken(`let in by ${accepted}`);
  }
  return held(`none of ${words.length} orders got in`);
}

async function accepts(lab: GatewayLab, word: readonly MessageName[]): Promise<string | undefined> {
  const answerMs = lab.patience.silenceMs;
  const client = await lab.dtls({ order: word, marks: word, answerMs });
  const result = await client.handshake();
  const entry = result.completed ? await lab.hello(client) : refused(result);
  client.destroy();
  return entry.admitted ? word.join(", ") : undefined;
}

function wordsOf({ prng }: GatewayLab): (readonly MessageName[])[] {
  const words: (readonly MessageName[])[] = [];
  for (const [index, name] of legal.entries()) {
    words.push(legal.toSpliced(index, 1), legal.toSpliced(index, 0, name));
    const rest = legal.toSpliced(index, 1);
    for (let to = 0; to < legal.length; to += 1) words.push(rest.toSpliced(to, 0, name));
  }
  for (let count = 0; count < randomWords; count += 1) {
    words.push(Array.from({ length: 1 + prng.below(7) }, () => prng.pick(legal)));
  }
  const seen = new Map(words.map((word) => [word.join(), word]));
  // A second ChangeCipherSpec has no number, and is as well ignored as refused; so is whatever follows Finished.
  const isLegal = (word: readonly MessageName[]): boolean =>
    word
      .filter((name, index) => name !== "ChangeCipherSpec" || word[index - 1] !== name)
      .join()
      .startsWith(legal.join());
  return [...seen.values()].filter((word) => !isLegal(word));
}
