/**
 * Rules that change many times a second under load: two sets, A and B, each consistent in itself and
 * the opposite of the other, so that a decision under a mixture of them cannot look right.
 */
import { cp, readFile, rename, symlink, writeFile } from 'node:fs/promises'
import { closeSync, openSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { readRuleFiles } from '../../gateway/assembly/rule-files.ts'
import { startBuiltWorld, type BuiltWorld } from './built-gateway.ts'
import { buildRequest, runLoad } from './load.ts'
import { until, type WorldRecord } from './world-files.ts'

/**
 * How the files are changed: the swap of a link to all of them, the renaming of one over another, or
 * in place, several files one after the other.
 */
export type StormVariant = 'rename' | 'symlink' | 'in-place'

/** A storm. */
export interface StormOptions {
  readonly variant: StormVariant
  readonly seconds: number
  readonly changesPerSecond: number
  readonly requestsPerSecond: number
}

/** What came of it. */
export interface StormReport {
  readonly variant: StormVariant
  readonly seconds: number
  /** Times that the files were changed. */
  readonly changes: number
  /** Times that a set came into force. */
  readonly reloads: number
  /** Reloads that were refused. */
  readonly refused: number
  /** Decisions by the revision they name. */
  readonly decisions: { readonly a: number; readonly b: number }
  /** Decisions that the revision they name does not explain, or that name neither. */
  readonly wrong: number
  /** Answers by status, as the clients saw them. */
  readonly statuses: Readonly<Record<string, number>>
  /** The longest that files were left half-written, milliseconds. */
  readonly longestWriteMs: number
}

type SetName = 'a' | 'b'

const other = (name: SetName): SetName => (name === 'a' ? 'b' : 'a')

/** Permits the model of its own name and denies the other one, by a pair of rows. */
const policyOf = (name: SetName): string =>
  [
    `# rule set ${name}`,
    'p, role:inference, infer, model:a, always, allow',
    'p, role:inference, infer, model:b, always, allow',
    `p, role:inference, infer, model:${other(name)}, always, deny`,
    '',
  ].join('\n')

/** Runs one storm against a gateway of its own. */
export async function runStorm(options: StormOptions): Promise<StormReport> {
  const world = await startBuiltWorld({
    policy: policyOf('a'),
    config: { rules: { dir: 'rules', poll: '500ms' }, log: { level: 'info' } },
  })
  try {
    const sets = await prepareSets(world, options.variant)
    await until('set a in force', () => isInForce(world, sets.a), 15_000)
    const before = (await world.records()).length
    const token = await world.token(['inference'])
    const headers = [`Authorization: Bearer ${token}`, 'Content-Type: application/json']
    const requests = ['a', 'b'].map((model) =>
      buildRequest(`${world.url}/v2/models/${model}/infer`, {
        method: 'POST',
        headers,
        body: '{"inputs":[]}',
      }),
    )
    const { seconds, requestsPerSecond: rate } = options
    const stop = new AbortController()
    const changing = change(world, options, stop.signal)
    const load = await runLoad({ port: world.dataPort, requests, connections: 8, seconds, rate })
    stop.abort()
    const { changes, longestWriteMs, last } = await changing
    // What the files say in the end must be what is enforced in the end.
    await until(`set ${last} in force`, () => isInForce(world, sets[last]), 15_000)
    const seen = { changes, longestWriteMs, statuses: load.statuses }
    return judge((await world.records()).slice(before), sets, { ...options, ...seen })
  } finally {
    await world.close()
  }
}

async function isInForce(world: BuiltWorld, revision: string): Promise<boolean> {
  const page = await (await fetch(`${world.controlUrl}/readyz`)).text()
  return page.includes(revision)
}

/** The revision of each set; the folder is left with set A in it, as the variant has it. */
async function prepareSets(
  world: BuiltWorld,
  variant: StormVariant,
): Promise<Readonly<Record<SetName, string>>> {
  const { rulesDir, dir } = world
  const folder = (name: SetName): string => join(dir, `set-${name}`)
  for (const name of ['a', 'b'] as const) {
    await cp(rulesDir, folder(name), { recursive: true })
    await writeFile(join(folder(name), 'policy.csv'), policyOf(name))
    const conditions = await readFile(join(rulesDir, 'conditions.yaml'), 'utf8')
    // Several files that are renamed one by one are no set for as long as that takes.
    const note = variant === 'rename' ? '' : `# rule set ${name}\n`
    await writeFile(join(folder(name), 'conditions.yaml'), note + conditions)
  }
  for (const file of ['policy.csv', 'conditions.yaml']) {
    await cp(join(folder('a'), file), join(rulesDir, file))
  }
  if (variant === 'symlink') {
    await symlink('../set-a', join(rulesDir, '..data'))
    for (const file of ['policy.csv', 'conditions.yaml']) {
      await symlink(join('..data', file), join(rulesDir, `${file}.link`))
      await rename(join(rulesDir, `${file}.link`), join(rulesDir, file))
    }
  }
  return { a: await revisionOf(folder('a')), b: await revisionOf(folder('b')) }
}

async function revisionOf(dir: string): Promise<string> {
  const files = await readRuleFiles(dir)
  if (!files.ok) throw new Error('a set of the storm cannot be read')
  return files.value.revision
}

async function change(
  world: BuiltWorld,
  { variant, changesPerSecond }: StormOptions,
  signal: AbortSignal,
): Promise<{ changes: number; longestWriteMs: number; last: SetName }> {
  let changes = 0
  let longestWriteMs = 0
  let last: SetName = 'b'
  while (!signal.aborted || changes < 2) {
    const startedMs = performance.now()
    last = other(last)
    if (variant === 'symlink') await swapLink(world, last, changes)
    else await writeSet(world, last, variant)
    longestWriteMs = Math.max(longestWriteMs, performance.now() - startedMs)
    changes += 1
    // Asked for at once, on top of what the files say by themselves.
    if (changes % 4 === 0) world.signal('SIGHUP')
    // Uneven gaps: short ones come before the gateway has looked, long ones let it settle.
    // An odd number, so that either set comes before a long gap in turn.
    const beats = changes % 7 === 0 ? 8 : 0.3
    await pause(Math.max(1, (beats * 1000) / changesPerSecond))
  }
  return { changes, longestWriteMs, last }
}

async function swapLink({ rulesDir }: BuiltWorld, name: SetName, count: number): Promise<void> {
  const link = join(rulesDir, `..data_${count}`)
  await symlink(`../set-${name}`, link)
  await rename(link, join(rulesDir, '..data'))
}

async function writeSet(world: BuiltWorld, name: SetName, variant: StormVariant): Promise<void> {
  const changed = variant === 'rename' ? ['policy.csv'] : ['policy.csv', 'conditions.yaml']
  for (const file of changed) {
    const text = await readFile(join(world.dir, `set-${name}`, file), 'utf8')
    if (variant === 'in-place') truncateAndWrite(join(world.rulesDir, file), text)
    else {
      await writeFile(join(world.rulesDir, `.${file}.new`), text)
      await rename(join(world.rulesDir, `.${file}.new`), join(world.rulesDir, file))
    }
  }
}

/** As an editor does that knows no better: the file is empty, then half, each for some milliseconds. */
function truncateAndWrite(path: string, text: string): void {
  const rows = text.split('\n')
  const half = Math.ceil(rows.length / 2)
  const file = openSync(path, 'w')
  for (const part of [rows.slice(0, half), rows.slice(half)]) {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2)
    writeSync(file, part.join('\n') + (part.at(-1) === '' ? '' : '\n'))
  }
  closeSync(file)
}

function judge(
  records: readonly WorldRecord[],
  sets: Readonly<Record<SetName, string>>,
  seen: StormOptions & Pick<StormReport, 'changes' | 'longestWriteMs' | 'statuses'>,
): StormReport {
  const counts = { a: 0, b: 0 }
  let wrong = 0
  for (const record of records) {
    if (record.type !== 'decision') continue
    const model = modelIn(record)
    const name = (['a', 'b'] as const).find((one) => sets[one] === record['pol'])
    if (name !== undefined) counts[name] += 1
    const expected = name === model ? 'permit' : 'deny'
    if (name === undefined || record.effect !== expected) wrong += 1
  }
  const count = (type: string): number => records.filter((one) => one.type === type).length
  return {
    variant: seen.variant,
    seconds: seen.seconds,
    changes: seen.changes,
    reloads: count('policy.changed'),
    refused: count('policy.refused'),
    decisions: counts,
    wrong,
    statuses: seen.statuses,
    longestWriteMs: Math.round(seen.longestWriteMs),
  }
}

function modelIn(record: WorldRecord): string {
  const [operation] = record['ops'] as readonly { readonly res: string }[]
  return operation?.res.replace('model:', '') ?? ''
}
