import { fixed, struct, type TypeOf } from "./presentation.ts";

/**
 * RFC 5246 §7.4.9; 12 bytes in every suite that is defined here.
 *     struct {
 *       opaque verify_data[verify_data_length];
 *     } Finished;
 */
export const Finished = struct({ verifyData: fixed(12) });
export type Finished = TypeOf<typeof Finished>;
