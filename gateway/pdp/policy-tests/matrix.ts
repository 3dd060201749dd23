/** Spells out the matrix of one test: a case for each principal, resource, action and environment. */
import type { Position } from '../../domain/diagnostics.ts'
import { ACTIONS, type Action } from '../../domain/vocabulary.ts'
import type {
  EnvironmentSpec,
  PrincipalSpec,
  ResourceFixtureSpec,
} from '../../settings/schemas/policy-fixtures.ts'
import type { OutcomeSpec, PolicyTestSpec } from '../../settings/schemas/policy-tests.ts'
import { outcomeFrom, outcomeProblem } from './expectation.ts'
import { singular, type FixtureKind, type FixtureTable } from './fixture-table.ts'
import { attributesFrom, environmentFrom, resourceFrom, subjectFrom } from './fixtures.ts'
import { meant, type Said } from './said.ts'
import type { ExpectedOutcome, PolicyCase } from './suite.ts'

/** Far above any matrix that a person wrote on purpose (I17). */
const CASES_MAX = 100_000

type Path = readonly (string | number)[]

/** What {@link expandTest} looks things up in, and tells what is wrong. */
export interface ExpansionContext {
  readonly table: FixtureTable
  /** The time that the file pins. */
  readonly now: number | undefined
  readonly report: (code: string, at: Path, said: Said) => void
  readonly positionOf: (at: Path) => Position
}

interface Named<T> {
  readonly name: string
  readonly spec: T
}

interface Axes {
  readonly principals: readonly Named<PrincipalSpec>[]
  readonly resources: readonly Named<ResourceFixtureSpec>[]
  /** One without a name where the test names none. */
  readonly environments: readonly { readonly name?: string; readonly spec: EnvironmentSpec }[]
  readonly actions: readonly Action[]
}

interface Listed {
  readonly outcome: ExpectedOutcome
  readonly position: Position
}

/** The cases of `spec`; what is wrong with it is reported, and then they are not to be run. */
export function expandTest(spec: PolicyTestSpec, context: ExpansionContext): PolicyCase[] {
  const axes = axesOf(spec, context)
  const count =
    axes.principals.length * axes.resources.length * axes.environments.length * axes.actions.length
  if (count > CASES_MAX) {
    const message = `this matrix has ${count} cases; at most ${CASES_MAX} are run`
    context.report('too-many-cases', ['input'], { message, remedy: 'Split the test.' })
    return []
  }
  const listed = listExpectations(spec, axes, context)
  return casesOf(spec, axes, listed, context)
}

function axesOf(spec: PolicyTestSpec, context: ExpansionContext): Axes {
  const { principals, resources, environments, actions } = spec.input
  const all = actions === 'all' ? ACTIONS : actions
  reportRepeated(all, 'actions', context)
  return {
    principals: resolve('principals', principals, context),
    resources: resolve('resources', resources, context),
    environments:
      environments === undefined ? [{ spec: {} }] : resolve('environments', environments, context),
    actions: all,
  }
}

function resolve<K extends FixtureKind>(
  kind: K,
  names: readonly string[],
  { table, report, ...context }: ExpansionContext,
) {
  reportRepeated(names, kind, { table, report, ...context })
  return names.flatMap((name, i) => {
    const spec = table.use(kind, name)
    if (spec !== undefined) return [{ name, spec }]
    const near = table.closestTo(kind, name)
    report(`unknown-${singular(kind)}`, ['input', kind, i], {
      message: `there is no ${singular(kind)} \`${name}\``,
      remedy:
        near === undefined
          ? `Write it under \`${kind}\` of this file or of a file in testdata/.`
          : `Did you mean \`${near}\`?`,
    })
    return []
  })
}

function reportRepeated(names: readonly string[], key: string, { report }: ExpansionContext): void {
  names.forEach((name, i) => {
    if (names.indexOf(name) === i) return
    const message = `\`${name}\` is in this list twice`
    report('listed-twice', ['input', key, i], { message, remedy: 'Remove one of the two.' })
  })
}

