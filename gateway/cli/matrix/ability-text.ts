/** `who-can` and `what-can` for people. */
import type { RuleThrough, StandingDeny, WhoCan } from '../../pdp/analysis/who-can.ts'
import type { Ability, WhatCan } from '../../pdp/analysis/what-can.ts'
import type { LimitWords } from '../../pdp/analysis/limit-words.ts'
import type { Paint } from '../output/paint.ts'
import { plainText } from '../../domain/plain-text.ts'
import { plural } from '../report.ts'
import { labelled, namesText, ruleLines, ruleText } from './text.ts'

/** Everybody who may do it. */
export function whoCanText(found: WhoCan, paint: Paint): string {
  const { action, resource, privileged, permitted, blocked, denies } = found
  const lines = [
    paint.bold(plainText(`${action} on ${resource}`)) + (privileged ? '  (privileged)' : ''),
    ...(privileged && permitted.some(({ principal }) => principal === 'role:anyone')
      ? ['  Every authenticated caller is among those below: is that meant?']
      : []),
    '',
    ...permitted.flatMap(({ principal, when, rules }) => [
      `  ${paint.bold(principal)}`,
      labelled('when', when.text),
      ...rules.flatMap(throughLines),
    ]),
    ...(permitted.length === 0 ? ['  Nobody.'] : []),
    '',
    ...(blocked.length === 0
      ? []
      : [`Allowed by a rule, and kept out by a deny: ${namesText(blocked)}`, '']),
    ...(denies.length === 0
      ? []
      : ['Denies that stand against it:', ...denies.flatMap(denyLines), '']),
    `${plural(permitted.length, 'principal')} of these rules; revision ${found.revision}`,
  ]
  return `${lines.join('\n')}\n`
}

function throughLines({ rule, through }: RuleThrough): string[] {
  const chain = through.length < 2 ? [] : [labelled('through', through.join(' > '))]
  return [...chain, labelled('by', ruleText(rule))]
}

function denyLines({ subject, rule, when }: StandingDeny): string[] {
  const whom = subject === 'role:anyone' ? 'everybody' : `whoever also has ${subject}`
  return [`  ${ruleText(rule)}`, labelled('against', `${whom}, when ${when.text}`)]
}

/** Everything a caller may do. */
export function whatCanText(found: WhatCan, paint: Paint): string {
  const lines = [
    paint.bold(plainText(found.caller.join(' + '))),
    labelled('holds', plainText(found.holds.join(', '))),
    '',
    ...found.abilities.flatMap((ability) => abilityLines(ability, paint)),
    ...(found.abilities.length === 0 ? ['  Nothing.'] : []),
    '',
    ...(found.limits.length === 0 ? [] : ['Limits:', ...found.limits.flatMap(limitLines), '']),
    `${plural(found.abilities.length, 'permission')}; revision ${found.revision}`,
  ]
  return `${lines.join('\n')}\n`
}

function abilityLines(ability: Ability, paint: Paint): string[] {
  const { action, privileged, resources, when, allowedBy, narrowedBy, limits } = ability
  return [
    `  ${paint.bold(action)} on ${resources.text}${privileged ? '  (privileged)' : ''}`,
    labelled('when', when.text),
    ...ruleLines('by', allowedBy),
    ...ruleLines('except', narrowedBy),
    ...(limits.length === 0 ? [] : [labelled('limits', limits.join(', '))]),
  ]
}

function limitLines({ name, demands, when }: LimitWords): string[] {
  const condition = when === undefined ? '' : `, unless known that not ${when}`
  return [`  ${name}: ${demands.join('; ')}${condition}`]
}
