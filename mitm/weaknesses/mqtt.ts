import type { WeaknessText } from "./text.ts";

/** What a broker may let an authenticated device do. */
export const mqttWeaknesses = {
  "foreign-client-id": {
    what: "A device may connect under the client id of another, and so end its session or take it over.",
    remedy:
      "Compare the client id with the identity of the certificate before anything else is done with it.",
  },
  "session-touched-before-identity": {
    what: "A CONNECT throws away the session of the client id that it named, be it entitled to it or not, let in or refused.",
    remedy: "Judge who asks before the session that is asked for is looked up, closed or deleted.",
  },
  "client-id-normalized": {
    what: "A client id is judged as it was sent and used in another form, so that it can lead to another device's.",
    remedy:
      "Take client ids as opaque text: no decoding, no dot segments, no other case; refuse characters not needed.",
  },
  "two-sessions-one-client-id": {
    what: "Two connections live under one client id at once, so that a cloned device goes unnoticed.",
    remedy: "Disconnect the older one when a second connects under its client id, and log the takeover.",
  },
  "sessions-unbounded": {
    policy: true,
    what: "One device may hold as many sessions as it likes.",
    remedy: "Limit the live sessions of one identity, whatever client ids it gives them.",
  },
  "identity-from-username": {
    what: "The user name in CONNECT decides which device it is, not the certificate.",
    remedy: "Take rights from the certificate's identity alone; refuse a user name that says something else.",
  },
  "identity-from-client-id": {
    what: "The client id in CONNECT decides which device's topics are open, not the certificate.",
    remedy: "Fill the certificate's identity into access rules, never the client id.",
  },
  "client-id-in-template": {
    what: "A client id is filled into topic rules as it is, so that a wildcard in it widens the rule.",
    remedy:
      "Fill in only the certificate's identity, and refuse names with '/', '+', '#' or control characters in rules.",
  },
  "publish-not-authorized": {
    what: "A device may publish to topics of other devices.",
    remedy: "Deny publishing by default and allow each identity its own topics.",
  },
  "subscribe-not-authorized": {
    what: "A device may subscribe to topics of other devices.",
    remedy: "Deny subscribing by default and allow each identity its own topics.",
  },
  "hash-not-authorized": {
    what: "A filter with '#' is granted though it holds topics of other devices.",
    remedy: "Grant a filter only if every topic that it can match is allowed.",
  },
  "plus-not-authorized": {
    what: "A filter with '+' is granted though it holds topics of other devices.",
    remedy: "Grant a filter only if every topic that it can match is allowed.",
  },
  "shared-filter-not-authorized": {
    what: "The filter behind '$share/' of a shared subscription is not judged.",
    remedy: "Judge the filter behind '$share/name/', or offer no shared subscriptions.",
  },
  "sys-readable": {
    what: "Devices can read the broker's own state under '$SYS/', and with it who else is connected.",
    remedy: "Deny '$SYS/#' to devices.",
  },
  "only-first-filter-authorized": {
    what: "A filter that is not the first of its SUBSCRIBE is not judged.",
    remedy: "Judge each filter by itself, with a return code of its own.",
  },
  "nul-in-client-id": {
    what: "U+0000 is accepted in a client id, where it cuts names short in logs, files and other programs.",
    remedy: "Close the connection on U+0000 in any string, as MQTT demands.",
  },
  "nul-in-topic": {
    what: "U+0000 is accepted in a topic name, where it cuts names short in logs, files and other programs.",
    remedy: "Close the connection on U+0000 in any string, as MQTT demands.",
  },
  "ill-formed-utf8": {
    what: "A topic name of ill-formed UTF-8 is accepted: two programs may read it as two different topics.",
    remedy: "Close the connection on ill-formed UTF-8 in any string, as MQTT demands.",
  },
  "client-id-unbounded": {
    policy: true,
    what: "A client id may be of any length, and goes into tables, logs and files.",
    remedy: "Limit client ids to what the fleet uses, for example 128 characters.",
  },
  "wildcard-in-topic-name": {
    what: "A message may be published to a topic name with wildcards in it.",
    remedy: "Close the connection of whoever publishes to '+' or '#', in PUBLISH and in wills.",
  },
  "will-not-authorized": {
    what: "A will is sent to a topic that its device may not publish to.",
    remedy: "Judge the will's topic as that of any PUBLISH, when CONNECT names it and when it is sent.",
  },
  "will-unbounded": {
    policy: true,
    what: "A will of the largest size that MQTT can express is kept for every session.",
    remedy: "Limit the size of wills to what the fleet uses.",
  },
  "will-outlives-rights": {
    what: "The will of a device whose certificate was revoked is still sent.",
    remedy: "Drop the will when a session is ended for lost rights, and judge it again when it is sent.",
  },
  "retained-publish-not-authorized": {
    what: "A device may leave retained messages on the topics of others, where they are found for ever after.",
    remedy: "Judge retained messages as any others; allow devices to retain only where it is needed.",
  },
  "retained-outlives-device": {
    what: "What a device retained is still handed out when the device is revoked or removed.",
    remedy: "Delete an identity's retained messages when its last certificate is gone.",
  },
  "subscription-outlives-rights": {
    what: "A device whose certificate was revoked goes on receiving messages on its open session.",
    remedy: "Close live sessions on revocation, and judge rights again on delivery.",
  },
  "session-outlives-device": {
    what: "Who is given a device id again finds the session of whoever had it before.",
    remedy: "Delete an identity's stored session when its last certificate is gone.",
  },
  "packet-identifier-zero": {
    what: "Packet identifier 0 is accepted, which stands for no message.",
    remedy: "Close the connection on packet identifier 0.",
  },
  "qos2-delivered-twice": {
    what: "A QoS 2 message that is sent again before PUBREL is delivered again.",
    remedy: "Remember packet identifiers of QoS 2 until PUBREL.",
  },
  "acknowledgements-shared": {
    what: "One client's acknowledgement takes a message from another client's queue.",
    remedy: "Keep packet identifiers apart by session.",
  },
  "inflight-unbounded": {
    policy: true,
    what: "A device may leave any number of QoS 2 messages unreleased, all of which are remembered.",
    remedy: "Limit the QoS 2 messages that wait for PUBREL, and close the connection above it.",
  },
  "packet-before-connect": {
    what: "Packets before CONNECT are taken, or let go without an end to the connection.",
    remedy: "Close a connection whose first packet is not CONNECT.",
  },
  "second-connect": {
    what: "A second CONNECT on the same connection is accepted.",
    remedy: "Close a connection on its second CONNECT.",
  },
  "five-byte-length": {
    what: "A remaining length of five bytes is accepted, or waited for.",
    remedy: "Close the connection when the fourth byte of a remaining length says that there are more.",
  },
  "packet-size-unbounded": {
    policy: true,
    what: "A packet of 256 MB is waited for after it was announced.",
    remedy: "Limit packet sizes, for CONNECT further still, and close by the fixed header alone.",
  },
  "hello-timeout-missing": {
    what: "A connection whose CONNECT never comes to its end is kept.",
    remedy: "Close a connection that has not said a whole CONNECT within some seconds.",
  },
  "hello-timeout-restarts": {
    what: "A CONNECT that comes byte by byte keeps its connection, since each byte starts the timer again.",
    remedy: "Measure the time for CONNECT from the end of the handshake, whatever comes meanwhile.",
  },
  "keep-alive-ignored": {
    what: "A device that fell silent counts as connected for long after the keep alive that it announced, and its loss is not seen.",
    remedy:
      "End a session that sent no whole packet for one and a half times its keep alive, and send its will.",
  },
  "reserved-flags": {
    what: "Packets with wrong flags in their fixed header are accepted.",
    remedy: "Close the connection on flags other than those that MQTT fixes.",
  },
  "qos-three": {
    what: "A PUBLISH with QoS 3 is accepted.",
    remedy: "Close the connection on both QoS bits set.",
  },
  "connect-reserved-flag": {
    what: "A CONNECT with the reserved flag set is accepted.",
    remedy: "Check the reserved flag of CONNECT and close the connection if it is set.",
  },
  "password-without-username": {
    what: "A CONNECT with a password and no user name is accepted, which MQTT 3.1.1 forbids.",
    remedy: "Close the connection if the password flag is set without the user name flag.",
  },
  "response-topic-not-authorized": {
    policy: true,
    what: "A request of MQTT 5 may name another device's topic for its response, so that an honest responder writes there.",
    remedy: "Judge response topics by what the requester may subscribe to; let responders check them too.",
  },
  "topic-alias-of-another": {
    what: "A topic alias of MQTT 5 that this connection never set is accepted.",
    remedy:
      "Keep topic aliases with their connection, and close on one that is unknown or above the maximum.",
  },
} as const satisfies Record<string, WeaknessText>;
