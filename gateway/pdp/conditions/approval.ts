/**
 * Kind `approval`: a number of people have approved this. Approvals reach a decision as attributes,
 * and no attribute source supplies them in this version, so that the condition is always unknown:
 * what needs an approval is refused, and what is denied without one stays denied.
 */
import { unknown, type Test } from './condition.ts'

const NONE = unknown('no approval is on record')

/** Compiles an `approval` condition. */
export function approvalTest(): Test {
  return () => NONE
}
