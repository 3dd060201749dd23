/** Which fields of a protobuf message are wanted, as a tree by their numbers. */

/**
 * What is wanted of a field. `text`: a string. `int`: a 64-bit integer. `int-message`: the integer
 * in a `google.protobuf.Int64Value`, which stands for 0 when it is empty.
 */
export type ProtoKind = 'text' | 'int' | 'int-message'

/** The wanted fields of one message, by number. */
export interface ProtoTree {
  readonly fields: ReadonlyMap<number, ProtoField>
  /** The highest wanted number at this level; writers put fields in the order of their numbers. */
  readonly last: number
}

/** One wanted field. */
export interface ProtoField {
  /** The path under which its value is asked for. */
  readonly path: string
  /** Absent when its value is not wanted. */
  readonly kind: ProtoKind | undefined
  /** The path under which is asked whether it is there at all, whatever its type. */
  readonly presence: string | undefined
  /** What is wanted within it. */
  readonly below: ProtoTree | undefined
}

/** A wanted field as a pack names it. */
export interface ProtoWish {
  /** `1`, `1.4`; `1.2:int` and `1.2:int-message` for numbers. */
  readonly path: string
  /** Whether nothing but its presence counts. */
  readonly presence: boolean
}

const INT_FIELD: ProtoTree = {
  fields: new Map([[1, { path: '', kind: 'int', presence: undefined, below: undefined }]]),
  last: 1,
}

/** Builds the tree; `undefined` when nothing is wanted. */
export function compileProtoTree(wishes: readonly ProtoWish[]): ProtoTree | undefined {
  if (wishes.length === 0) return undefined
  return treeOf(
    wishes.map(({ path, presence }) => {
      const [numbers = '', type = 'text'] = path.split(':')
      const kind = presence ? undefined : (type as ProtoKind)
      return { path, steps: numbers.split('.').map(Number), kind }
    }),
  )
}

interface Wish {
  readonly path: string
  readonly steps: readonly number[]
  readonly kind: ProtoKind | undefined
}

function treeOf(wishes: readonly Wish[]): ProtoTree {
  const numbers = [...new Set(wishes.map(({ steps }) => steps[0] ?? 0))]
  const fields = numbers.map((number) => {
    const here = wishes.filter(({ steps }) => steps[0] === number)
    return [number, fieldOf(here)] as const
  })
  return { fields: new Map(fields), last: Math.max(...numbers) }
}

function fieldOf(wishes: readonly Wish[]): ProtoField {
  const own = wishes.filter(({ steps }) => steps.length === 1)
  const deeper = wishes
    .filter(({ steps }) => steps.length > 1)
    .map((wish) => ({ ...wish, steps: wish.steps.slice(1) }))
  const valued = own.find(({ kind }) => kind !== undefined)
  const path = valued?.path ?? ''
  const isWrapper = valued?.kind === 'int-message'
  return {
    path,
    kind: valued?.kind,
    // Where its value is read, the value says whether it is there.
    presence: own.find((wish) => wish.kind === undefined && wish.path !== path)?.path,
    below: isWrapper ? INT_FIELD : deeper.length === 0 ? undefined : treeOf(deeper),
  }
}
