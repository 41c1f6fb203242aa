import { describe, expect, test } from "vitest";
import { readClientExtensions } from "../../../../dtls/wire/extensions.ts";
import { readFragments } from "../../../../dtls/wire/handshake.ts";
import { ClientHello, readClientHelloPrefix } from "../../../../dtls/wire/hello.ts";
import { decode, encode } from "../../../../dtls/wire/presentation.ts";
import { readRecord } from "../../../../dtls/wire/record.ts";
import { ContentType, ExtensionType, HandshakeType } from "../../../../dtls/wire/registry.ts";
import { capturedClientHellos } from "../../../support/dtls/client-hellos.ts";
import { hex, toHex } from "../../../support/dtls/hex.ts";

const cookie = hex("c0".repeat(20));

/** The one record of the datagram, the one whole message in it. */
function open(datagram: Uint8Array) {
  const record = readRecord(datagram, 0, 8);
  if (record === undefined) throw new Error("no record");
  expect(record).toMatchObject({ type: ContentType.handshake, epoch: 0, bytes: datagram });
  const [fragment, ...others] = readFragments(record.fragment);
  if (fragment === undefined) throw new Error("no fragment");
  expect(others).toEqual([]);
  expect(fragment).toMatchObject({ msgType: HandshakeType.client_hello, fragmentOffset: 0 });
  expect(fragment.body).toHaveLength(fragment.length);
  return { record, fragment, hello: decode("ClientHello", ClientHello, fragment.body) };
}

const numbers = (values: readonly number[] | undefined, width: number) =>
  values?.map((value) => value.toString(16).padStart(width, "0")).join(" ");

describe.each(capturedClientHellos)(
  "the ClientHello of $name",
  ({ name, first, withCookie, seenByTshark }) => {
    test(`RFC 6347 §4.2.1: ${name} is read as tshark reads it (U14, R5)`, () => {
      const { hello } = open(first);
      const extensions = readClientExtensions(hello.extensions);
      const certificateTypes = [
        ...(extensions.clientCertificateTypes ?? []),
        ...(extensions.serverCertificateTypes ?? []),
      ];
      const read = {
        clientVersion: numbers([hello.clientVersion], 4),
        random: toHex(hello.random),
        sessionIdLength: hello.sessionId.length,
        cookieLength: hello.cookie.length,
        cipherSuites: numbers(hello.cipherSuites, 4),
        compressionMethods: numbers(hello.compressionMethods, 2),
        extensionTypes: hello.extensions?.map((extension) => extension.extensionType).join(" "),
        extensionLengths: hello.extensions?.map((extension) => extension.extensionData.length).join(" "),
        serverName: extensions.serverName,
        supportedGroups: numbers(extensions.supportedGroups, 4),
        ecPointFormats: numbers(extensions.ecPointFormats, 2),
        signatureAlgorithms: numbers(extensions.signatureAlgorithms, 4),
        applicationProtocols: extensions.applicationProtocols?.join(" "),
        certificateTypes: certificateTypes.length > 0 ? numbers(certificateTypes, 2) : undefined,
        connectionId: extensions.connectionId && toHex(extensions.connectionId),
      };
      // toEqual takes what is undefined for what is not there.
      expect(read).toEqual(seenByTshark);
    });

    test(`RFC 5746, RFC 7627, RFC 8449, RFC 5077: ${name} has the flags of the extensions it sent (U14, R8)`, () => {
      const { hello } = open(first);
      const extensions = readClientExtensions(hello.extensions);
      const sent = new Set(seenByTshark["extensionTypes"]?.toString().split(" ").map(Number));
      expect(extensions.extendedMasterSecret ?? false).toBe(sent.has(ExtensionType.extended_master_secret));
      expect(extensions.renegotiationInfo).toEqual(
        sent.has(ExtensionType.renegotiation_info) ? hex("") : undefined,
      );
      expect(extensions.sessionTicket).toEqual(sent.has(ExtensionType.session_ticket) ? hex("") : undefined);
      expect(extensions.recordSizeLimit).toBe(sent.has(ExtensionType.record_size_limit) ? 16384 : undefined);
    });

    test(`RFC 6347 §4.2.1: ${name} repeats its hello with the cookie, and what a cookie binds is the same (R2.5, D4)`, () => {
      const [before, after] = [open(first), open(withCookie)];
      expect(after.fragment.messageSeq).toBe(before.fragment.messageSeq + 1);
      expect(after.record.sequence).toBe(before.record.sequence + 1);
      expect(after.hello).toEqual({ ...before.hello, cookie });
      const [prefixBefore, prefixAfter] = [before, after].map(({ fragment }) =>
        readClientHelloPrefix(fragment.body),
      );
      expect(prefixAfter).toEqual({ ...prefixBefore, cookie });
    });

    test(`${name} is written again byte for byte`, () => {
      for (const datagram of [first, withCookie]) {
        const { fragment, hello } = open(datagram);
        expect(encode(ClientHello, hello)).toEqual(fragment.body);
      }
    });
  },
);

test("RFC 5246 §7.4.1.2: among them is one without extensions (U14)", () => {
  const hellos = capturedClientHellos.map(({ first }) => open(first).hello);
  expect(hellos.filter(({ extensions }) => extensions === undefined)).toHaveLength(1);
  expect(hellos.length).toBeGreaterThan(20);
});
