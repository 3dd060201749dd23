import { writeFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { GatewayError } from '../domain/errors.ts'
import { matrixDocument, type MatrixDocument } from '../pdp/analysis/matrix-document.ts'
import { EXIT, type CliIo } from './io.ts'
import { analysedFolder } from './matrix/analysed-folder.ts'
import { docsHtml } from './matrix/docs-html.ts'
import { docsMarkdown } from './matrix/docs-markdown.ts'
import { formatOf, textOption } from './report.ts'
import type { OptionValues, Verb } from './verb.ts'

/** `modelgate docs`: the permission matrix in plain words. */
export const docs: Verb = {
  options: {
    out: { type: 'string', value: 'FILE', help: 'write to this file instead of standard output' },
  },
  formats: ['markdown', 'html', 'json'],
  examples: [
    'modelgate docs --rules rules --out matrix.md',
    'modelgate docs --rules rules --format html --out matrix.html',
  ],
  run,
}

async function run(
  options: OptionValues,
  _positionals: readonly string[],
  io: CliIo,
): Promise<number> {
  const rules = await analysedFolder(options, io)
  if (rules === undefined) return EXIT.invalid
  const text = written(matrixDocument(rules), formatOf(options))
  const out = textOption(options, 'out')
  if (out === undefined) {
    io.out(text)
    return EXIT.ok
  }
  try {
    await writeFile(resolve(io.cwd, out), text)
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new GatewayError('ERR_USAGE', `${out} cannot be written: ${reason}`)
  }
  return EXIT.ok
}

function written(document: MatrixDocument, format: string): string {
  if (format === 'json') return `${JSON.stringify(document, null, 2)}\n`
  return format === 'html' ? docsHtml(document) : docsMarkdown(document)
}