/** The expectations by the case they are about; each must be about cases that exist. */
function listExpectations(
  spec: PolicyTestSpec,
  axes: Axes,
  context: ExpansionContext,
): Map<string, Listed> {
  const listed = new Map<string, Listed>()
  for (const [i, expectation] of (spec.expected ?? []).entries()) {
    const at = ['expected', i]
    const covered = {
      principals: covering(expectation.principal, axes.principals, [...at, 'principal'], context),
      resources: covering(expectation.resource, axes.resources, [...at, 'resource'], context),
      environments:
        expectation.environment === undefined
          ? axes.environments.map(({ name }) => name)
          : covering(expectation.environment, axes.environments, [...at, 'environment'], context),
    }
    for (const [action, outcome] of Object.entries(expectation.actions)) {
      const path = [...at, 'actions', action]
      if (!reportUncovered(action, axes.actions, path, context)) continue
      const found = listedFrom(outcome, path, context)
      for (const cell of cellsOf(covered, action)) {
        if (listed.has(cell)) context.report('expected-twice', path, TWICE)
        listed.set(cell, found)
      }
    }
  }
  return listed
}

const TWICE: Said = {
  message: 'this case is expected twice',
  remedy: 'Say once what each case must come to.',
}

function listedFrom(outcome: OutcomeSpec, path: Path, context: ExpansionContext): Listed {
  const problem = outcomeProblem(outcome)
  if (problem !== undefined) context.report('expected-wrong', path, problem)
  return { outcome: outcomeFrom(outcome), position: context.positionOf(path) }
}

function covering(
  written: string | readonly string[],
  axis: readonly { readonly name?: string }[],
  path: Path,
  context: ExpansionContext,
): readonly string[] {
  const known = axis.flatMap(({ name }) => (name === undefined ? [] : [name]))
  const names = typeof written === 'string' ? [written] : written
  return names.filter((name, i) =>
    reportUncovered(name, known, typeof written === 'string' ? path : [...path, i], context),
  )
}

/** An expectation about something outside the matrix would never be looked at. */
function reportUncovered(
  name: string,
  known: readonly string[],
  path: Path,
  { report }: ExpansionContext,
): boolean {
  if (known.includes(name)) return true
  report('expected-not-covered', path, {
    message: `the input of this test has no \`${name}\`, so that this is never looked at`,
    remedy: meant(name, known, 'Add it to the input, or remove the expectation.'),
  })
  return false
}

function cellsOf(
  covered: {
    readonly principals: readonly string[]
    readonly resources: readonly string[]
    readonly environments: readonly (string | undefined)[]
  },
  action: string,
): string[] {
  return covered.principals.flatMap((principal) =>
    covered.resources.flatMap((resource) =>
      covered.environments.map((name) => cellKey(principal, resource, name, action)),
    ),
  )
}

/** JSON, because names are free text: no two cells share a key (I9). */
function cellKey(
  principal: string,
  resource: string,
  environment: string | undefined,
  action: string,
): string {
  return JSON.stringify([principal, resource, environment ?? null, action])
}

function casesOf(
  spec: PolicyTestSpec,
  axes: Axes,
  listed: ReadonlyMap<string, Listed>,
  context: ExpansionContext,
): PolicyCase[] {
  const unlisted: Listed = {
    outcome: { effect: 'refused' },
    position: context.positionOf(['name']),
  }
  return axes.environments.flatMap((environment) => {
    const now = environment.spec.now ?? spec.options?.now ?? context.now
    if (now === undefined) {
      context.report('now-missing', ['name'], NOW_MISSING)
      return []
    }
    return axes.principals.flatMap((principal) => {
      const subject = subjectFrom(principal.name, principal.spec, now)
      const facts = environmentFrom(environment.spec, subject, now)
      return axes.resources.flatMap((resource) =>
        axes.actions.map((action): PolicyCase => {
          const key = cellKey(principal.name, resource.name, environment.name, action)
          const { outcome, position } = listed.get(key) ?? unlisted
          return {
            principal: principal.name,
            resourceName: resource.name,
            ...(environment.name !== undefined && { environmentName: environment.name }),
            subject,
            action,
            resource: resourceFrom(resource.spec),
            attributes: attributesFrom(resource.spec),
            environment: facts,
            expected: outcome,
            position,
          }
        }),
      )
    })
  })
}

const NOW_MISSING: Said = {
  message: 'nothing says at what time this happens, so that it would pass or fail with the clock',
  remedy: 'Write `options: { now: 2026-11-04T10:00:00Z }` in the file or in the test.',
}
