/** A key that no other command has: what makes a repeated command happen once. */
export function randomKey(): string {
  return crypto.randomUUID();
}
