import { badFinishedToDevice } from "./bad-finished.ts";

export default badFinishedToDevice("P-19f", "TLS 1.3", "truncated");
