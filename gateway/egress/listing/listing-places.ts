import { withoutCase } from '../../domain/letter-case.ts'
import type { ListingShape } from '../../domain/watch.ts'
import type { JsonListener, ValueKind } from './json-steps.ts'

/** A place in an answer on the way to an array that is to be filtered. */
interface Place {
  readonly below: Map<string, Place>
  /** Present where the array is expected. */
  shape: ListingShape | undefined
}

/** An object on the way, or a container that is not. */
interface Level {
  readonly place: Place | undefined
  /** The keys on the way that it has had. */
  readonly seen: Set<string>
}

/**
 * Finds the arrays that list models in an answer as its parts are read. Says no where what is found
 * is not what the shapes say: another kind of value in the place of an array or of an object on the
 * way, a key on the way that comes twice or in another case.
 *
 * Within an element it only looks for keys that repeat: whoever gets it may read the other one.
 */
export class ListingPlaces implements JsonListener {
  /** The array that has just been entered; to be taken by whoever reads on. */
  entered: ListingShape | undefined
  /** Whether keys repeat in the element being read. */
  isAmbiguous = false
  /** Arrays found so far. */
  count = 0
  /**
   * Whether there is nothing but plain members at the top, and empty containers: what an answer
   * may be that lists nothing at all.
   */
  isPlain = true
  private readonly levels: Level[] = []
  private next: Place | undefined
  /** How many levels there were when the array was entered. */
  private listDepth = 0

  constructor(shapes: readonly ListingShape[]) {
    this.next = placesOf(shapes)
  }

  begins(kind: ValueKind): boolean {
    const { next } = this
    this.next = undefined
    if (this.listDepth > 0) return this.enter(kind, undefined)
    if (next === undefined) {
      if (this.levels.length > 1) this.isPlain &&= this.isOnTheWay()
      return this.enter(kind, undefined)
    }
    if (kind === 'null') return true
    if (kind === 'array' && next.shape !== undefined) {
      this.entered = next.shape
      this.count += 1
      this.listDepth = this.levels.length + 1
      return this.enter(kind, undefined)
    }
    // Where the answer should be an array it may be an object that lists nothing.
    const mayBeObject = next.below.size > 0 || this.levels.length === 0
    return kind === 'object' && mayBeObject && this.enter(kind, next)
  }

  key(text: string): boolean {
    const level = this.levels.at(-1)
    if (level === undefined) return false
    // Libraries in C end a key at NUL, so that `data\u0000x` would be `data` to them.
    if (text.includes('\0')) {
      this.isAmbiguous = true
      return this.listDepth > 0
    }
    if (this.listDepth > 0) {
      if (level.seen.has(text)) this.isAmbiguous = true
      level.seen.add(text)
      return true
    }
    const { place, seen } = level
    if (place === undefined) return true
    const wanted = [...place.below.keys()].find((name) => isAlike(name, text))
    if (wanted === undefined) return true
    // Some clients match without regard to case, and some take the last of two.
    if (wanted !== text || seen.has(wanted)) return false
    seen.add(wanted)
    this.next = place.below.get(wanted)
    return true
  }

  ended(): void {
    this.levels.pop()
    if (this.levels.length < this.listDepth) this.listDepth = 0
  }

  private enter(kind: ValueKind, place: Place | undefined): boolean {
    if (kind === 'object' || kind === 'array') this.levels.push({ place, seen: new Set() })
    return true
  }

  /** Whether the container being read is an object on the way. */
  private isOnTheWay(): boolean {
    return this.levels.at(-1)?.place !== undefined
  }
}

function isAlike(name: string, text: string): boolean {
  return name === text || withoutCase(name) === withoutCase(text)
}

function placesOf(shapes: readonly ListingShape[]): Place {
  const root: Place = { below: new Map(), shape: undefined }
  for (const shape of shapes) {
    let place = root
    for (const name of shape.items) {
      const known = place.below.get(name) ?? { below: new Map(), shape: undefined }
      place.below.set(name, known)
      place = known
    }
    place.shape = shape
  }
  return root
}
