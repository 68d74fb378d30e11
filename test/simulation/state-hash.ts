// The fingerprint of a run: folds every step of every reducer and every row that the control plane writes. Two runs of
// one seed that differ anywhere differ here.

export class RunHash {
  #a = 0x811c9dc5;
  #b = 0x9747b28c;
  #steps = 0;

  get steps(): number {
    return this.#steps;
  }

  fold(...facts: readonly (string | number)[]): void {
    this.#steps += 1;
    for (const fact of facts) {
      if (typeof fact === 'number') this.#mixNumber(fact);
      else for (let at = 0; at < fact.length; at += 1) this.#mix(fact.charCodeAt(at));
      this.#mix(0x1f);
    }
  }

  /** 16 hexadecimal digits. */
  digest(): string {
    return [this.#a, this.#b].map((half) => (half >>> 0).toString(16).padStart(8, '0')).join('');
  }

  #mixNumber(value: number): void {
    const milli = Math.round(value * 1000);
    this.#mix(milli | 0);
    this.#mix(Math.floor(milli / 4_294_967_296) | 0);
  }

  #mix(value: number): void {
    this.#a = Math.imul(this.#a ^ value, 0x01000193);
    this.#b = Math.imul(this.#b ^ value ^ (this.#a >>> 7), 0x85ebca6b);
  }
}
