/**
 * The rules of docs/recipes/, as a gateway is started with them: each role as written, and once more
 * without each of its rows. What is documented is what is proven.
 */
import { appendFile, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from '@jest/globals'
import { PROJECT } from '../build.ts'
import type { Outcome } from './client.ts'
import { RESULTS_FILE } from './processes.ts'

/** The rules of one page. */
export interface Recipe {
  /** Rows of policy.csv for all roles and their shortened forms. */
  readonly policy: string
  /** Every role that the policy names, for the issuer. */
  readonly roles: readonly string[]
  /** The rows of a role, as they are written. */
  rowsOf(role: string): readonly string[]
}

/** The `csv` blocks of docs/recipes/<page>.md. */
export async function readRecipe(page: string): Promise<Recipe> {
  const text = await readFile(join(PROJECT, 'docs/recipes', `${page}.md`), 'utf8')
  const blocks = [...text.matchAll(/^```csv\n([^]*?)^```$/gm)].map(([, block = '']) => block)
  const byRole = new Map<string, string[]>()
  for (const line of blocks.join('').split('\n')) {
    const role = /^p, role:([a-z-]+),/.exec(line)?.[1]
    if (role !== undefined) byRole.set(role, [...(byRole.get(role) ?? []), line])
  }
  const policies = [...byRole].map(([role, rows]) => [
    ...rows,
    ...rows.flatMap((_, left) =>
      rows
        .filter((__, index) => index !== left)
        .map((row) => row.replace(`role:${role},`, `role:${role}-without-${left},`)),
    ),
  ])
  const roles = [...byRole].flatMap(([role, rows]) => [
    role,
    ...rows.map((_, left) => `${role}-without-${left}`),
  ])
  return {
    policy: `${policies.flat().join('\n')}\n`,
    roles,
    rowsOf: (role) => byRole.get(role) ?? [],
  }
}

/** What is proven of one flow. */
export interface Proof {
  readonly server: string
  readonly client: string
  readonly flow: string
  readonly recipe: Recipe
  readonly role: string
  token(roles: readonly string[]): Promise<string>
  /** Does the flow; `attempt` is different for each, for names that must be new. */
  run(token: string, attempt: string): Promise<Outcome>
  /** What the client shows of a refusal; our reason and remedy when absent. */
  readonly refusal?: RegExp
}

const REASON_AND_REMEDY =
  /No rule gives you the action \S+ on this \w+\. Ask its owner|No rule allows this\. Ask the owner/

/**
 * Proves that a flow works with the rules of its role, and that with any one of them left out it
 * fails, in words that tell the reader of the client's error why and what to do.
 */
export async function prove(proof: Proof): Promise<void> {
  const { recipe, role, flow, refusal = REASON_AND_REMEDY } = proof
  const rows = recipe.rowsOf(role)
  expect(rows.length).toBeGreaterThan(0)
  const whole = await proof.run(await proof.token([role]), `${flow}-whole`)
  // Shows what the client said when it fails.
  expect(whole.ok ? '' : whole.text).toBe('')
  for (const [left, row] of rows.entries()) {
    const token = await proof.token([`${role}-without-${left}`])
    const outcome = await proof.run(token, `${flow}-${left}`)
    expect({ row, ...outcome }).toMatchObject({ ok: false, row })
    expect(`${row}\n${outcome.text}`).toMatch(refusal)
  }
  const said = rows.map((row) => {
    const [, , action = '', resource = ''] = row.split(',').map((cell) => cell.trim())
    return `${action} ${resource}`
  })
  await report(proof, said.join(', '), `works; each of ${rows.length} is needed`)
}

/** Adds a row to the table that is printed at the end. */
export async function report(
  { server, client, flow }: Pick<Proof, 'server' | 'client' | 'flow'>,
  permissions: string,
  result: string,
): Promise<void> {
  await appendFile(RESULTS_FILE, `${JSON.stringify([server, client, flow, permissions, result])}\n`)
}
