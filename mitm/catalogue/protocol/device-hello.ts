import { broken, type Finding, held } from "../../attack.ts";
import { NotApplicable, NotDelivered } from "../../errors.ts";
import type { DeviceLab } from "../../lab/device-lab.ts";
import type { RawTcp } from "../../path/raw-tcp.ts";
import { TlsContentType, tlsRecord } from "../../path/tls-record.ts";
import { ExtensionReader } from "../../tls/extensions.ts";
import { ClientHello, decode, type ServerHello, serverHello, withHeader } from "../../tls/messages.ts";
import { HandshakeType, ProtocolVersion } from "../../tls/numbers.ts";
import { messagesIn } from "./first-hello.ts";
import { refusalMs } from "./refusal.ts";

/*
 * ServerHellos written by hand. A device that keeps the rule refuses at once; one that does not waits for what comes
 * next, so that no key is needed to tell.
 */

export interface DeviceHello {
  readonly raw: RawTcp;
  readonly hello: ClientHello;
  readonly extensions: ExtensionReader;
  /** What it offers, best first. */
  readonly versions: readonly number[];
}

/** The ClientHello of the device's next connection. @throws NotDelivered where none comes */
export async function deviceHello(lab: DeviceLab): Promise<DeviceHello> {
  const raw = await lab.acceptTcp();
  const body = await handshakeMessage(lab, raw, HandshakeType.client_hello);
  if (body === undefined) throw new NotDelivered("the device sent no ClientHello");
  const hello = decode("ClientHello", ClientHello, body);
  const extensions = new ExtensionReader(hello.extensions);
  return { raw, hello, extensions, versions: extensions.supportedVersions() ?? [hello.legacyVersion] };
}

/** @throws NotApplicable where it does not offer TLS 1.3 */
export async function deviceHello13(lab: DeviceLab): Promise<DeviceHello> {
  const device = await deviceHello(lab);
  if (!device.versions.includes(ProtocolVersion.TLS_1_3))
    throw new NotApplicable("the device does not offer TLS 1.3");
  return device;
}

/** Sends a ServerHello that is the attack. */
export function answerWith(raw: RawTcp, hello: ServerHello, note: string): void {
  const record = tlsRecord(TlsContentType.handshake, withHeader(serverHello(hello)));
  raw.write(record, { attack: true, note });
}

/** "held" where the device refuses, "broken" where it is silent, waiting for more, or goes on. */
export async function judgeReaction(lab: DeviceLab, raw: RawTcp, what: string): Promise<Finding> {
  const deadline = performance.now() + refusalMs(lab.patience);
  for (;;) {
    const next = await raw.read(Math.max(1, deadline - performance.now()));
    if (next.kind === "alert")
      return held(`alert ${next.alert}`, { refusedAt: "ServerHello", alert: next.alert });
    if (next.kind === "closed") return held(`${next.how} without an alert`, { refusedAt: "ServerHello" });
    if (next.kind === "silence") return broken(`the device waits for more after ${what}`);
    // A ChangeCipherSpec for what stands on the path says nothing yet.
    if (next.data[0] === TlsContentType.changeCipherSpec) continue;
    // An alert under keys has the look of application data.
    if (next.data[0] === TlsContentType.handshake) return broken(`the device goes on after ${what}`);
  }
}

/** The body of the next handshake message in clear, if it is of this type; undefined for anything else, and for none. */
export async function handshakeMessage(
  lab: DeviceLab,
  raw: RawTcp,
  msgType: number,
): Promise<Uint8Array | undefined> {
  let bytes: Uint8Array = new Uint8Array();
  const deadline = performance.now() + lab.patience.answerMs;
  for (;;) {
    const next = await raw.read(Math.max(1, deadline - performance.now()));
    if (next.kind !== "data") return undefined;
    if (next.data[0] === TlsContentType.changeCipherSpec) continue;
    if (next.data[0] !== TlsContentType.handshake) return undefined;
    bytes = Buffer.concat([bytes, next.data.subarray(5)]);
    const [message] = messagesIn(bytes).messages;
    if (message !== undefined) return message.msgType === msgType ? message.body : undefined;
  }
}
