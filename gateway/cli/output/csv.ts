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
  const safe = /^[=+\-@\t\r]/.test(plain) ? `'${plain}` : plain
  return /[",\r\n']/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}
