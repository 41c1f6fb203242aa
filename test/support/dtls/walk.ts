import type { Prng } from "../../../mitm/prng.ts";
import type { Adversary } from "./adversary.ts";
import { dataOfEpoch1, type Letter, letterNamed, type Manner, plainly } from "./alphabet.ts";
import type { Duel } from "./duel.ts";
import type { Session } from "./session.ts";

export interface Step {
  readonly letter: Letter;
  readonly manner: Manner;
}

const longest = 14;

/**
 * A walk of one of three kinds: any letters at all; mostly the letter that is next in the legal order; the legal order
 * with one to three changes. The first finds little beyond the first states, the others get deep.
 */
export function drawWalk(prng: Prng, duel: Duel): Step[] {
  const roll = prng.below(10);
  if (roll < 2) return Array.from({ length: 1 + prng.below(longest) }, () => anyStep(prng, duel));
  return roll < 6 ? mostlyLegal(prng, duel) : legalButFor(prng, duel);
}

function mostlyLegal(prng: Prng, duel: Duel): Step[] {
  const steps: Step[] = [];
  let next = 0;
  while (steps.length < longest) {
    const name = duel.rightOrder[next];
    if (name !== undefined && prng.chance(0.85)) {
      steps.push({ letter: letterNamed(duel.alphabet, name), manner: plainly });
      next += 1;
    } else {
      steps.push(anyStep(prng, duel));
      if (name === undefined && prng.chance(0.5)) break;
    }
  }
  return steps;
}

function legalButFor(prng: Prng, duel: Duel): Step[] {
  const steps = duel.rightOrder.map(
    (name): Step => ({ letter: letterNamed(duel.alphabet, name), manner: plainly }),
  );
  for (let changes = 1 + prng.below(3); changes > 0; changes -= 1) {
    const at = prng.below(steps.length + 1);
    switch (prng.below(6)) {
      case 0:
        steps.splice(at, 1);
        break;
      case 1:
        steps.splice(at, 0, anyStep(prng, duel));
        break;
      case 2:
        steps.splice(at, 1, anyStep(prng, duel));
        break;
      case 3:
        steps.splice(prng.below(steps.length + 1), 0, ...steps.splice(at, 1));
        break;
      case 4:
        steps.splice(prng.below(steps.length + 1), 0, ...steps.slice(at, at + 1));
        break;
      default:
        steps.splice(
          at,
          1,
          ...steps.slice(at, at + 1).map(({ letter }) => ({ letter, manner: anyManner(prng) })),
        );
    }
  }
  return steps;
}

function anyStep(prng: Prng, duel: Duel): Step {
  return { letter: prng.pick(duel.alphabet), manner: anyManner(prng) };
}

function anyManner(prng: Prng): Manner {
  return { rightEpoch: prng.chance(0.75), counted: prng.chance(0.75) };
}

/** Walks to the end. Answers what went against the rules, if anything did. */
export function walkOn(duel: Duel, walk: readonly Step[]): string | undefined {
  let begun = duel.session ? 0 : undefined;
  for (const [index, { letter, manner }] of walk.entries()) {
    const before = duel.session?.established ?? false;
    duel.say(letter.name, manner);
    const { session } = duel;
    if (session === undefined) continue;
    begun ??= index + 1;
    const wrong =
      session.established && !before
        ? stray(walk.slice(begun, index + 1), duel)
        : session.established
          ? undefined
          : tooEarly(session);
    if (wrong !== undefined) return `${wrong}: ${spell(walk, index)}`;
    if (session.received.some((data) => Buffer.compare(data, dataOfEpoch1) !== 0)) {
      return `data of epoch 0 was delivered: ${spell(walk, index)}`;
    }
  }
  return undefined;
}

function tooEarly(session: Session): string | undefined {
  if (session.received.length > 0) return "data came before a session";
  return session.association.peer === undefined ? undefined : "a peer came before a session";
}

function spell(walk: readonly Step[], last: number): string {
  return walk
    .slice(0, last + 1)
    .map(({ letter, manner }) => {
      const marks = `${manner.rightEpoch ? "" : " (wrong epoch)"}${manner.counted ? "" : " (uncounted)"}`;
      return letter.name + marks;
    })
    .join(", ");
}

/**
 * What was out of order in the steps that led from the admitted ClientHello (a client: from its own) to a session;
 * undefined when nothing was. The handshake messages that could count, for they had the right epoch and the next
 * number, must be those of the legal order.
 */
function stray(steps: readonly Step[], { rightOrder, adversary }: Duel): string | undefined {
  const right = steps.filter(({ letter, manner }) => letter.isHandshake && manner.rightEpoch);
  const legal = rightOrder.filter((name) => !isBeforeHandshake(name) && name !== "CHANGE_CIPHER_SPEC");
  const variants = variantsOf(legal, adversary).map((order) => order.join());
  // What came after Finished is of no account; that one may have been said beside the handshake, as nothing follows it.
  const fits = right.some(({ letter }, index) => {
    if (letter.name !== "FINISHED") return false;
    const before = right.slice(0, index).filter(({ manner }) => manner.counted);
    const spoken = [...before.map((step) => meaningOf(step.letter.name, adversary)), letter.name];
    const begin = spoken.findIndex((name) => name !== "HELLO_VERIFY_REQUEST");
    return variants.includes(spoken.slice(begin).join());
  });
  if (!fits) return "the messages were not those of a handshake";
  // It has no number. One that overtook others is kept for its place.
  const changed = steps.some(
    ({ letter, manner }) => letter.name === "CHANGE_CIPHER_SPEC" && manner.rightEpoch,
  );
  return changed ? undefined : "no ChangeCipherSpec came";
}

function isBeforeHandshake(name: string): boolean {
  return name.startsWith("CLIENT_HELLO") || name === "HELLO_VERIFY_REQUEST";
}

/** With a pre-shared key alone nothing is signed: letters that differ by the signature are one message. */
function meaningOf(name: string, { suite }: Adversary): string {
  return suite.keyExchange === "PSK" ? name.replace(/^(PSK|WRONG)_(?=CLIENT_KEY|SERVER_KEY)/, "") : name;
}

/** What a server may leave out: the wish for a certificate; RFC 4279 §2: ServerKeyExchange without a hint. */
function variantsOf(legal: readonly string[], { role }: Adversary): string[][] {
  if (role === "client") return [[...legal]];
  const optional = legal.includes("CERTIFICATE") ? "CERTIFICATE_REQUEST" : "SERVER_KEY_EXCHANGE";
  return [[...legal], legal.filter((name) => name !== optional)];
}
