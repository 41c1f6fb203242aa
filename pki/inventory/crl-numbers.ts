import type { Database, Query } from "./database.ts";

/** A CRL's number and times, taken before it is signed. */
export interface CrlNumber {
  readonly issuerKeyId: string;
  readonly number: number;
  readonly thisUpdate: Date;
  readonly nextUpdate: Date;
}

/** A signed CRL as it was recorded. */
export interface StoredCrl extends CrlNumber {
  readonly der: Uint8Array;
}

interface CrlRow {
  number: number;
  this_update: number;
  next_update: number;
  der: Uint8Array;
}

/**
 * RFC 5280 §5.2.3: "a monotonically increasing sequence number for a given CRL scope and CRL issuer". The number is
 * taken in a transaction, so two processes never sign two lists under one number; the list itself is kept once it is
 * signed, so the newest one can always be told from an older one that was slower to be signed.
 */
export class CrlNumbers {
  readonly #database: Database;
  readonly #take: Query<{ number: number }>;
  readonly #store: Query<never>;
  readonly #forget: Query<never>;
  readonly #latest: Query<CrlRow>;

  constructor(database: Database) {
    this.#database = database;
    this.#take = database.query(
      `INSERT INTO crl_numbers SELECT ?, coalesce(max(number), 0) + 1, ?, ?, NULL
       FROM crl_numbers WHERE issuer_key_id = ? RETURNING number`,
    );
    this.#store = database.query("UPDATE crl_numbers SET der = ? WHERE issuer_key_id = ? AND number = ?");
    this.#forget = database.query("UPDATE crl_numbers SET der = NULL WHERE issuer_key_id = ? AND number < ?");
    this.#latest = database.query(
      `SELECT number, this_update, next_update, der FROM crl_numbers
       WHERE issuer_key_id = ? AND der IS NOT NULL ORDER BY number DESC LIMIT 1`,
    );
  }

  /** Takes the next number of this issuer. A number whose list is never signed stays unused. */
  take(issuerKeyId: string, thisUpdate: Date, nextUpdate: Date): CrlNumber {
    return this.#database.write(() => {
      const row = this.#take.get(issuerKeyId, thisUpdate.getTime(), nextUpdate.getTime(), issuerKeyId);
      if (row === undefined) throw new Error("unreachable: the statement returns the row it inserted");
      return { issuerKeyId, number: row.number, thisUpdate, nextUpdate };
    });
  }

  /** Keeps a signed list; older ones of the same issuer keep their number only. */
  store(crl: StoredCrl): void {
    this.#database.write(() => {
      const latest = this.latest(crl.issuerKeyId);
      if (latest !== undefined && latest.number > crl.number) return;
      this.#store.run(crl.der, crl.issuerKeyId, crl.number);
      this.#forget.run(crl.issuerKeyId, crl.number);
    });
  }

  /** The signed list with the highest number. */
  latest(issuerKeyId: string): StoredCrl | undefined {
    const row = this.#latest.get(issuerKeyId);
    if (row === undefined) return undefined;
    const { number, der } = row;
    return {
      issuerKeyId,
      number,
      thisUpdate: new Date(row.this_update),
      nextUpdate: new Date(row.next_update),
      der,
    };
  }
}
