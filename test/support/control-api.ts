/**
 * The control API over a real socket, with a journal in memory and callers by name: `Bearer alice` is
 * alice. What each may do is given; everything else is the gateway's own.
 */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Person } from '../../gateway/access/person.ts'
import type { LedgerValue } from '../../gateway/domain/ports.ts'
import { refuse } from '../../gateway/domain/refusal.ts'
import { createControlApp } from '../../gateway/pap/control-app.ts'
import { problem } from '../../gateway/pap/problem.ts'
import type { ApiControl } from '../../gateway/pap/v1/api-control.ts'
import type { ApiParts } from '../../gateway/pap/v1/api-parts.ts'
import type { ApiCaller } from '../../gateway/pap/v1/api-caller.ts'
import { depsOf, type Given } from './elevation.ts'
import { createMemoryReplica, type MemoryReplica } from './memory-replica.ts'
import { NO_PRIVILEGES } from './privileges.ts'

/** Somebody who may call. */
export interface TestCaller {
  /** `read requests`, `admin locks`, …; `read` or `admin` alone is that of every area. */
  readonly may: readonly string[]
  readonly holds?: readonly string[]
  /** Person key without prefix; the name when absent, none when `null`. */
  readonly person?: string | null
}

/** An answer. */
export interface ApiAnswered {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  /** The document or problem; an empty object when there is none. */
  readonly json: Readonly<Record<string, unknown>>
}

/** What one call says. */
export interface ApiCalled {
  readonly as?: string | undefined
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
}

/** A running control API. */
export interface TestApi {
  readonly port: number
  readonly replica: MemoryReplica
  /** What was recorded before it was done, in order. */
  readonly noted: Readonly<Record<string, LedgerValue | undefined>>[]
  /** Milliseconds; rates go by it. */
  monotonic: number
  /** Whether records can be written. */
  recording: boolean
  readonly failures: unknown[]
  /** `GET /v1/state`, `POST /v1/requests`, … */
  call(line: string, called?: ApiCalled): Promise<ApiAnswered>
  close(): Promise<void>
}

/** The person behind the caller of this name. */
export function testPerson(name: string, { holds = [], person }: TestCaller): Person | undefined {
  return person === null
    ? undefined
    : { person: `person:${person ?? name}`, id: `user:dev/${name}`, holds }
}

/** The parts of a control API whose rules of approval are `rules`. */
export function partsOf(
  given: Given & { readonly twoToLift?: boolean },
): Pick<ApiParts, 'elevation' | 'secondPersonToLift'> {
  const deps = depsOf(given)
  return { elevation: () => deps, secondPersonToLift: given.twoToLift === true }
}

/** Starts one. */
export async function startControlApi(
  callers: Readonly<Record<string, TestCaller>>,
  more: (replica: MemoryReplica) => Partial<ApiParts>,
): Promise<TestApi> {
  const replica = createMemoryReplica()
  const noted: TestApi['noted'] = []
  const failures: unknown[] = []
  const own = { monotonic: 0, recording: true }
  let calls = 0
  const control: ApiControl = {
    hosts: [],
    clock: { now: () => replica.time, monotonicMs: () => own.monotonic },
    replica,
    parts: {
      ...partsOf({}),
      privileges: NO_PRIVILEGES,
      names: {
        issuers: [{ name: 'dev' }],
        upstreams: [{ name: 'llm' }],
        isRole: () => true,
        isModelName: () => true,
        isVersion: () => true,
      },
      run: (command) => replica.run(command),
      ...more(replica),
    },
    authorize({ authorization, action, area }) {
      const name = (authorization ?? '').replace('Bearer ', '')
      const caller = callers[name]
      if (caller === undefined) return Promise.resolve(refuse('authn_missing'))
      const made = callerOf(`decision-${++calls}`, name, { ...caller, time: replica.time })
      return Promise.resolve(made.may(action, area) ? made : refuse('no_rule'))
    },
    challenge: () => 'Bearer realm="modelgate"',
    note(caller, fields) {
      if (!own.recording) return Promise.resolve(problem('audit_unavailable'))
      noted.push({ id: caller.id, sub: caller.subject.id, ...fields })
      return Promise.resolve(undefined)
    },
    failed: (error) => void failures.push(error),
  }
  const server = createServer(
    createControlApp({
      metrics: () => Promise.resolve({ contentType: 'text/plain', text: '' }),
      unreadiness: () => [],
      assertionKeys: () => ({ keys: [] }),
      api: control,
    }),
  )
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return Object.assign(own, {
    port,
    replica,
    noted,
    failures,
    call: (line: string, called: ApiCalled = {}) => call(port, line, called),
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  })
}

function callerOf(id: string, name: string, caller: TestCaller & { time: number }): ApiCaller {
  const { may, holds = [], time } = caller
  return {
    id,
    subject: {
      id: `user:dev/${name}`,
      issuer: 'https://issuer.example',
      issuerName: 'dev',
      groups: holds.filter((one) => one.startsWith('group:')),
      roles: holds.filter((one) => one.startsWith('role:')),
      issuedAt: time,
      expiresAt: time + 600_000,
      authentication: {},
      claims: new Map(),
    },
    person: testPerson(name, caller),
    environment: { now: time, client: { ip: '127.0.0.1', source: 'peer' } },
    may: (action, area) => may.includes(action) || may.includes(`${action} ${area}`),
  }
}

async function call(port: number, line: string, called: ApiCalled): Promise<ApiAnswered> {
  const [method = '', path = ''] = line.split(' ')
  const { as, body, headers = {} } = called
  const response = await fetch(`http://127.0.0.1:${port}${path}`, {
    method,
    headers: {
      ...(as === undefined ? {} : { authorization: `Bearer ${as}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  const text = await response.text()
  const isJson = response.headers.get('content-type')?.includes('json') === true && text !== ''
  const json = isJson ? (JSON.parse(text) as Record<string, unknown>) : {}
  return { status: response.status, headers: response.headers, text, json }
}
