/** Fixtures by kind and name, where each is written, and which of them nothing uses. */
import { closest, type Diagnostic, type Position } from '../../domain/diagnostics.ts'
import type { LoadedDocument } from '../../settings/document.ts'
import type {
  EnvironmentSpec,
  PolicyFixturesSpec,
  PrincipalSpec,
  ResourceFixtureSpec,
} from '../../settings/schemas/policy-fixtures.ts'

interface Specs {
  readonly principals: PrincipalSpec
  readonly resources: ResourceFixtureSpec
  readonly environments: EnvironmentSpec
}

/** The kinds of fixtures. */
export type FixtureKind = keyof Specs

const KINDS: readonly FixtureKind[] = ['principals', 'resources', 'environments']

interface Fixture {
  readonly spec: Specs[FixtureKind]
  readonly position: Position
  used: boolean
}

/** Fixtures of the shared files, or of one file of tests with the shared ones behind them. */
export class FixtureTable {
  readonly #fixtures = new Map<FixtureKind, Map<string, Fixture>>(
    KINDS.map((kind) => [kind, new Map<string, Fixture>()] as const),
  )
  readonly #shared: FixtureTable | undefined

  constructor(shared?: FixtureTable) {
    this.#shared = shared
  }

  /** Adds the fixtures of one file; a name that is taken is a finding, not a replacement. */
  add(document: LoadedDocument<Pick<PolicyFixturesSpec, FixtureKind>>): Diagnostic[] {
    return KINDS.flatMap((kind) =>
      Object.entries<Specs[FixtureKind]>(document.value[kind] ?? {}).flatMap(([name, spec]) => {
        const position = document.keyPositionOf([kind, name])
        const taken = this.#find(kind, name)
        if (taken !== undefined) return [fixtureTwice(kind, name, position, taken.position)]
        this.#fixtures.get(kind)?.set(name, { spec, position, used: false })
        return []
      }),
    )
  }

  /** The fixture of that name, which is then in use. */
  use<K extends FixtureKind>(kind: K, name: string): Specs[K] | undefined {
    const fixture = this.#find(kind, name)
    if (fixture === undefined) return undefined
    fixture.used = true
    return fixture.spec as Specs[K]
  }

  /** The name that was probably meant. */
  closestTo(kind: FixtureKind, name: string): string | undefined {
    return closest(name, this.#names(kind))
  }

  /** A warning for each fixture that {@link use} was never asked for. */
  unused(): Diagnostic[] {
    return KINDS.flatMap((kind) =>
      [...(this.#fixtures.get(kind) ?? [])]
        .filter(([, { used }]) => !used)
        .map(([name, { position }]) => ({
          ...position,
          severity: 'warning' as const,
          code: 'unused-fixture',
          message: `no test uses the ${singular(kind)} \`${name}\``,
          remedy: 'Remove it, or use it in a test.',
        })),
    )
  }

  #find(kind: FixtureKind, name: string): Fixture | undefined {
    const own = this.#fixtures.get(kind)?.get(name)
    return own ?? (this.#shared === undefined ? undefined : this.#shared.#find(kind, name))
  }

  #names(kind: FixtureKind): string[] {
    const shared = this.#shared === undefined ? [] : this.#shared.#names(kind)
    return [...(this.#fixtures.get(kind)?.keys() ?? []), ...shared]
  }
}

/** `principals` -> `principal`. */
export function singular(kind: FixtureKind): string {
  return kind.slice(0, -1)
}

function fixtureTwice(
  kind: FixtureKind,
  name: string,
  position: Position,
  first: Position,
): Diagnostic {
  return {
    ...position,
    severity: 'error',
    code: 'fixture-twice',
    message: `there is a ${singular(kind)} \`${name}\` already, in ${first.file}:${first.line}`,
    remedy: 'Give one of them another name, so that nobody mistakes one for the other.',
  }
}
