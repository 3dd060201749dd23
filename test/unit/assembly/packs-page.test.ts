import { readFile } from 'node:fs/promises'
import { beforeAll, expect, it } from '@jest/globals'
import { packsPage } from '../../../gateway/assembly/packs-page.ts'
import type { GeneratedFile } from '../../../gateway/settings/reference.ts'

let page: GeneratedFile

beforeAll(async () => {
  page = await packsPage()
}, 60_000)

it('the page of the packs is what the packs say (npm run generate)', async () => {
  expect(await readFile(page.path, 'utf8')).toBe(page.text)
})

it('has every pack, with what it was read from', () => {
  expect(page.text).toContain('## vllm\n')
  expect(page.text).not.toContain('Read: .')
})
