import { describe, expect, it } from '@jest/globals'
import { compareRules, type AccessChange } from '../../../../gateway/pdp/analysis/diff.ts'
import { analysed } from '../../../support/analysis.ts'

const CONDITIONS = `
conditions:
  net: { kind: network, cidrs: [10.0.0.0/8, 192.168.0.0/16] }
  mfa: { kind: mfa, required: true }
`
const line = ({ callers, actions, resources, when }: AccessChange) =>
  [
    [callers.anyOf.join(' '), ...callers.with].join(' + '),
    actions.join(' '),
    resources.text,
    when.text,
  ].join('; ')

async function diff(old: string, now: string, more: { old?: string; now?: string } = {}) {
  const [before, after] = [
    await analysed({ policy: old, conditions: more.old ?? CONDITIONS }),
    await analysed({ policy: now, conditions: more.now ?? CONDITIONS }),
  ]
  const comparison = compareRules(before, after)
  return {
    gains: comparison.gains.map(line),
    losses: comparison.losses.map(line),
    comparison,
  }
}

const READ = 'p, role:r, read, model:*, always, allow\n'

describe('diff', () => {
  it('says nothing of what comes to the same', async () => {
    const { gains, losses } = await diff(
      `${READ}p, role:r, infer, model:*, net & mfa, allow\np, role:r, infer, model:a, always, deny\n`,
      `p, role:r, infer, model:a, mfa | !mfa, deny\np, role:r, infer, *, mfa & net, allow\n${READ}` +
        'p, role:r, infer, server:*, always, deny\np, role:r, infer, dataset:*, always, deny\n',
    )
    expect({ gains, losses }).toEqual({ gains: [], losses: [] })
  })

  it('reads a condition by what it means, not by its name or the order of its lists', async () => {
    const renamed = CONDITIONS.replace('net:', 'lan:').replace(
      '10.0.0.0/8, 192.168.0.0/16',
      '192.168.0.0/16, 10.0.0.0/8',
    )
    const { gains, losses, comparison } = await diff(
      'p, role:r, read, model:*, net, allow\n',
      'p, role:r, read, model:*, lan, allow\n',
      { now: renamed },
    )
    expect({ gains, losses }).toEqual({ gains: [], losses: [] })
    expect(comparison.conditions.map(({ name }) => name)).toEqual(['lan', 'net'])
  })

  it('tells a condition with a new meaning apart from the old one', async () => {
    const { gains, losses } = await diff(
      'p, role:r, read, model:*, net, allow\n',
      'p, role:r, read, model:*, net, allow\n',
      { now: CONDITIONS.replace('10.0.0.0/8', '10.1.0.0/16') },
    )
    expect(gains).toEqual(['role:r; read; model:*; net (new) & net (old) not met'])
    expect(losses).toEqual(['role:r; read; model:*; net (new) not met & net (old)'])
  })

  it('finds what only callers with two principals lose', async () => {
    const { gains, losses } = await diff(READ, `${READ}p, group:g, read, model:a-*, mfa, deny\n`)
    expect(gains).toEqual([])
    expect(losses).toEqual(['role:r + group:g; read; model:a-*; mfa not ruled out'])
  })

  it('never names two users at once', async () => {
    const user = 'p, user:kc/a, read, model:*, always, allow\n'
    const { losses } = await diff(user, `${user}p, user:kc/b, read, model:*, always, deny\n`)
    expect(losses).toEqual([])
  })

  it('follows roles, and names those who have them after the role', async () => {
    const links = 'g, group:a, role:r\ng, group:b, role:r\n'
    const { comparison } = await diff(
      `${READ}${links}`,
      `${READ}p, role:r, infer, model:*, always, allow\n${links}`,
    )
    expect(comparison.gains[0]?.callers).toEqual({
      anyOf: ['role:r'],
      with: [],
      also: ['group:a', 'group:b'],
    })
  })

  it('puts equal changes of many resources and actions in one line', async () => {
    const names = Array.from({ length: 100 }, (_, i) => `m${i}`)
    const rules = (actions: string[]) =>
      names
        .flatMap((name) => actions.map((a) => `p, role:r, ${a}, model:${name}, always, allow\n`))
        .join('')
    const { losses } = await diff(`${rules(['read', 'infer'])}${READ}`, READ)
    expect(losses).toHaveLength(1)
    expect(losses[0]).toMatch(/^role:r; infer; model:m\d+, /)
  })

  it('takes a version that is not named for any of them where a rule denies', async () => {
    const { losses } = await diff(READ, `${READ}p, role:r, read, model:a@1, always, deny\n`)
    expect(losses).toEqual(['role:r; read; model:a without a version, model:a@1; always'])
  })

  it('says what everybody gains once', async () => {
    const { gains } = await diff(
      'p, role:s, read, model:*, always, deny\np, role:t, infer, model:*, mfa, allow\n',
      'p, role:s, read, model:*, always, deny\np, role:t, infer, model:*, mfa, allow\n' +
        'p, role:anyone, read, model:*, net, allow\n',
    )
    expect(gains).toEqual(['role:anyone; read; model:*; net'])
  })
})
