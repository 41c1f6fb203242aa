import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type ClientExtensions,
  readClientExtensions,
  readServerExtensions,
  type ServerExtensions,
  writeClientExtensions,
  writeServerExtensions,
} from "../../../../dtls/wire/extensions.ts";
import type { RawExtension } from "../../../../dtls/wire/hello.ts";
import { dtlsErrorCode } from "../../../support/dtls/dtls-error-code.ts";
import { hex } from "../../../support/dtls/hex.ts";

const raw = (extensionType: number, data: string): RawExtension => {
  return { extensionType, extensionData: hex(data) };
};
const name = "0c 676174652e6578616d706c65";

/** Clause, extension, what stands in extension_data of a ClientHello, and what it means. */
const ofClient: readonly (readonly [clause: string, type: number, data: string, value: ClientExtensions])[] =
  [
    ["RFC 6066 §3", 0, `000f 00 00${name}`, { serverName: "gate.example" }],
    ["RFC 6066 §4", 1, "04", { maxFragmentLength: 4 }],
    ["RFC 8422 §5.1.1", 10, "0004 001d 0017", { supportedGroups: [29, 23] }],
    ["RFC 8422 §5.1.2", 11, "02 01 00", { ecPointFormats: [1, 0] }],
    ["RFC 5246 §7.4.1.4.1", 13, "0004 0403 0804", { signatureAlgorithms: [0x0403, 0x0804] }],
    [
      "RFC 7301 §3.1",
      16,
      "0009 04636f6170 03 00e4ff",
      { applicationProtocols: ["coap", "\u0000\u00e4\u00ff"] },
    ],
    ["RFC 7250 §3", 19, "02 02 00", { clientCertificateTypes: [2, 0] }],
    ["RFC 7250 §3", 20, "01 02", { serverCertificateTypes: [2] }],
    ["RFC 7627 §5.1", 23, "", { extendedMasterSecret: true }],
    ["RFC 8449 §4", 28, "0040", { recordSizeLimit: 64 }],
    ["RFC 5077 §3.2", 35, "aabb", { sessionTicket: hex("aabb") }],
    ["RFC 5077 §3.2", 35, "", { sessionTicket: hex("") }],
    ["RFC 9146 §3", 54, "00", { connectionId: hex("") }],
    ["RFC 9146 §3", 54, "03 c1c2c3", { connectionId: hex("c1c2c3") }],
    ["RFC 9853 §3", 61, "", { returnRoutabilityCheck: true }],
    ["RFC 5746 §3.2", 0xff01, "00", { renegotiationInfo: hex("") }],
    ["RFC 5746 §3.2", 0xff01, "02 aabb", { renegotiationInfo: hex("aabb") }],
  ];

const ofServer: readonly (readonly [clause: string, type: number, data: string, value: ServerExtensions])[] =
  [
    ["RFC 6066 §3", 0, "", { serverName: true }],
    ["RFC 6066 §4", 1, "04", { maxFragmentLength: 4 }],
    ["RFC 8422 §5.1.2", 11, "01 00", { ecPointFormats: [0] }],
    ["RFC 7301 §3.1", 16, "0005 04636f6170", { applicationProtocol: "coap" }],
    ["RFC 7250 §3", 19, "02", { clientCertificateType: 2 }],
    ["RFC 7250 §3", 20, "00", { serverCertificateType: 0 }],
    ["RFC 7627 §5.1", 23, "", { extendedMasterSecret: true }],
    ["RFC 8449 §4", 28, "4001", { recordSizeLimit: 16385 }],
    ["RFC 5077 §3.2", 35, "", { sessionTicket: true }],
    ["RFC 9146 §3", 54, "03 c1c2c3", { connectionId: hex("c1c2c3") }],
    ["RFC 9853 §3", 61, "", { returnRoutabilityCheck: true }],
    ["RFC 5746 §3.2", 0xff01, "00", { renegotiationInfo: hex("") }],
  ];

