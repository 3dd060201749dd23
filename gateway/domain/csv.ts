import { plainText } from './plain-text.ts'

/**
 * One line of CSV (RFC 4180), ended by CRLF. What a spreadsheet would take for a formula begins with
 * an apostrophe (CWE-1236); what a terminal would act on is written as `\uXXXX`.
 */
export function csvLine(values: readonly (string | number | boolean | undefined)[]): string {
  return `${values.map(csvField).join(',')}\r\n`
}

function csvField(value: string | number | boolean | undefined): string {
  if (value === undefined) return ''
  if (typeof value !== 'string') return String(value)
  const plain = plainText(value)
  // Where lists are separated by semicolons, whatever follows one is a cell of its own.
  const whole = plain.replace(/;(?=\s*[=+\-@＝＋－＠])/g, '\\u003b')
  const safe = /^\s*[=+\-@＝＋－＠]/.test(whole) ? `'${whole}` : whole
  return /[",\r\n']/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}
