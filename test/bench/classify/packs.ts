/** The packs of the bench: built-in ones, and made-up ones of any size. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { CompiledPack } from '../../../gateway/classify/pack/compiled-pack.ts'
import { BUILT_IN_PACK_DIRECTORY, loadPacks } from '../../../gateway/classify/pack/pack-loader.ts'

/** A pack of so many routes, all shapes of routes in turn, is called `made-1000`. */
export const MADE_UP = /^made-(\d{1,4})$/

/** The routes of a made-up pack, in the order in which they take turns. */
export const MADE_UP_SHAPES = ['path', 'json', 'form', 'grpc'] as const

/** Loads one pack, by name; built-in ones are read without the others. */
export function loadPack(name: string): CompiledPack {
  const count = MADE_UP.exec(name)?.[1]
  const file = count === undefined ? join(BUILT_IN_PACK_DIRECTORY, `${name}.yaml`) : `${name}.yaml`
  const text = count === undefined ? readFileSync(file, 'utf8') : madeUp(name, Number(count))
  const loaded = loadPacks([{ file, text }])
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.diagnostics.slice(0, 3)))
  const pack = loaded.value.get(name)
  if (pack === undefined) throw new Error(`no pack ${name}`)
  return pack
}

/** The path of the route of that number, of the shape whose turn it is. */
export function madeUpPath(at: number): string {
  const shape = MADE_UP_SHAPES[at % MADE_UP_SHAPES.length]
  // Few first segments and many second ones, as APIs have them.
  if (shape === 'path') return `/api/group-${at % 97}/models/{model}/operation-${at}`
  return shape === 'grpc' ? `/bench.Service${at}/Infer` : `/api/group-${at % 97}/operation-${at}`
}

function madeUp(name: string, count: number): string {
  const routes = Array.from({ length: count }, (_, at) => {
    const sources = {
      path: 'path: model',
      json: 'body: model',
      form: 'form: model',
      grpc: "proto: '1'",
    }
    const shape = MADE_UP_SHAPES[at % MADE_UP_SHAPES.length] ?? 'path'
    const transport = shape === 'grpc' ? ', transport: grpc' : ''
    const path = JSON.stringify(madeUpPath(at))
    return `  - { methods: [POST]${transport}, path: ${path}, action: infer, model: [{ ${sources[shape]} }] }`
  })
  return `pack: ${name}\nprofile: { decodes_path: true }\nroutes:\n${routes.join('\n')}\n`
}
