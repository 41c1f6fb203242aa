import { expect, test } from "vitest";
import { hostOf, keyOf } from "../../../../dtls/endpoint/addresses.ts";

test("an IPv4 host is its address, also on a socket for both families (D7)", () => {
  expect(hostOf("192.0.2.1")).toBe("192.0.2.1");
  expect(hostOf("::ffff:192.0.2.1")).toBe("192.0.2.1");
});

test("an IPv6 host is its /64: it takes addresses from that as it likes (D7)", () => {
  const host = hostOf("2001:db8:1:2::1");
  expect(hostOf("2001:db8:1:2:ffff:ffff:ffff:ffff")).toBe(host);
  expect(hostOf("2001:0db8:0001:0002::abcd:1")).toBe(host);
  expect(hostOf("2001:db8:1:3::1")).not.toBe(host);
  expect(hostOf("2001:db8:1::1")).not.toBe(host);
});

test("zeros that `::` stands for are zeros, wherever they are (D7)", () => {
  expect(hostOf("::1")).toBe("0:0:0:0::/64");
  expect(hostOf("2001:db8::")).toBe("2001:db8:0:0::/64");
  expect(hostOf("1:2:3:4:5:6:7::")).toBe("1:2:3:4::/64");
});

test("a link-local address is of its interface", () => {
  expect(hostOf("fe80::1%eth0")).not.toBe(hostOf("fe80::1%eth1"));
});

test("addresses have the same key when address and port are the same", () => {
  expect(keyOf({ address: "192.0.2.1", port: 1 })).toBe(keyOf({ address: "192.0.2.1", port: 1 }));
  expect(keyOf({ address: "192.0.2.1", port: 12 })).not.toBe(keyOf({ address: "192.0.2.11", port: 2 }));
});
