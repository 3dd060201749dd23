import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, it } from '@jest/globals'
import { parse } from 'yaml'
import { builtInPack, classify, outcome, type Sent } from './support.ts'

interface Trick extends Sent {
  readonly trick: string
  readonly pack: string
  readonly request: string
  readonly type?: string
  /** A body of bytes that are no text. */
  readonly base64?: string
  readonly expect?: readonly string[]
  readonly refused?: string
}

const SECTIONS = ['A', 'B', 'C', 'E', 'F', 'G'] as const

type Catalogue = Readonly<Record<(typeof SECTIONS)[number], readonly Trick[]>> & {
  /** Tricks of the protocol, and the files of test/security that play them. */
  readonly D: Readonly<Record<string, readonly string[]>>
}

const CASES = new URL('../../cases/bypasses.yaml', import.meta.url)
const SECURITY = new URL('../../security/', import.meta.url)
const CATALOGUE = parse(readFileSync(CASES, 'utf8')) as Catalogue

function sentOf(trick: Trick): Sent {
  const { type, base64 } = trick
  return {
    ...trick,
    ...(type === undefined ? {} : { contentType: type }),
    ...(base64 === undefined ? {} : { raw: Buffer.from(base64, 'base64') }),
  }
}

describe.each(SECTIONS)('section %s of the bypasses', (section) => {
  it.each(CATALOGUE[section])('$pack, $trick: $request', async (trick) => {
    expect(trick.refused === undefined).toBe(trick.expect !== undefined)
    const result = await classify(await builtInPack(trick.pack), trick.request, sentOf(trick))
    expect(outcome(result)).toEqual(trick.refused ?? trick.expect)
  })
})

it('has a section for every trick', () => {
  expect(Object.keys(CATALOGUE).sort()).toEqual([...SECTIONS, 'D'].sort())
})

it.each(Object.entries(CATALOGUE.D))('%s: is played over a socket', (_trick, files) => {
  expect(files.filter((file) => !existsSync(new URL(file, SECURITY)))).toEqual([])
})
