import { badFinishedToDevice } from "./bad-finished.ts";

export default badFinishedToDevice("P-19h", "TLS 1.2", "truncated");
