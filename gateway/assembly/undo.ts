/** What is taken back when a start fails on the way. */

/** Takes back one step of a start that failed later. */
export type Undo = () => unknown

/**
 * Takes back `steps`, the last one first. What cannot be taken back keeps nothing else open, and does
 * not hide why the start failed: never rejects.
 */
export async function undone(steps: readonly Undo[]): Promise<void> {
  for (const step of steps.toReversed()) {
    try {
      await step()
    } catch {
      // Told is the failure that all of this follows from.
    }
  }
}
