import { broken, type Finding, held, inconclusive } from "../../attack.ts";
import type { MessageName } from "../../dtls/names.ts";
import { refused } from "../../lab/at-gateway.ts";
import type { GatewayLab } from "../../lab/gateway-lab.ts";

type Word = readonly MessageName[];

/** The flight that ends the client's part; every other order is none (RFC 5246 §7.3). */
const legal: Word = ["Certificate", "ClientKeyExchange", "CertificateVerify", "ChangeCipherSpec", "Finished"];

/** Random words beside those that differ from the right one by one change. */
const randomWords = 20;
/** Handshakes at one time, since each word waits for silence, where the target takes several. */
const atOnce = 12;

/** How a handshake with a word went. */
interface Said {
  readonly word: Word;
  /** The target came to its ServerHello, so that the word was said to somebody. */
  readonly isHeard: boolean;
  readonly isAdmitted: boolean;
}

/**
 * Handshakes with words that are not those of a handshake: the right one with one message left out, doubled or moved,
 * and others at random. Each is tried with a valid identity, and none may get in.
 */
export async function walk(lab: GatewayLab): Promise<Finding> {
  const words = wordsOf(lab);
  const lanes = await lanesOf(lab);
  let heard = 0;
  for (let at = 0; at < words.length; at += lanes) {
    const said = await Promise.all(words.slice(at, at + lanes).map((word) => say(lab, word)));
    const accepted = said.find(({ isAdmitted }) => isAdmitted);
    if (accepted !== undefined) return broken(`let in by ${accepted.word.join(", ")}`);
    heard += said.filter(({ isHeard }) => isHeard).length;
  }
  // A target that is kept busy by one word hears no other.
  if (heard < words.length / 2) return inconclusive(`only ${heard} of ${words.length} orders were heard`);
  return held(`none of ${heard} orders got in`);
}

/** Some servers serve one peer at a time, and would let nobody in whatever is said. */
async function lanesOf(lab: GatewayLab): Promise<number> {
  const both = await Promise.all([say(lab, legal), say(lab, legal)]);
  return both.every(({ isAdmitted }) => isAdmitted) ? atOnce : 1;
}

async function say(lab: GatewayLab, word: Word): Promise<Said> {
  const marks = word === legal ? [] : word;
  const client = await lab.dtls({ order: word, marks, answerMs: lab.patience.silenceMs });
  const result = await client.handshake();
  const entry = result.completed ? await lab.hello(client) : refused(result);
  client.leave();
  return { word, isHeard: client.serverHello !== undefined, isAdmitted: entry.admitted };
}

function wordsOf({ prng }: GatewayLab): Word[] {
  const words: Word[] = [];
  for (const [index, name] of legal.entries()) {
    words.push(legal.toSpliced(index, 1), legal.toSpliced(index, 0, name));
    const rest = legal.toSpliced(index, 1);
    for (let to = 0; to < legal.length; to += 1) words.push(rest.toSpliced(to, 0, name));
  }
  for (let count = 0; count < randomWords; count += 1) {
    words.push(Array.from({ length: 1 + prng.below(7) }, () => prng.pick(legal)));
  }
  const unique = new Map(words.map((word) => [word.join(), word]));
  return [...unique.values()].filter((word) => !isLegal(word));
}

/** A second ChangeCipherSpec has no number, and is as well ignored as refused; so is whatever follows Finished. */
function isLegal(word: Word): boolean {
  const once = word.filter((name, index) => name !== "ChangeCipherSpec" || word[index - 1] !== name);
  return once.join().startsWith(legal.join());
}
