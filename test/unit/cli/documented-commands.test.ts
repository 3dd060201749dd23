/** Every command line in the documents and in the help is one that the program understands. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from '@jest/globals'
import { findVerb, VERBS } from '../../../gateway/cli/verbs.ts'
import { parseVerbArguments } from '../../../gateway/cli/verb.ts'

const PAGES = [
  'README.md',
  ...readdirSync('docs')
    .filter((name) => name.endsWith('.md'))
    .map((name) => join('docs', name)),
]

/** Lines of code blocks, and code in a line, that start with the name of the program. */
function commandsIn(text: string): string[] {
  const lines = [...text.matchAll(/^(?:\$ )?(modelgate [^]*?[^\\])$/gm)]
  const spans = [...text.matchAll(/`(modelgate [^`]+)`/g)]
  return [...lines, ...spans].map(([, command = '']) => command.replaceAll(/\\?\n\s*/g, ' '))
}

/** As a shell would split it: comments cut, quotes taken off, what stands for a value kept. */
function wordsOf(command: string): string[] {
  const bare = command
    .replace(/^[A-Z_]+=\S+ /, '')
    .replace(/\s+#.*$/, '')
    .replace(/ (?:[|>]|&&).*$/, '')
  const words = bare.match(/(?:"[^"]*"|'[^']*'|[^\s"'])+/g) ?? []
  return words.slice(1).map((word) => word.replaceAll(/["']/g, ''))
}

/** One after the other: verbs are imported when they are first asked for. */
async function misunderstood(commands: readonly string[]): Promise<string[]> {
  const answers: string[] = []
  for (const command of commands) answers.push(await understood(command))
  return answers.filter((answer) => answer !== 'ok')
}

async function understood(command: string): Promise<string> {
  const words = wordsOf(command)
  const [name = ''] = words
  if (name.startsWith('-') || name === 'VERB') return 'ok'
  const found = findVerb(words)
  if (found === undefined) return `no verb ${name}`
  const verb = await found.entry.load()
  try {
    parseVerbArguments(found.entry.name, verb, found.rest)
    return 'ok'
  } catch (error) {
    return `${command}: ${String(error)}`
  }
}

it.each(PAGES)('%s names only commands that exist', async (page) => {
  const commands = commandsIn(readFileSync(page, 'utf8'))
  expect(await misunderstood(commands)).toEqual([])
})

it('finds commands at all', () => {
  const all = PAGES.flatMap((page) => commandsIn(readFileSync(page, 'utf8')))
  expect(all.length).toBeGreaterThan(12)
  expect(wordsOf('modelgate explain --device "managed, os=\'x\'" # why')).toEqual([
    'explain',
    '--device',
    'managed, os=x',
  ])
})

it.each(VERBS.map(({ name }) => name))('the examples of %s are commands', async (name) => {
  const entry = VERBS.find((verb) => verb.name === name)
  const verb = await entry?.load()
  expect(verb?.examples.length).toBeGreaterThan(0)
  expect(await misunderstood(verb?.examples ?? [])).toEqual([])
})
