/** What bytes on the path are called in a transcript: the names of the RFCs, as far as they can be told without keys. */

/** RFC 8446 §6, with those of RFC 5246 §7.2 and of the extensions that DTLS and TLS 1.2 still know. */
const alerts: ReadonlyMap<number, string> = new Map([
  [0, "close_notify"],
  [10, "unexpected_message"],
  [20, "bad_record_mac"],
  [21, "decryption_failed"],
  [22, "record_overflow"],
  [30, "decompression_failure"],
  [40, "handshake_failure"],
  [41, "no_certificate"],
  [42, "bad_certificate"],
  [43, "unsupported_certificate"],
  [44, "certificate_revoked"],
  [45, "certificate_expired"],
  [46, "certificate_unknown"],
  [47, "illegal_parameter"],
  [48, "unknown_ca"],
  [49, "access_denied"],
  [50, "decode_error"],
  [51, "decrypt_error"],
  [60, "export_restriction"],
  [70, "protocol_version"],
  [71, "insufficient_security"],
  [80, "internal_error"],
  [86, "inappropriate_fallback"],
  [90, "user_canceled"],
  [100, "no_renegotiation"],
  [109, "missing_extension"],
  [110, "unsupported_extension"],
  [111, "certificate_unobtainable"],
  [112, "unrecognized_name"],
  [113, "bad_certificate_status_response"],
  [115, "unknown_psk_identity"],
  [116, "certificate_required"],
  [120, "no_application_protocol"],
]);

/** RFC 8446 §4, RFC 5246 §7.4, RFC 6347 §4.3.2, RFC 5077 §3.3, RFC 8879 §4. */
const handshakeTypes: ReadonlyMap<number, string> = new Map([
  [0, "HelloRequest"],
  [1, "ClientHello"],
  [2, "ServerHello"],
  [3, "HelloVerifyRequest"],
  [4, "NewSessionTicket"],
  [5, "EndOfEarlyData"],
  [8, "EncryptedExtensions"],
  [11, "Certificate"],
  [12, "ServerKeyExchange"],
  [13, "CertificateRequest"],
  [14, "ServerHelloDone"],
  [15, "CertificateVerify"],
  [16, "ClientKeyExchange"],
  [20, "Finished"],
  [22, "CertificateStatus"],
  [24, "KeyUpdate"],
  [25, "CompressedCertificate"],
]);

const mqttPackets = [
  undefined,
  "CONNECT",
  "CONNACK",
  "PUBLISH",
  "PUBACK",
  "PUBREC",
  "PUBREL",
  "PUBCOMP",
  "SUBSCRIBE",
  "SUBACK",
  "UNSUBSCRIBE",
  "UNSUBACK",
  "PINGREQ",
  "PINGRESP",
  "DISCONNECT",
  "AUTH",
] as const;

/** "bad_certificate"; "alert 7" for a number that no RFC gave out. */
export function alertName(description: number): string {
  return alerts.get(description) ?? `alert ${description}`;
}

/** "CertificateVerify". */
export function handshakeName(msgType: number): string {
  return handshakeTypes.get(msgType) ?? `handshake message ${msgType}`;
}

/** What bytes that somebody sent in clear on an MQTT port are: "MQTT CONNECT"; undefined where they are no packet. */
export function mqttName(bytes: Uint8Array): string | undefined {
  const [first = 0, second] = bytes;
  const name = mqttPackets[first >> 4];
  // [MQTT-2.2.2-1]: the flags of a packet that is not PUBLISH are fixed, 2 for three of them and 0 for the others.
  const flags = first & 0x0f;
  const fits = name === "PUBLISH" || flags === (/^(PUBREL|SUBSCRIBE|UNSUBSCRIBE)$/.test(name ?? "") ? 2 : 0);
  return name === undefined || second === undefined || !fits ? undefined : `MQTT ${name}`;
}

/** Length of a TLS record with its header at the beginning of `bytes`; undefined where no TLS record can begin so. */
export function tlsRecordLength(bytes: Uint8Array): number | undefined {
  const [type = 0, major, , high = 0, low = 0] = bytes;
  return type < 20 || type > 24 || major !== 3 || bytes.length < 5 ? undefined : 5 + high * 256 + low;
}

/** What bytes on a TCP connection are, record for record: "ClientHello", "Alert protocol_version", "MQTT CONNECT". */
export function tcpName(bytes: Uint8Array): string {
  const names: string[] = [];
  let at = 0;
  while (at < bytes.length && names.length < 8) {
    const rest = bytes.subarray(at);
    const length = tlsRecordLength(rest);
    if (length === undefined) {
      names.push(mqttName(rest) ?? "bytes that are no TLS record");
      at = bytes.length;
    } else {
      names.push(recordName(rest[0] ?? 0, rest.subarray(5, length), false));
      at += length;
    }
  }
  return names.join(", ") + (at < bytes.length ? ", more" : "");
}

/** What a datagram is, record for record, as RFC 6347 §4.1 and RFC 9146 §4 frame them. */
export function datagramName(datagram: Uint8Array): string {
  const names: string[] = [];
  let at = 0;
  while (at < datagram.length && names.length < 8) {
    const rest = datagram.subarray(at);
    const [type = 0, major] = rest;
    const epoch = (rest[3] ?? 0) * 256 + (rest[4] ?? 0);
    if (rest.length < 13 || type < 20 || type > 27 || major !== 0xfe) {
      names.push("bytes that are no DTLS record");
      at = datagram.length;
    } else if (type === 25) {
      // The length of the connection id is known to the two ends alone: whatever follows counts to this record.
      names.push("protected record (connection id)");
      at = datagram.length;
    } else {
      const length = (rest[11] ?? 0) * 256 + (rest[12] ?? 0);
      names.push(recordName(type, rest.subarray(13, 13 + length), epoch > 0));
      at += 13 + length;
    }
  }
  return names.join(", ") + (at < datagram.length ? ", more" : "");
}

function recordName(contentType: number, fragment: Uint8Array, isProtected: boolean): string {
  const [first = 0, second = 0] = fragment;
  const guarded = isProtected ? " (protected)" : "";
  switch (contentType) {
    case 20:
      return "ChangeCipherSpec";
    case 21:
      return isProtected || fragment.length !== 2
        ? "Alert (protected)"
        : `Alert ${alerts.get(second) ?? second}`;
    case 22: {
      const known = handshakeTypes.get(first);
      return isProtected || known === undefined ? "handshake record (protected or a fragment)" : known;
    }
    case 23:
      return "application data record";
    case 24:
      return `Heartbeat${guarded}`;
    default:
      return `record of content type ${contentType}${guarded}`;
  }
}
