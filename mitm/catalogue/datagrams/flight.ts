import { broken, type Finding, held } from "../../attack.ts";
import type { DtlsClient, DtlsClientOptions } from "../../dtls/client.ts";
import type { MessageName } from "../../dtls/names.ts";
import type { DtlsServerOptions } from "../../dtls/server.ts";
import { NotDelivered } from "../../errors.ts";
import type { DeviceLab } from "../../lab/device-lab.ts";
import type { GatewayLab } from "../../lab/gateway-lab.ts";

/** A handshake in which the flight that ends the client's part is made of these messages, and a hello after it. */
export async function enterBy(
  lab: GatewayLab,
  order: readonly MessageName[],
  marks: readonly string[] = order,
): Promise<Finding> {
  return await enterWith(lab, { order }, marks);
}

/** A handshake with the attacker's own, valid identity that is wrong in the one way that the options say. */
export async function enterWith(
  lab: GatewayLab,
  dtls: Partial<DtlsClientOptions>,
  marks: readonly string[],
): Promise<Finding> {
  return lab.judge(await lab.enter(lab.attacker.credential, { dtls, marks }));
}

/** A handshake with the device in which the server's first flight is made of these messages. */
export async function serveBy(
  lab: DeviceLab,
  order: readonly MessageName[],
  marks: readonly string[] = order,
): Promise<Finding> {
  return await serveWith(lab, { order }, marks);
}

/** A handshake with what an honest gateway has that is wrong in the one way that the options say. */
export async function serveWith(
  lab: DeviceLab,
  dtls: Partial<DtlsServerOptions>,
  marks: readonly string[],
): Promise<Finding> {
  return lab.judge(await lab.serve(lab.gateway, { dtls, marks }));
}

/** A client that has had the server's first flight, and said nothing but ClientHello. */
export async function helloed(
  lab: GatewayLab,
  options: Partial<DtlsClientOptions> = {},
): Promise<DtlsClient> {
  const client = await lab.dtls(options);
  const refusal = await client.attempt(() => client.hello());
  if (refusal !== undefined) throw new NotDelivered(`the target answered no ClientHello: ${refusal.how}`);
  return client;
}

/** What a server says first to what was just sent: the name of a message, an alert, or nothing. */
export async function firstWord(client: DtlsClient, timeoutMs: number): Promise<string> {
  const until = performance.now() + timeoutMs;
  for (;;) {
    const incoming = await client.next(Math.max(0, until - performance.now()));
    if (incoming === undefined) return "nothing";
    if (incoming.kind === "alert") return `alert ${incoming.alert}`;
    if (incoming.kind !== "message") continue;
    const { msgType } = incoming.message;
    if (msgType === 2) return "ServerHello";
    if (msgType === 3) {
      client.learnCookie(incoming.message.body);
      return "HelloVerifyRequest";
    }
  }
}

/** The verdict on an answer to a ClientHello that must not begin a handshake. */
export function judgeWord(word: string): Finding {
  if (word === "ServerHello") return broken("the handshake went on: ServerHello came back");
  return held(`answered by ${word}`, { refusedAt: "ClientHello", alert: alertIn(word) });
}

function alertIn(word: string): string | undefined {
  return word.startsWith("alert ") ? word.slice("alert ".length) : undefined;
}
