/** Words that options take are those that the control API takes. */
import { describe, expect, it } from '@jest/globals'
import { z } from 'zod'
import { TARGET_KINDS } from '../../../gateway/cli/control/lock-target.ts'
import * as words from '../../../gateway/cli/control/words.ts'
import { API_BODIES, API_QUERIES } from '../../../gateway/settings/schemas/api.ts'
import { inProcess } from '../../support/cli.ts'

/** The words of every enumeration of a schema. */
function enumsOf(schema: z.ZodType): string[][] {
  const found: string[][] = []
  JSON.stringify(z.toJSONSchema(schema, { io: 'input' }), (key, value: unknown) => {
    if (key === 'enum' && Array.isArray(value)) found.push(value as string[])
    if (key === 'const') found.push([String(value)])
    return value
  })
  return found
}

describe('the words of the command line', () => {
  it.each([
    ['requests', words.REQUEST_STATUSES],
    ['grants', words.GRANT_STATUSES],
    ['locks', words.LOCK_STATUSES],
    ['versions', words.VERSION_STATUSES],
    ['reviewLines', words.LINE_STATUSES],
  ] as const)('are those of %s', (name, list) => {
    expect(Object.keys(API_QUERIES)).toContain(name)
    expect(enumsOf(API_QUERIES[name])).toContainEqual([...list])
  })

  it('are those of targets and scopes', () => {
    const kinds = enumsOf(API_BODIES.lock.shape.target).flat()
    expect([...TARGET_KINDS].sort()).toEqual([...new Set(kinds)].sort())
    expect(enumsOf(API_BODIES.reviewStart)).toContainEqual([...words.PRIVILEGE_KINDS])
  })

  it.each([
    ['request list --status pendng', 'Did you mean pending?'],
    ['grant list --status actve', 'Did you mean active?'],
    ['lock list --status open', '--status takes active, expired or lifted'],
    ['lock list --kind usr', 'Did you mean user?'],
    ['lock --all --action exprt --reason x', 'Did you mean export?'],
    ['version list --status relased', 'Did you mean released?'],
    ['review show review-1 --status opn', 'Did you mean open?'],
    ['review start --title t --due 1d --kind grants', 'Did you mean grant?'],
    ['who-has --action exprt', 'Did you mean export?'],
    ['request create --action read --action exprt --resource model:m', 'Did you mean export?'],
  ])('are suggested: %s', async (line, message) => {
    const { code, stdout, stderr } = await inProcess(line.split(' '), { cwd: '/' })
    expect([code, stdout]).toEqual([2, ''])
    expect(stderr).toContain(message)
  })
})
