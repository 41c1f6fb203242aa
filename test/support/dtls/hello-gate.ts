import { createHmac } from "node:crypto";
import type { FirstHello } from "../../../dtls/association/association.ts";
import type { Address } from "../../../dtls/association/settings.ts";
import { fragmentsIn, recordsIn } from "./inspect.ts";
import { fragmentBytes, withHeaderOf } from "./refragment.ts";

export type GateVerdict =
  /** RFC 6347 §4.2.1: no cookie yet, or a wrong one. */
  | { readonly kind: "verify"; readonly helloVerifyRequest: Uint8Array; readonly random: Uint8Array }
  | { readonly kind: "proven"; readonly first: FirstHello; readonly random: Uint8Array }
  | { readonly kind: "no hello" };

/** The least of a cookie exchange, for associations that are tested without an endpoint: keeps nothing of a client. */
export class HelloGate {
  readonly #secret: Uint8Array;

  constructor(secret: Uint8Array) {
    this.#secret = secret;
  }

  judge(datagram: Uint8Array, from: Address): GateVerdict {
    const record = recordsIn(datagram)[0];
    if (record === undefined || record.type !== 22 || record.epoch !== 0) return noHello;
    const fragment = fragmentsIn(record.fragment)[0];
    if (fragment === undefined || fragment.msgType !== 1 || fragment.fragmentOffset !== 0) return noHello;
    const hello = readStart(fragment.body);
    if (hello === undefined) return noHello;
    const { random } = hello;
    const cookie = this.#cookie(from, random);
    if (Buffer.compare(cookie, hello.cookie) === 0) {
      return {
        kind: "proven",
        first: { recordSequence: record.sequence, messageSeq: fragment.messageSeq },
        random,
      };
    }
    const { messageSeq } = fragment;
    const body = Uint8Array.of(0xfe, 0xff, cookie.length, ...cookie);
    const message = fragmentBytes({ msgType: 3, length: body.length, messageSeq }, 0, body);
    const reply = withHeaderOf({ type: 22, version: 0xfeff, epoch: 0 }, record.sequence, message);
    return { kind: "verify", helloVerifyRequest: reply, random };
  }

  #cookie({ address, port }: Address, random: Uint8Array): Uint8Array {
    const mac = createHmac("sha256", this.#secret).update(`${address} ${port} `).update(random).digest();
    return mac.subarray(0, 16);
  }
}

const noHello: GateVerdict = { kind: "no hello" };

/** client_version, random, session_id and cookie of a ClientHello; undefined where it was cut before. */
function readStart(body: Uint8Array): { random: Uint8Array; cookie: Uint8Array } | undefined {
  const sessionIdLength = body[34];
  if (sessionIdLength === undefined) return undefined;
  const cookieAt = 35 + sessionIdLength;
  const cookieLength = body[cookieAt];
  if (cookieLength === undefined || body.length < cookieAt + 1 + cookieLength) return undefined;
  return { random: body.subarray(2, 34), cookie: body.subarray(cookieAt + 1, cookieAt + 1 + cookieLength) };
}
