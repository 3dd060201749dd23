/** The body for incoming webhooks of Slack, and of those who understand the same. */
import type { Fact, WebhookNote } from './payload.ts'

/** Slack takes 3,000 characters of a text; escaping makes more of some. */
const VALUE_MAX = 400
const TEXT_MAX = 2_900

/**
 * `text` for notifications, and blocks: the title, the facts, and what to do about it. What strangers
 * wrote can neither mention anybody nor look like a link or a line of ours: `&`, `<` and `>` are
 * escaped, the marks of formatting are taken apart, and lines are joined.
 * @see https://docs.slack.dev/messaging/formatting-message-text
 */
export function slackBody(note: WebhookNote): string {
  const title = slackText(note.title)
  const lines = Object.entries(note.facts).map(
    ([name, fact]) => `${slackText(name)}: ${shown(fact)}`,
  )
  const facts = fitted(lines, TEXT_MAX)
  const blocks = [
    section(`*${title}*`),
    ...(facts === '' ? [] : [section(facts)]),
    ...(note.next === undefined ? [] : [section(slackText(note.next))]),
  ]
  return JSON.stringify({ text: title, blocks })
}

/** `text` as Slack shows it letter by letter, on one line. */
export function slackText(text: string): string {
  const line = text.replace(/[\p{Cc}\p{Zl}\p{Zp}\p{Cf}\p{Cs}]+/gu, ' ')
  const escaped = line.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
  // A word joiner behind each mark: it is shown, and begins no formatting, link or mention.
  return escaped.replace(/[*_~`@#]/g, (mark) => `${mark}\u2060`).replaceAll('://', ':\u2060//')
}

function shown(fact: Fact): string {
  const text = typeof fact === 'object' ? fact.join(', ') : String(fact)
  const isLong = text.length > VALUE_MAX
  return slackText(isLong ? `${text.slice(0, VALUE_MAX)}…` : text)
}

/** As many whole lines as there is room for. */
function fitted(lines: readonly string[], max: number): string {
  const kept: string[] = []
  let size = 0
  for (const line of lines) {
    size += line.length + 1
    if (size > max) break
    kept.push(line)
  }
  return kept.join('\n')
}

function section(text: string): object {
  return { type: 'section', text: { type: 'mrkdwn', text, verbatim: true } }
}
