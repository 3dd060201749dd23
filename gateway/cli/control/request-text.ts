/** Requests and grants for people. */
import type { Paint } from '../output/paint.ts'
import { plainText } from '../../domain/plain-text.ts'
import { documentsIn, textIn, textsIn, type Document } from './document.ts'
import { fieldsText, tableText, type Column } from './table.ts'

/** A list of requests. */
export function requestTable(items: readonly Document[], paint: Paint): string {
  return tableText(items, REQUEST_COLUMNS, { paint, none: 'No requests.' })
}

const REQUEST_COLUMNS: readonly Column<Document>[] = [
  { head: 'REQUEST', cell: (one) => textIn(one, 'id') },
  { head: 'STATUS', cell: (one) => textIn(one, 'status') },
  { head: 'BY', cell: (one) => textIn(one, 'by') },
  { head: 'WHAT', cell: whatOf },
  { head: 'FOR', cell: (one) => timeText(textIn(one, 'terms.duration_ms')) },
  { head: 'VOTES', cell: votesOf },
  { head: 'UNTIL', cell: (one) => textIn(one, 'expires_at') },
]

/** A list of grants. */
export function grantTable(items: readonly Document[], paint: Paint): string {
  return tableText(items, GRANT_COLUMNS, { paint, none: 'No grants.' })
}

const GRANT_COLUMNS: readonly Column<Document>[] = [
  { head: 'GRANT', cell: (one) => textIn(one, 'id') },
  { head: 'STATUS', cell: (one) => textIn(one, 'status') },
  { head: 'HOLDER', cell: (one) => textIn(one, 'holder') },
  { head: 'WHAT', cell: whatOf },
  { head: 'USES', cell: (one) => textIn(one, 'terms.uses_max') ?? 'any' },
  { head: 'ENDS', cell: (one) => textIn(one, 'expires_at') },
]

/** One request, with everything an approver has to know. */
export function requestText(one: Document, paint: Paint): string {
  const head = fieldsText(
    [
      ['request', `${textIn(one, 'id') ?? ''} version ${textIn(one, 'version') ?? ''}`],
      ['status', statusOf(one)],
      ['kind', textIn(one, 'kind')],
      ['by', textIn(one, 'by')],
      ...termsOf(one),
      ['why', textIn(one, 'reasons.justification')],
      ['ticket', textIn(one, 'reasons.ticket')],
      ['risk', textIn(one, 'reasons.risk_assessment')],
      ['made', textIn(one, 'created_at')],
      ['open until', textIn(one, 'expires_at')],
      ['grant', textIn(one, 'grant')],
      ['approved by rule', textIn(one, 'auto')],
    ],
    paint,
  )
  const demands = documentsIn(one, 'demands').flatMap(demandLines)
  const votes = documentsIn(one, 'votes').map(voteLine)
  const digest = textIn(one, 'digest')
  const parts = [
    head,
    ...(demands.length === 0 ? [] : [`${paint.bold('Who must agree')}\n${demands.join('')}`]),
    ...(votes.length === 0 ? [] : [`${paint.bold('Who has spoken')}\n${votes.join('')}`]),
    ...(digest === undefined ? [] : [fieldsText([['digest', digest]], paint)]),
  ]
  return parts.join('\n')
}

/** One grant. */
export function grantText(one: Document, paint: Paint): string {
  return fieldsText(
    [
      ['grant', textIn(one, 'id')],
      ['status', textIn(one, 'status')],
      ['holder', textIn(one, 'holder')],
      ...termsOf(one),
      ['starts', textIn(one, 'starts_at')],
      ['ends', textIn(one, 'expires_at')],
      ['request', textIn(one, 'request')],
      ['approved by', documentsIn(one, 'votes').map(voterOf).join(', ')],
      ['opened', textIn(one, 'sealed.opened_at')],
      ['opened because', textIn(one, 'sealed.reason')],
      ['review due', textIn(one, 'sealed.review_due_at')],
      ['reviewed by', textIn(one, 'sealed.reviewed.by')],
      ['revoked by', textIn(one, 'revoked.by')],
      ['revoked because', textIn(one, 'revoked.reason')],
    ],
    paint,
  )
}

function termsOf(one: Document): (readonly [string, string | undefined])[] {
  const datasets = documentsIn(one, 'terms.training.datasets').map(
    (set) => `${textIn(set, 'name') ?? ''} ${textIn(set, 'digest') ?? ''}`,
  )
  return [
    ['what', whatOf(one)],
    ['for', timeText(textIn(one, 'terms.duration_ms'))],
    ['uses', textIn(one, 'terms.uses_max')],
    ['bytes', textIn(one, 'terms.bytes_max')],
    ['artifact', textIn(one, 'terms.digest')],
    ['trained with', datasets.join(', ')],
    ['trained from', textIn(one, 'terms.training.base')],
    ['trained into', textIn(one, 'terms.training.destination')],
    ['only from', textsIn(one, 'terms.networks').join(', ')],
    ['only with', textsIn(one, 'terms.devices').join(', ')],
  ]
}

function statusOf(one: Document): string {
  const status = textIn(one, 'status') ?? ''
  const by = textIn(one, 'closed.by')
  return by === undefined ? status : `${status} by ${by}: ${textIn(one, 'closed.reason') ?? ''}`
}

function whatOf(one: Document): string {
  const actions = textsIn(one, 'terms.actions').join('+')
  return `${actions} ${textsIn(one, 'terms.resources').join(' ')}`
}

function votesOf(one: Document): string {
  const votes = documentsIn(one, 'votes')
  const against = votes.filter((vote) => textIn(vote, 'decision') === 'deny').length
  const agreed = votes.length - against
  return against === 0 ? String(agreed) : `${agreed}, ${against} against`
}

function demandLines(demand: Document): string[] {
  return documentsIn(demand, 'requirements').map((one) => {
    const filter = textIn(one, 'filter')
    const from = textsIn(one, 'from').join(' or ')
    const when = filter === undefined ? '' : `, ${filter}`
    const line = `${textIn(one, 'count') ?? ''} of ${from}${when} (${textIn(demand, 'rule') ?? ''})`
    return `  ${plainText(line)}\n`
  })
}

function voteLine(vote: Document): string {
  const comment = textIn(vote, 'comment')
  const said = comment === undefined ? '' : `: ${comment}`
  const [at = '', decision = ''] = ['at', 'decision'].map((name) => textIn(vote, name))
  return `  ${plainText(`${at}  ${decision}  ${voterOf(vote)}${said}`)}\n`
}

function voterOf(vote: Document): string {
  return textIn(vote, 'by') ?? ''
}

const UNITS = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1_000],
] as const

/** `5400000` as `1h30m`. */
export function timeText(ms: string | undefined): string | undefined {
  if (ms === undefined) return undefined
  let rest = Number(ms)
  let text = ''
  for (const [unit, size] of UNITS) {
    const count = Math.floor(rest / size)
    rest -= count * size
    if (count > 0) text += `${count}${unit}`
  }
  return text === '' ? `${ms}ms` : text
}
