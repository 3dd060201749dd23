/** Which versions of Redis will do. */

/** The first versions in which CVE-2025-49844 (use after free in Lua) is repaired, by release. */
const REPAIRED = ['6.2.20', '7.2.11', '7.4.6', '8.0.4', '8.2.2'] as const

/** Scripts that ask for the time and write need 5; 6.2 is the oldest that is still repaired. */
const FLOOR = '6.2.0'
/** The oldest that the tests are run with. */
const TESTED = '7.0.0'

/** What is to be said of a version; one that Redis does not tell passes. */
export function judgeVersion(version: string | undefined): {
  readonly refused: boolean
  readonly warning?: string
} {
  if (version === undefined) return { refused: false }
  if (isBefore(version, FLOOR)) {
    return { refused: true, warning: `Redis ${version} is too old: ${FLOOR} or later is needed` }
  }
  if (isBefore(version, TESTED)) {
    return { refused: false, warning: `Redis ${version} is older than 7, which is tested` }
  }
  if (!isRepaired(version)) {
    const warning =
      `Redis ${version} has CVE-2025-49844, unless who built it repaired it: ` +
      `${REPAIRED.join(', ')} or later of each release have the repair`
    return { refused: false, warning }
  }
  return { refused: false }
}

function isRepaired(version: string): boolean {
  const release = version.split('.', 2).join('.')
  const same = REPAIRED.find((one) => one.startsWith(`${release}.`))
  return same === undefined ? !isBefore(version, '8.2.2') : !isBefore(version, same)
}

function isBefore(a: string, b: string): boolean {
  const [left, right] = [numbers(a), numbers(b)]
  const index = left.findIndex((value, i) => value !== right[i])
  return index >= 0 && (left[index] ?? 0) < (right[index] ?? 0)
}

function numbers(version: string): number[] {
  return [...version.split('.', 3), '0', '0']
    .slice(0, 3)
    .map((part) => Number.parseInt(part, 10) || 0)
}
