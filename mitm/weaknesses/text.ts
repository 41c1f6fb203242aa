/** A check that a target may lack: what a broken verdict says, what to do about it, and what a weak twin is made of. */
export interface WeaknessText {
  /** "The certificate's validity period is not checked." */
  readonly what: string;
  /** No standard forbids it: it is a rule that a careful product sets itself, and another may have its reasons. */
  readonly policy?: true;
  /** What an engineer does about it: "Compare notBefore and notAfter with the clock, for each certificate of the path." */
  readonly remedy: string;
}