/** A ClientHello that asked for all there is. */
const everything: ClientExtensions = {
  serverName: "gate.example",
  maxFragmentLength: 4,
  supportedGroups: [29],
  ecPointFormats: [0],
  signatureAlgorithms: [0x0403],
  applicationProtocols: ["mqtt", "coap"],
  clientCertificateTypes: [2, 0],
  serverCertificateTypes: [2, 0],
  extendedMasterSecret: true,
  recordSizeLimit: 1024,
  sessionTicket: hex(""),
  connectionId: hex(""),
  returnRoutabilityCheck: true,
  renegotiationInfo: hex(""),
};

const clientRefusal = (...extensions: RawExtension[]) =>
  dtlsErrorCode(() => readClientExtensions(extensions));
const serverRefusal = (offered: ClientExtensions, ...extensions: RawExtension[]) =>
  dtlsErrorCode(() => readServerExtensions(extensions, offered, false));

describe("each extension", () => {
  test.each(ofClient)("%s: extension %d of a ClientHello, %s, both ways (R5)", (_, type, data, value) => {
    expect(readClientExtensions([raw(type, data)])).toEqual(value);
    expect(writeClientExtensions(value)).toEqual([raw(type, data)]);
  });

  test.each(ofServer)("%s: extension %d of a ServerHello, %s, both ways (R5)", (_, type, data, value) => {
    expect(readServerExtensions([raw(type, data)], everything, false)).toEqual(value);
    expect(writeServerExtensions(value)).toEqual([raw(type, data)]);
  });

  test.each(ofClient)(
    "%s: extension %d of a ClientHello, %s, cut or too long, is refused (E5)",
    (_, type, data) => {
      // A ticket has no length of its own: all of it is ticket.
      if (type === 35) return;
      const { extensionData } = raw(type, data);
      for (let length = 0; length < extensionData.length; length++) {
        const cut = { extensionType: type, extensionData: extensionData.subarray(0, length) };
        expect(clientRefusal(cut), `${length} bytes`).toBe("DTLS_DECODE_ERROR");
      }
      expect(clientRefusal(raw(type, `${data}00`))).toBe("DTLS_DECODE_ERROR");
    },
  );

  test.each(ofServer)(
    "%s: extension %d of a ServerHello, %s, cut or too long, is refused (E5)",
    (_, type, data) => {
      const { extensionData } = raw(type, data);
      for (let length = 0; length < extensionData.length; length++) {
        const cut = { extensionType: type, extensionData: extensionData.subarray(0, length) };
        expect(serverRefusal(everything, cut), `${length} bytes`).toBe("DTLS_DECODE_ERROR");
      }
      expect(serverRefusal(everything, raw(type, `${data}00`))).toBe("DTLS_DECODE_ERROR");
    },
  );

  test("all of a ClientHello at once, read back (R5)", () => {
    const written = writeClientExtensions(everything);
    expect(readClientExtensions(written)).toEqual(everything);
    expect(written).toHaveLength(Object.keys(everything).length);
  });

  test("random extensions are written and read back (R5)", () => {
    const bytes = fc.uint8Array({ maxLength: 255 });
    const numbers = fc.array(fc.nat(65535), { minLength: 1, maxLength: 20 });
    const small = fc.array(fc.nat(255), { minLength: 1, maxLength: 20 });
    const latin1 = fc.string({
      unit: fc.nat(255).map((code) => String.fromCodePoint(code)),
      minLength: 1,
      maxLength: 255,
    });
    const any = fc.record(
      {
        serverName: fc.stringMatching(/^[!-~]{1,255}$/),
        maxFragmentLength: fc.integer({ min: 1, max: 4 }),
        supportedGroups: numbers,
        ecPointFormats: small.map((formats) => [...formats, 0]),
        signatureAlgorithms: numbers,
        applicationProtocols: fc.array(latin1, { minLength: 1, maxLength: 5 }),
        clientCertificateTypes: small,
        serverCertificateTypes: small,
        extendedMasterSecret: fc.constant<true>(true),
        recordSizeLimit: fc.integer({ min: 64, max: 65535 }),
        sessionTicket: bytes,
        connectionId: bytes,
        returnRoutabilityCheck: fc.constant<true>(true),
        renegotiationInfo: bytes,
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(any, (extensions) => {
        expect(readClientExtensions(writeClientExtensions(extensions))).toEqual(extensions);
      }),
    );
  });
});

describe("the list of extensions", () => {
  test("RFC 5246 §7.4.1.2: without extensions there is none, and no field is written for none (U14)", () => {
    expect(readClientExtensions(undefined)).toEqual({});
    expect(readClientExtensions([])).toEqual({});
    expect(writeClientExtensions({})).toBeUndefined();
    expect(writeServerExtensions({ serverName: undefined })).toBeUndefined();
    expect(readServerExtensions(undefined, {}, false)).toEqual({});
  });

  test("RFC 5246 §7.4.1.4: the server ignores extensions that it does not know (R5.6, U14)", () => {
    expect(readClientExtensions([raw(0x1a1a, "ffff"), raw(23, ""), raw(22, "")])).toEqual({
      extendedMasterSecret: true,
    });
  });

  test("RFC 5246 §7.4.1.4: an extension that stands twice is an illegal_parameter, known or not (R5.6)", () => {
    expect(clientRefusal(raw(23, ""), raw(23, ""))).toBe("DTLS_ILLEGAL_PARAMETER");
    expect(clientRefusal(raw(0x1a1a, "00"), raw(23, ""), raw(0x1a1a, "01"))).toBe("DTLS_ILLEGAL_PARAMETER");
    expect(serverRefusal(everything, raw(23, ""), raw(23, ""))).toBe("DTLS_ILLEGAL_PARAMETER");
  });

  test.each(ofServer)(
    "%s: extension %d of a ServerHello, %s, that was not offered is an unsupported_extension (R5.6, A5)",
    (_, type, data) => {
      expect(serverRefusal({}, raw(type, data))).toBe("DTLS_UNSUPPORTED_EXTENSION");
    },
  );

  test("RFC 5246 §7.4.1.4: an unknown extension of a ServerHello is an unsupported_extension (R5.6, A5)", () => {
    expect(serverRefusal(everything, raw(0x1a1a, ""))).toBe("DTLS_UNSUPPORTED_EXTENSION");
    expect(serverRefusal(everything, raw(22, ""))).toBe("DTLS_UNSUPPORTED_EXTENSION");
  });

  test("RFC 5246 §7.4.1.4.1: a server must not send signature_algorithms (R5.6)", () => {
    expect(serverRefusal(everything, raw(13, "0002 0403"))).toBe("DTLS_UNSUPPORTED_EXTENSION");
  });

  test("supported_groups of a ServerHello are passed over when they were offered, and only then (R5.6)", () => {
    expect(readServerExtensions([raw(10, "0002 001d")], everything, false)).toEqual({});
    expect(serverRefusal({ extendedMasterSecret: true }, raw(10, "0002 001d"))).toBe(
      "DTLS_UNSUPPORTED_EXTENSION",
    );
  });

  test("RFC 5746 §3.4: the SCSV asks for renegotiation_info as the extension does (R8)", () => {
    expect(readServerExtensions([raw(0xff01, "00")], {}, true)).toEqual({ renegotiationInfo: hex("") });
    expect(readServerExtensions([raw(0xff01, "00")], { renegotiationInfo: hex("") }, false)).toEqual({
      renegotiationInfo: hex(""),
    });
    expect(serverRefusal({}, raw(0xff01, "00"))).toBe("DTLS_UNSUPPORTED_EXTENSION");
  });

  test("an offer that is spelled out as undefined is none (A5)", () => {
    expect(serverRefusal({ connectionId: undefined }, raw(54, "00"))).toBe("DTLS_UNSUPPORTED_EXTENSION");
  });
});

describe("what the server chose", () => {
  test("RFC 7301 §3.1: is one protocol, of those that were offered (A5, R5.8)", () => {
    expect(serverRefusal(everything, raw(16, "0005 04636f6170"))).toBeUndefined();
    expect(serverRefusal(everything, raw(16, "0003 026832"))).toBe("DTLS_ILLEGAL_PARAMETER");
    expect(serverRefusal(everything, raw(16, "000a 04636f6170 046d717474"))).toBe("DTLS_ILLEGAL_PARAMETER");
    expect(serverRefusal(everything, raw(16, "0000"))).toBe("DTLS_DECODE_ERROR");
  });

  test("RFC 7250 §4.2: are certificate types of those that were offered (A5)", () => {
    expect(serverRefusal({ clientCertificateTypes: [2] }, raw(19, "00"))).toBe("DTLS_ILLEGAL_PARAMETER");
    expect(serverRefusal({ serverCertificateTypes: [0] }, raw(20, "02"))).toBe("DTLS_ILLEGAL_PARAMETER");
    expect(serverRefusal({ serverCertificateTypes: [0] }, raw(20, "00"))).toBeUndefined();
  });

  test("RFC 6066 §4: is the very fragment length that was asked for (A5, R13)", () => {
    expect(serverRefusal({ maxFragmentLength: 2 }, raw(1, "01"))).toBe("DTLS_ILLEGAL_PARAMETER");
    expect(serverRefusal({ maxFragmentLength: 2 }, raw(1, "02"))).toBeUndefined();
  });

  test("RFC 8449 §5: is not max_fragment_length and record_size_limit at once (R13)", () => {
    expect(serverRefusal(everything, raw(1, "04"), raw(28, "0400"))).toBe("DTLS_ILLEGAL_PARAMETER");
  });
});

describe("server_name", () => {
  const nameList = (names: string) => raw(0, names);

  test("RFC 6066 §3: an empty list or an empty name is a decode_error (E5)", () => {
    expect(clientRefusal(nameList("0000"))).toBe("DTLS_DECODE_ERROR");
    expect(clientRefusal(nameList(""))).toBe("DTLS_DECODE_ERROR");
    expect(clientRefusal(nameList("0003 00 0000"))).toBe("DTLS_DECODE_ERROR");
  });

  test("RFC 6066 §3: a name of a type other than host_name cannot be read: a decode_error (R5.8)", () => {
    expect(clientRefusal(nameList("0004 01 0001 61"))).toBe("DTLS_DECODE_ERROR");
    expect(clientRefusal(nameList("0008 00 0001 61 01 0001 62"))).toBe("DTLS_DECODE_ERROR");
  });

  test("RFC 6066 §3: two host names are an illegal_parameter (R5.8)", () => {
    expect(clientRefusal(nameList("0008 00 0001 61 00 0001 62"))).toBe("DTLS_ILLEGAL_PARAMETER");
  });

  test("RFC 6066 §3: a name with a byte that is not ASCII, with a NUL or a blank is an illegal_parameter (R5.8)", () => {
    for (const byte of ["00", "09", "0a", "20", "7f", "80", "e4", "ff"]) {
      expect(clientRefusal(nameList(`0006 00 0003 61 ${byte} 62`)), byte).toBe("DTLS_ILLEGAL_PARAMETER");
    }
  });

  test("RFC 1035 §2.3.4: a name longer than 255 bytes is an illegal_parameter (R5.8)", () => {
    expect(clientRefusal(nameList(`0102 00 00ff ${"61".repeat(255)}`))).toBeUndefined();
    expect(clientRefusal(nameList(`0103 00 0100 ${"61".repeat(256)}`))).toBe("DTLS_ILLEGAL_PARAMETER");
  });

  test("a name that is not one is not written: a RangeError", () => {
    for (const serverName of ["", "a b", "zürich.example", "a\u0000b", "a".repeat(256)]) {
      expect(() => writeClientExtensions({ serverName })).toThrow(RangeError);
    }
  });
});

describe("bounds", () => {
  test.each(["00", "05", "ff"])(
    "RFC 6066 §4: max_fragment_length %s is an illegal_parameter (R13)",
    (code) => {
      expect(clientRefusal(raw(1, code))).toBe("DTLS_ILLEGAL_PARAMETER");
      expect(serverRefusal(everything, raw(1, code))).toBe("DTLS_ILLEGAL_PARAMETER");
    },
  );

  test("RFC 8422 §5.1.2: point formats without uncompressed are an illegal_parameter (R5.3)", () => {
    expect(clientRefusal(raw(11, "02 0102"))).toBe("DTLS_ILLEGAL_PARAMETER");
    expect(serverRefusal(everything, raw(11, "01 01"))).toBe("DTLS_ILLEGAL_PARAMETER");
    expect(clientRefusal(raw(11, "00"))).toBe("DTLS_DECODE_ERROR");
  });

  test("RFC 8449 §4: a limit below 64 is an illegal_parameter, one above 2^14 is not (R13)", () => {
    expect(clientRefusal(raw(28, "003f"))).toBe("DTLS_ILLEGAL_PARAMETER");
    expect(clientRefusal(raw(28, "0000"))).toBe("DTLS_ILLEGAL_PARAMETER");
    expect(serverRefusal(everything, raw(28, "003f"))).toBe("DTLS_ILLEGAL_PARAMETER");
    expect(readClientExtensions([raw(28, "ffff")])).toEqual({ recordSizeLimit: 65535 });
  });

  test.each([0, 1, 255])("RFC 9146 §3: a connection id of %d bytes is read and written (G5)", (length) => {
    const connectionId = new Uint8Array(length).fill(0xd5);
    expect(readClientExtensions(writeClientExtensions({ connectionId }))).toEqual({ connectionId });
    const written = writeServerExtensions({ connectionId });
    expect(readServerExtensions(written, everything, false)).toEqual({ connectionId });
  });

  test("RFC 9146 §3: a connection id has at most 255 bytes (G5)", () => {
    expect(() => writeClientExtensions({ connectionId: new Uint8Array(256) })).toThrow(RangeError);
    expect(() => writeServerExtensions({ connectionId: new Uint8Array(256) })).toThrow(RangeError);
  });

  test("RFC 7301 §3.1: a protocol name has 1 to 255 bytes, and the list at least one (E5, R5.8)", () => {
    expect(clientRefusal(raw(16, "0000"))).toBe("DTLS_DECODE_ERROR");
    expect(clientRefusal(raw(16, "0002 0000"))).toBe("DTLS_DECODE_ERROR");
    expect(clientRefusal(raw(16, `0100 ff ${"61".repeat(255)}`))).toBeUndefined();
    expect(() => writeClientExtensions({ applicationProtocols: [""] })).toThrow(RangeError);
    expect(() => writeClientExtensions({ applicationProtocols: ["a".repeat(256)] })).toThrow(RangeError);
    expect(() => writeClientExtensions({ applicationProtocols: ["\u0100"] })).toThrow(RangeError);
    expect(() => writeClientExtensions({ applicationProtocols: [] })).toThrow(RangeError);
  });

  test("lists of two-byte numbers: odd lengths and empty lists are a decode_error (E5)", () => {
    for (const type of [10, 13]) {
      expect(clientRefusal(raw(type, "0003 001d00"))).toBe("DTLS_DECODE_ERROR");
      expect(clientRefusal(raw(type, "0000"))).toBe("DTLS_DECODE_ERROR");
    }
    for (const type of [19, 20]) expect(clientRefusal(raw(type, "00"))).toBe("DTLS_DECODE_ERROR");
  });
});
