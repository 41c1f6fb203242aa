import type { CommonSettings } from "../association/settings.ts";

/** RFC 5246 §6.2.1: the largest plaintext of a record. */
export const largestPlaintext = 2 ** 14;

/** RFC 6066 §4: what the codes of max_fragment_length stand for. */
const fragmentLengths: ReadonlyMap<number, number> = new Map([
  [1, 512],
  [2, 1024],
  [3, 2048],
  [4, 4096],
]);

export function fragmentLengthOf(code: number | undefined): number | undefined {
  return code === undefined ? undefined : fragmentLengths.get(code);
}

export function codeOfFragmentLength(length: number | undefined): number | undefined {
  for (const [code, known] of fragmentLengths) if (known === length) return code;
  return undefined;
}

export interface RecordLimits {
  readonly sendLimit: number;
  readonly receiveLimit: number;
  readonly maxFragmentLength: number | undefined;
}

/**
 * RFC 8449 §4, §5: each side's record_size_limit bounds what the other sends, and where both extensions are
 * negotiated record_size_limit alone counts; RFC 6066 §4: max_fragment_length bounds both directions.
 */
export function recordLimits(
  settings: CommonSettings,
  negotiated: {
    readonly peerRecordSizeLimit: number | undefined;
    readonly maxFragmentLength: number | undefined;
  },
): RecordLimits {
  const { peerRecordSizeLimit, maxFragmentLength } = negotiated;
  if (peerRecordSizeLimit !== undefined) {
    return {
      sendLimit: Math.min(peerRecordSizeLimit, largestPlaintext),
      receiveLimit: settings.recordSizeLimit ?? largestPlaintext,
      maxFragmentLength: undefined,
    };
  }
  const limit = maxFragmentLength ?? largestPlaintext;
  return { sendLimit: limit, receiveLimit: limit, maxFragmentLength };
}
