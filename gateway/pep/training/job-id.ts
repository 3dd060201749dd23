/** The id of a job in an answer. */

const ID_MAX = 256

/** The text or whole number behind `names`; `undefined` when there is none that can be an id. */
export function jobIn(answer: Buffer | undefined, names: readonly string[]): string | undefined {
  let value = parsed(answer)
  for (const name of names) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined
    value = (value as Readonly<Record<string, unknown>>)[name]
  }
  return idOf(value)
}

function parsed(answer: Buffer | undefined): unknown {
  try {
    return JSON.parse(answer?.toString('utf8') ?? '')
  } catch {
    // An answer that cannot be read names no job.
    return undefined
  }
}

function idOf(value: unknown): string | undefined {
  if (typeof value === 'number' && Number.isSafeInteger(value)) return `${value}`
  const isId = typeof value === 'string' && value.length <= ID_MAX && ID.test(value)
  return isId ? value : undefined
}

/** What can be compared and shown as it is. */
const ID = /^[A-Za-z0-9][A-Za-z0-9._:/-]*$/
