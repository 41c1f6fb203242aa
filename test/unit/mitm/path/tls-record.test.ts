import { describe, expect, test } from "vitest";
import {
  handshakeBytes,
  handshakeMessagesIn,
  RecordReader,
  TlsContentType,
  tlsRecord,
} from "../../../../mitm/path/tls-record.ts";

const hello = tlsRecord(TlsContentType.handshake, handshakeBytes(1, new Uint8Array(40)), 0x0301);
const changeCipherSpec = tlsRecord(TlsContentType.changeCipherSpec, Uint8Array.of(1));
const namesOf = (...chunks: readonly Uint8Array[]) => {
  const reader = new RecordReader("device");
  return chunks.flatMap((chunk) => reader.push(chunk)).map(({ what }) => what);
};

describe("a reader of records", () => {
  test("gives out whole records, however TCP cuts them", () => {
    const stream = Buffer.concat([hello, changeCipherSpec, tlsRecord(23, new Uint8Array(9))]);
    const reader = new RecordReader("device");
    const records = [...stream].flatMap((byte) => reader.push(Uint8Array.of(byte)));
    expect(records.map(({ what, index }) => `${index} ${what}`)).toEqual([
      "0 ClientHello",
      "1 ChangeCipherSpec",
      "2 application data",
    ]);
    expect(Buffer.concat(records.map(({ bytes }) => bytes))).toEqual(stream);
    expect(reader.rest()).toHaveLength(0);
  });

  test("keeps what never became whole", () => {
    const reader = new RecordReader("gateway");
    expect(reader.push(hello.subarray(0, -1))).toEqual([]);
    expect(reader.rest()).toEqual(hello.subarray(0, -1));
  });

  test("names the messages of a flight in one record, and one that goes on in the next", () => {
    const flight = Buffer.concat([
      handshakeBytes(2, new Uint8Array(70)),
      handshakeBytes(11, new Uint8Array(300)),
    ]);
    expect(namesOf(tlsRecord(22, flight.subarray(0, 200)), tlsRecord(22, flight.subarray(200)))).toEqual([
      "ServerHello, Certificate",
      "rest of a handshake message",
    ]);
  });

  test("takes a handshake record after ChangeCipherSpec for protected, but not a second ClientHello", () => {
    expect(namesOf(changeCipherSpec, tlsRecord(22, new Uint8Array(40)))).toEqual([
      "ChangeCipherSpec",
      "protected handshake record",
    ]);
    expect(namesOf(changeCipherSpec, hello)).toEqual(["ChangeCipherSpec", "ClientHello"]);
  });

  test("names an alert in clear", () => {
    expect(namesOf(tlsRecord(21, Uint8Array.of(2, 70)))).toEqual(["Alert protocol_version"]);
    expect(namesOf(changeCipherSpec, tlsRecord(21, new Uint8Array(26)))).toEqual([
      "ChangeCipherSpec",
      "protected alert",
    ]);
  });

  test("lets bytes through that are no TLS, and all that comes after them", () => {
    const reader = new RecordReader("device");
    expect(reader.push(Uint8Array.of(0xc0, 0))).toMatchObject([
      { contentType: undefined, what: "MQTT PINGREQ" },
    ]);
    expect(reader.push(hello)).toMatchObject([
      { contentType: undefined, what: "bytes that are no TLS record" },
    ]);
  });

  test("does not wait for a record that would be too long", () => {
    const [record] = new RecordReader("device").push(Uint8Array.of(23, 3, 3, 0xff, 0xff, 0));
    expect(record).toMatchObject({ contentType: undefined });
  });
});

test("handshake messages are found in a record, and what is cut off ends the list", () => {
  const two = Buffer.concat([handshakeBytes(1, Uint8Array.of(7)), handshakeBytes(2, Uint8Array.of(8, 9))]);
  expect(handshakeMessagesIn(two).map(({ msgType, body }) => [msgType, ...body])).toEqual([
    [1, 7],
    [2, 8, 9],
  ]);
  expect(handshakeMessagesIn(two.subarray(0, -1))).toHaveLength(1);
});
