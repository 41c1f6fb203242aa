import { broken, type Finding, held, inconclusive } from "../../attack.ts";
import { NotApplicable } from "../../errors.ts";
import type { DeviceLab } from "../../lab/device-lab.ts";
import { TlsContentType, tlsRecord } from "../../path/tls-record.ts";
import { extension } from "../../tls/extensions.ts";
import { serverHello, withHeader } from "../../tls/messages.ts";
import { HandshakeType, helloRetryRequestRandom, ProtocolVersion } from "../../tls/numbers.ts";
import { helloOver, inPlaceOf } from "./at-version.ts";
import { answerWith, deviceHello13, handshakeMessage, judgeReaction } from "./device-hello.ts";
import type { InvalidShare } from "./key-share.ts";

/** TLS 1.3: the gateway's public key is in its ServerHello. */
export async function afterServerShare(
  lab: DeviceLab,
  { group, share, what }: InvalidShare,
): Promise<Finding> {
  const { raw, hello, extensions } = await deviceHello13(lab);
  const selected = extension.selectedVersion(ProtocolVersion.TLS_1_3);
  const fields = {
    serverVersion: ProtocolVersion.TLS_1_2,
    sessionId: hello.sessionId,
    cipherSuite: hello.cipherSuites.find((suite) => suite >> 8 === 0x13) ?? 0x1301,
    compressionMethod: 0,
  };
  if (extensions.keyShares()?.some((entry) => entry.group === group) !== true) {
    if (extensions.supportedGroups()?.includes(group) !== true) {
      throw new NotApplicable(`the device does not offer group ${group}`);
    }
    // It sends its share of the group when it is asked to.
    const retry = {
      ...fields,
      random: helloRetryRequestRandom,
      extensions: [selected, extension.selectedGroup(group)],
    };
    raw.write(tlsRecord(TlsContentType.handshake, withHeader(serverHello(retry))), {
      what: "HelloRetryRequest",
    });
    if ((await handshakeMessage(lab, raw, HandshakeType.client_hello)) === undefined) {
      throw new NotApplicable(`the device sends no share of group ${group}`);
    }
  }
  const share13 = extension.keyShare({ group, keyExchange: share });
  answerWith(raw, { ...fields, random: lab.prng.bytes(32), extensions: [selected, share13] }, what);
  return judgeReaction(lab, raw, what);
}

/** TLS 1.2: it is in ServerKeyExchange, which is signed as it should be. */
export async function afterServerKeyExchange(
  lab: DeviceLab,
  { group, share, what }: InvalidShare,
): Promise<Finding> {
  const server = await lab.acceptTls({
    versions: ["TLS 1.2"],
    outgoing: inPlaceOf("ServerKeyExchange", ({ msgType = 0 }) => {
      const offered = server.request?.groups.includes(group) === true;
      const body = offered ? server.tls12?.serverKeyExchange({ group, share }).body : undefined;
      if (body === undefined) throw new NotApplicable(`the device does not offer group ${group}`);
      return [{ kind: "handshake", msgType, body, note: what }];
    }),
  });
  const failed = await helloOver(server, "TLS 1.2");
  if (failed !== undefined) return held(failed.how, { refusedAt: failed.refusedAt, alert: failed.alert });
  for (;;) {
    const item = await server.item(lab.patience.answerMs);
    if (item.kind === "alert") return held(`alert ${item.alert}`, { refusedAt, alert: item.alert });
    if (item.kind === "closed") return held(item.how, { refusedAt });
    if (item.kind === "silence") return inconclusive(`the device neither refused nor went on after ${what}`);
    // Its Certificate needs no key yet.
    if (item.kind !== "handshake" || item.message.msgType === HandshakeType.certificate) continue;
    return broken(`the device goes on with ${item.message.name} after ${what}`);
  }
}

const refusedAt = "ServerKeyExchange";
