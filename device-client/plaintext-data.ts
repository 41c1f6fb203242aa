/** RFC 6347 §4.1: content type 1, version 2, epoch 2, sequence number 6, length 2. */
const headerBytes = 13;
/** RFC 5246 §6.2.1 */
const applicationData = 23;

/**
 * A datagram without the records that claim to be application data and are not protected (epoch 0): anybody can send
 * them. What follows a record that is cut off is left out with it.
 */
export function withoutPlaintextData(datagram: Buffer): Buffer {
  const kept: Buffer[] = [];
  for (let offset = 0; offset + headerBytes <= datagram.length; ) {
    const end = offset + headerBytes + datagram.readUInt16BE(offset + 11);
    if (end > datagram.length) break;
    const unprotected = datagram.readUInt16BE(offset + 3) === 0;
    if (!(unprotected && datagram[offset] === applicationData)) kept.push(datagram.subarray(offset, end));
    offset = end;
  }
  return Buffer.concat(kept);
}
