import { generate, parser as newParser } from "mqtt-packet";
import type { ScriptedEnd } from "../endpoint.ts";
import { loginFields } from "../mqtt/bytes.ts";
import type { Recorder } from "../record/recorder.ts";
import type { Application, Login } from "../targets.ts";
import type { Entry, Patience } from "./lab.ts";

export interface Greeting {
  readonly application: Application;
  readonly clientId: string;
  /** What CONNECT says besides. */
  readonly login?: Login | undefined;
  readonly patience: Patience;
  readonly recorder: Recorder;
  /** For application "none": the handshake that ended proves that the target took it, as in TLS 1.2 and DTLS 1.2. */
  readonly finishedLast: boolean;
}

/** Says hello on a finished handshake, in the language of the application, and tells whether this end is let in. */
export async function greet(end: ScriptedEnd, greeting: Greeting): Promise<Entry> {
  const { application, patience } = greeting;
  if (application === "none") {
    return greeting.finishedLast
      ? admitted("the target finished the handshake")
      : await unheard(end, patience);
  }
  const spoken = speak(application, greeting.clientId, greeting.login);
  end.send(spoken.hello, { note: spoken.name });
  const deadline = performance.now() + patience.answerMs;
  let got: Buffer = Buffer.alloc(0);
  for (;;) {
    const next = await end.receive(Math.max(1, deadline - performance.now()));
    if (next.kind === "data") {
      // More than this is no answer to a hello.
      got = Buffer.concat([got, next.data]).subarray(0, 65_536);
      const answer = spoken.read(got);
      if (answer === undefined) continue;
      if (answer.admitted) return admitted(answer.how);
      if (answer.how !== undefined && !answer.isRefusal) greeting.recorder.leaked(got.length);
      return refused(answer.how, spoken.name);
    }
    if (next.kind === "alert" && !next.fatal) continue;
    if (got.length > 0) greeting.recorder.leaked(got.length);
    if (next.kind === "alert") return refused(`alert ${next.alert}`, spoken.name, next.alert);
    if (next.kind === "closed")
      return { ...refused(next.how, spoken.name), ...(next.byThisEnd && { byThisEnd: true }) };
    return refused(`silent for ${Math.round(patience.answerMs)} ms`, spoken.name);
  }
}

/** TLS 1.3, where the client finishes first, and nothing is known of the application: only silence can tell. */
async function unheard(end: ScriptedEnd, patience: Patience): Promise<Entry> {
  const next = await end.receive(patience.silenceMs);
  if (next.kind === "alert") return refused(`alert ${next.alert}`, "Finished", next.alert);
  if (next.kind === "closed")
    return { ...refused(next.how, "Finished"), ...(next.byThisEnd && { byThisEnd: true }) };
  return admitted(
    next.kind === "data" ? "the target said application data" : "the target neither alerted nor closed",
  );
}

interface Answer {
  readonly admitted: boolean;
  readonly how: string;
  /** An answer that says no: nothing of it is a secret. */
  readonly isRefusal: boolean;
}

interface Language {
  readonly name: string;
  readonly hello: Uint8Array;
  /** Undefined: not yet an answer. */
  read(bytes: Buffer): Answer | undefined;
}

function speak(
  application: Exclude<Application, "none">,
  clientId: string,
  login: Login | undefined,
): Language {
  if (application === "mqtt") return mqttLanguage(clientId, login);
  if (application === "coap") return coapLanguage;
  // Some wait for a whole line.
  const text = Buffer.from(`hello from ${clientId}\n`);
  return {
    name: "a text to be echoed",
    hello: text,
    read: (bytes) =>
      bytes.includes(text) ? { admitted: true, how: "the text was echoed", isRefusal: false } : undefined,
  };
}

function mqttLanguage(clientId: string, login: Login | undefined): Language {
  return {
    name: "CONNECT",
    hello: generate({
      cmd: "connect",
      clientId,
      ...loginFields(login),
      clean: true,
      keepalive: 60,
      protocolId: "MQTT",
      protocolVersion: 4,
    }),
    read(bytes) {
      let answer: Answer | undefined;
      const parser = newParser({ protocolVersion: 4 });
      parser.on("error", () => {
        answer ??= { admitted: false, how: "not MQTT", isRefusal: false };
      });
      parser.on("packet", (packet) => {
        if (answer !== undefined) return;
        if (packet.cmd !== "connack") {
          answer = { admitted: false, how: `${packet.cmd} in place of CONNACK`, isRefusal: false };
          return;
        }
        const code = packet.returnCode ?? packet.reasonCode ?? -1;
        answer = { admitted: code === 0, how: `CONNACK ${code}`, isRefusal: code !== 0 };
      });
      parser.parse(bytes);
      return answer;
    },
  };
}

/** RFC 7252 §4.3: an Empty Confirmable message is answered by a Reset of the same Message ID. */
const coapLanguage: Language = {
  name: "CoAP ping",
  hello: Uint8Array.of(0x40, 0x00, 0x5a, 0x17),
  read: (bytes) =>
    bytes.length >= 4 && bytes.readUInt16BE(2) === 0x5a17
      ? { admitted: true, how: "a CoAP Reset came back", isRefusal: false }
      : undefined,
};

function admitted(how: string): Entry {
  return { admitted: true, how, refusedAt: undefined, alert: undefined };
}

function refused(how: string, refusedAt: string, alert?: string): Entry {
  return { admitted: false, how, refusedAt, alert };
}
