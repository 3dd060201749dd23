import type { Person } from '../../access/person.ts'
import type { Environment } from '../../domain/access.ts'
import type { Subject } from '../../domain/subject.ts'
import type { ApiArea } from './api-areas.ts'

/** Whoever was let in. */
export interface ApiCaller {
  /** Id under which everything this call does is recorded. */
  readonly id: string
  readonly subject: Subject
  /** Absent when the token does not say which person it is. */
  readonly person: Person | undefined
  /** Of this call, for conditions that an approver must meet. */
  readonly environment: Environment
  /** Whether the rules in force permit this too, in the environment of this call; never throws. */
  readonly may: (action: 'read' | 'admin', area: ApiArea) => boolean
}
