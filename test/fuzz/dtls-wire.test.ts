import fc from "fast-check";
import { expect, test } from "vitest";
import { DtlsError } from "../../dtls/errors.ts";
import { readClientExtensions, readServerExtensions } from "../../dtls/wire/extensions.ts";
import { readFragments, writeFragment } from "../../dtls/wire/handshake.ts";
import { ClientHello, type RawExtension, readClientHelloPrefix } from "../../dtls/wire/hello.ts";
import { decode, encode } from "../../dtls/wire/presentation.ts";
import { readRecord } from "../../dtls/wire/record.ts";
import { ExtensionType } from "../../dtls/wire/registry.ts";
import { capturedClientHellos } from "../support/dtls/client-hellos.ts";
import { structures } from "../support/dtls/wire-structures.ts";

/** FC_RUNS raises the number of cases of each property. */
const numRuns = Number(process.env.FC_RUNS ?? 2000);

/** Anything but a DtlsError is a bug of ours that a peer could set off. */
function orRefused<T>(act: () => T): T | undefined {
  try {
    return act();
  } catch (error) {
    if (error instanceof DtlsError) return undefined;
    throw error;
  }
}

/** Valid bytes with some of them replaced, dropped, doubled, or cut off. */
function damaged(valid: fc.Arbitrary<Uint8Array>): fc.Arbitrary<Uint8Array> {
  const edit = fc.record({
    at: fc.nat(),
    what: fc.constantFrom("replace", "drop", "insert", "double", "cut"),
    byte: fc.oneof(fc.constantFrom(0, 1, 0x7f, 0x80, 0xff), fc.nat(255)),
  });
  return fc.tuple(valid, fc.array(edit, { minLength: 1, maxLength: 4 })).map(([bytes, edits]) => {
    const out = [...bytes];
    for (const { at, what, byte } of edits) {
      const index = at % (out.length + 1);
      if (what === "replace") out[index] = byte;
      else if (what === "drop") out.splice(index, 1);
      else if (what === "insert") out.splice(index, 0, byte);
      else if (what === "double") out.splice(index, 0, ...out.slice(index, index + 16));
      else out.length = index;
    }
    return Uint8Array.from(out);
  });
}

const anything = fc.uint8Array({ maxLength: 400 });
const captured = fc.constantFrom(
  ...capturedClientHellos.flatMap(({ first, withCookie }) => [first, withCookie]),
);

test.each(structures)(
  "$clause: $name: random and damaged bytes are refused by a DtlsError, or written back byte for byte (E1, E2, E3, E5)",
  ({ decode, decodeAndEncode, samples }) => {
    const valid = samples.map(({ bytes }) => bytes);
    fc.assert(
      fc.property(fc.oneof(anything, damaged(valid)), (bytes) => {
        // Decoded first on its own: encode must not hide what decode lets pass.
        const accepted = orRefused(() => decode(bytes)) !== undefined;
        expect(accepted ? decodeAndEncode(bytes) : bytes).toEqual(bytes);
      }),
      { numRuns },
    );
  },
);

test("a datagram of anything is taken apart into what lies inside it (D6, E3)", () => {
  fc.assert(
    fc.property(fc.oneof(anything, damaged(captured)), fc.nat(255), (datagram, connectionIdLength) => {
      let offset = 0;
      while (offset < datagram.length) {
        const record = readRecord(datagram, offset, connectionIdLength);
        if (record === undefined) return;
        expect(record.bytes.length).toBeGreaterThan(0);
        offset += record.bytes.length;
        for (const fragment of orRefused(() => readFragments(record.fragment)) ?? []) {
          expect(fragment.fragmentOffset + fragment.body.length).toBeLessThanOrEqual(fragment.length);
          expect(fragment.body.length > 0 || fragment.length === 0).toBe(true);
        }
      }
      expect(offset).toBe(datagram.length);
    }),
    { numRuns },
  );
});

