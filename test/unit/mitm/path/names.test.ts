import { describe, expect, test } from "vitest";
import {
  alertName,
  datagramName,
  handshakeName,
  mqttName,
  tcpName,
  tlsRecordLength,
} from "../../../../mitm/path/names.ts";

const bytes = (hex: string) => Buffer.from(hex.replaceAll(" ", ""), "hex");

describe("names of what passes on TCP", () => {
  test.each([
    ["16 0301 0004 01000000", "ClientHello"],
    ["16 0303 0004 02000000 16 0303 0004 0b000000", "ServerHello, Certificate"],
    ["15 0303 0002 0228", "Alert handshake_failure"],
    ["15 0303 0002 02c8", "Alert 200"],
    ["15 0303 0012 000102030405060708090a0b0c0d0e0f1011", "Alert (protected)"],
    ["14 0303 0001 01", "ChangeCipherSpec"],
    ["17 0303 0001 00", "application data record"],
    ["16 0303 0004 ffffffff", "handshake record (protected or a fragment)"],
    ["16 0303 0040 01", "ClientHello"],
    ["10 0c 0004", "MQTT CONNECT"],
    ["20 02 0000", "MQTT CONNACK"],
    ["48 54 5450", "bytes that are no TLS record"],
    ["15 0303 0002 0100 20020000", "Alert close_notify, MQTT CONNACK"],
  ])("%s", (hex, name) => {
    expect(tcpName(bytes(hex))).toBe(name);
  });

  test("more records than anybody reads are cut off", () => {
    expect(tcpName(bytes("14 0303 0001 01".repeat(9)))).toMatch(/^(ChangeCipherSpec, ){8}more$/);
  });

  test.each([
    ["16 0303 0004", 9],
    ["16 0303 00", undefined],
    ["10 0303 0004", undefined],
    ["16 0203 0004", undefined],
  ])("%s begins a record of so many bytes", (hex, length) => {
    expect(tlsRecordLength(bytes(hex))).toBe(length);
  });
});

describe("names of what passes on UDP", () => {
  test.each([
    ["16 fefd 0000 000000000000 0001 01", "ClientHello"],
    ["16 fefd 0001 000000000000 0001 01", "handshake record (protected or a fragment)"],
    ["15 fefd 0000 000000000001 0002 022a", "Alert bad_certificate"],
    ["19 fefd 0001 000000000001 aabb 0002 022a", "protected record (connection id)"],
    [
      "14 fefd 0000 000000000003 0001 01 17 fefd 0001 000000000000 0001 ff",
      "ChangeCipherSpec, application data record",
    ],
    ["32312e35", "bytes that are no DTLS record"],
  ])("%s", (hex, name) => {
    expect(datagramName(bytes(hex))).toBe(name);
  });
});

describe("names of MQTT packets", () => {
  test.each([
    ["e0 00", "MQTT DISCONNECT"],
    ["82 08", "MQTT SUBSCRIBE"],
    ["3d 08", "MQTT PUBLISH"],
    ["80 08", undefined],
    ["00 08", undefined],
    ["10", undefined],
  ])("%s", (hex, name) => {
    expect(mqttName(bytes(hex))).toBe(name);
  });
});

test("numbers that no RFC gave out have a name that says so", () => {
  expect(alertName(42)).toBe("bad_certificate");
  expect(alertName(7)).toBe("alert 7");
  expect(handshakeName(15)).toBe("CertificateVerify");
  expect(handshakeName(77)).toBe("handshake message 77");
});
