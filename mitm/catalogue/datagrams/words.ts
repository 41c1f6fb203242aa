import type { DtlsClient, DtlsClientOptions } from "../../dtls/client.ts";
import type { Forgery } from "../../dtls/records.ts";
import type { DtlsServer, DtlsServerOptions } from "../../dtls/server.ts";
import { NotApplicable } from "../../errors.ts";
import type { DeviceLab } from "../../lab/device-lab.ts";
import type { GatewayLab } from "../../lab/gateway-lab.ts";

/** Application data that a target answers, so that it can be seen to have reached the application. */
export interface Word {
  readonly bytes: Uint8Array;
  isAnsweredBy(data: Uint8Array): boolean;
}

/** A word that was not said before. @throws NotApplicable where the target's application answers nothing */
export function newWord(lab: GatewayLab): Word {
  const application = lab.target.endpoints.dtls?.application;
  if (application === "echo") {
    const bytes = Buffer.from(`word ${lab.prng.uint32().toString(36)}\n`);
    return { bytes, isAnsweredBy: (data) => Buffer.from(data).includes(bytes) };
  }
  if (application === "coap") {
    // RFC 7252 §4.3: an empty Confirmable message is answered by Reset with the same message id.
    const id = [lab.prng.below(256), lab.prng.below(256)] as const;
    const isAnsweredBy = (data: Uint8Array): boolean => data[2] === id[0] && data[3] === id[1];
    return { bytes: Uint8Array.of(0x40, 0, ...id), isAnsweredBy };
  }
  throw new NotApplicable("the target's application answers nothing, so that data cannot be seen to arrive");
}

/** An honest session of the attacker's own. */
export async function session(
  lab: GatewayLab,
  options: Partial<DtlsClientOptions> = {},
): Promise<DtlsClient> {
  const client = await lab.dtls(options);
  const result = await client.handshake();
  if (!result.completed) throw new Error(`no session with a good identity: ${result.how}`);
  return client;
}

/** Whether the word is answered within the time. What else comes is passed over. */
export async function isAnswered(client: DtlsClient, word: Word, timeoutMs: number): Promise<boolean> {
  const until = performance.now() + timeoutMs;
  for (;;) {
    const received = await client.receive(Math.max(0, until - performance.now()));
    if (received.kind === "data" && word.isAnsweredBy(received.data)) return true;
    if (received.kind === "closed" || received.kind === "silence") return false;
  }
}

/** Says a word in a record that is wrong as `forgery` has it, and whether it was answered all the same. */
export async function sayWrongly(
  lab: GatewayLab,
  client: DtlsClient,
  forgery: Forgery,
  note: string,
): Promise<boolean> {
  const word = newWord(lab);
  client.record(23, word.bytes, forgery, { attack: true, note });
  return await isAnswered(client, word, lab.patience.silenceMs);
}

/** Whether a session still works: a word, said twice at most since datagrams get lost, is answered. */
export async function isAlive(lab: GatewayLab, client: DtlsClient): Promise<boolean> {
  for (const patience of [lab.patience.answerMs / 2, lab.patience.answerMs / 2]) {
    const word = newWord(lab);
    client.send(word.bytes, { note: "is the session still there?" });
    if (await isAnswered(client, word, patience)) return true;
  }
  return false;
}

/** An honest session of the device with the lab, up to the first thing that the device says. */
export async function deviceSession(
  lab: DeviceLab,
  options: Partial<DtlsServerOptions> = {},
): Promise<DtlsServer> {
  const server = await lab.acceptDtls(options);
  const result = await server.handshake();
  if (!result.completed) throw new Error(`no session with an honest gateway: ${result.how}`);
  const first = await server.receive(lab.patience.answerMs);
  if (first.kind !== "data") throw new Error("the device said nothing to an honest gateway");
  return server;
}

/** How the device ends the session, if it does within the time. */
export async function endOf(server: DtlsServer, timeoutMs: number): Promise<string | undefined> {
  const until = performance.now() + timeoutMs;
  for (;;) {
    const received = await server.receive(Math.max(0, until - performance.now()));
    if (received.kind === "silence") return undefined;
    if (received.kind === "closed") return received.how;
    if (received.kind === "alert" && received.fatal) return `alert ${received.alert}`;
  }
}