test("handshake fragments that are accepted are written back byte for byte (E1, E3)", () => {
  const fragment = fc
    .record({
      msgType: fc.nat(255),
      messageSeq: fc.nat(65535),
      body: fc.uint8Array({ maxLength: 60 }),
      after: fc.nat(100),
      before: fc.nat(100),
    })
    .map(({ msgType, messageSeq, body, before, after }) =>
      body.length === 0
        ? writeFragment(msgType, 0, messageSeq, 0, body)
        : writeFragment(msgType, before + body.length + after, messageSeq, before, body),
    );
  const record = fc
    .array(fragment, { minLength: 1, maxLength: 4 })
    .map((parts) => Uint8Array.from(parts.flatMap((part) => [...part])));
  fc.assert(
    fc.property(fc.oneof(record, damaged(record), anything), (bytes) => {
      const fragments = orRefused(() => readFragments(bytes));
      if (fragments === undefined) return;
      const again = fragments.flatMap(({ msgType, length, messageSeq, fragmentOffset, body }) => [
        ...writeFragment(msgType, length, messageSeq, fragmentOffset, body),
      ]);
      expect(Uint8Array.from(again)).toEqual(bytes);
    }),
    { numRuns },
  );
});

const headers = 13 + 12;
const capturedBody = captured.map((datagram) => datagram.subarray(headers));

test("the start of a ClientHello and the whole of it are never read differently (D3, D4)", () => {
  fc.assert(
    fc.property(fc.oneof(capturedBody, damaged(capturedBody), anything), (bytes) => {
      const prefix = orRefused(() => readClientHelloPrefix(bytes));
      const hello = orRefused(() => decode("ClientHello", ClientHello, bytes));
      // Whatever is read as a whole hello has a start that says the same.
      if (hello === undefined) return;
      if (prefix === undefined) throw new Error("a hello without a start");
      const { beforeCookie, afterCookie, ...fields } = prefix;
      expect({ ...fields, extensions: hello.extensions }).toEqual(hello);
      const { cookie } = hello;
      const whole = [...beforeCookie, cookie.length, ...cookie, ...afterCookie];
      expect(Uint8Array.from(whole)).toEqual(bytes.subarray(0, whole.length));
    }),
    { numRuns },
  );
});

test("a ClientHello that was captured and then damaged throws nothing but DtlsError (E5, U14)", () => {
  fc.assert(
    fc.property(damaged(capturedBody), (bytes) => {
      const hello = orRefused(() => decode("ClientHello", ClientHello, bytes));
      if (hello === undefined) return;
      orRefused(() => readClientExtensions(hello.extensions));
      expect(encode(ClientHello, hello)).toEqual(bytes);
    }),
    { numRuns },
  );
});

test("random extension data throws nothing but DtlsError, on either side (R5.6, E5)", () => {
  const extension: fc.Arbitrary<RawExtension> = fc.record({
    extensionType: fc.oneof(fc.constantFrom(...Object.values(ExtensionType)), fc.nat(65535)),
    extensionData: fc.uint8Array({ maxLength: 40 }),
  });
  const everything = {
    serverName: "a",
    maxFragmentLength: 1,
    supportedGroups: [29],
    ecPointFormats: [0],
    applicationProtocols: ["a"],
    clientCertificateTypes: [0],
    serverCertificateTypes: [0],
    extendedMasterSecret: true,
    recordSizeLimit: 64,
    sessionTicket: new Uint8Array(0),
    connectionId: new Uint8Array(0),
    returnRoutabilityCheck: true,
  } as const;
  fc.assert(
    fc.property(fc.array(extension, { maxLength: 6 }), (extensions) => {
      expect(() => orRefused(() => readClientExtensions(extensions))).not.toThrow();
      expect(() => orRefused(() => readServerExtensions(extensions, everything, true))).not.toThrow();
    }),
    { numRuns },
  );
});
