import fc from "fast-check";
import { expect, test } from "vitest";
import { withoutPlaintextData } from "../../../device-client/plaintext-data.ts";

function record(type: number, epoch: number, fragment: string): Buffer {
  const header = Buffer.from([type, 0xfe, 0xfd, 0, epoch, 0, 0, 0, 0, 0, 1, 0, fragment.length]);
  return Buffer.concat([header, Buffer.from(fragment)]);
}

const handshake = record(22, 0, "a handshake message");
const forged = record(23, 0, "what anybody can send");
const sealed = record(23, 1, "sealed");

test.each([
  ["handshake records of epoch 0 stay", [handshake], [handshake]],
  ["application data of epoch 0 goes", [forged], []],
  ["application data of epoch 1 stays", [sealed], [sealed]],
  ["what stands around it stays", [handshake, forged, sealed, forged], [handshake, sealed]],
  [
    "a record that is cut off goes, with what it would have been",
    [handshake, forged.subarray(0, 20)],
    [handshake],
  ],
  ["less than a header goes", [Buffer.alloc(12, 22)], []],
])("%s", (_title, datagram, left) => {
  expect(withoutPlaintextData(Buffer.concat(datagram))).toEqual(Buffer.concat(left));
});

test("whatever the datagram is, no application data of epoch 0 is left in it", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      const left = withoutPlaintextData(Buffer.from(bytes));
      expect(left.length).toBeLessThanOrEqual(bytes.length);
      for (let offset = 0; offset < left.length; offset += 13 + left.readUInt16BE(offset + 11)) {
        expect([left[offset], left.readUInt16BE(offset + 3)]).not.toEqual([23, 0]);
      }
    }),
  );
});
