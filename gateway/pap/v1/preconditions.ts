/** ETags and the preconditions over them (RFC 9110 §8.8.3, §13.1). */
import { digestOf, type Json } from '../../access/canonical.ts'

/** Hexadecimal digits of a tag: half of a digest, for telling versions apart. */
const DIGITS = 32

/** The strong ETag of a document: the same for the same content, on every replica. */
export function etagOf(document: object): string {
  return `"${digestOf(document as Json).slice('sha256:'.length, 'sha256:'.length + DIGITS)}"`
}

/** Tags that one precondition names. */
const TAGS_MAX = 16

/** The tags of `If-Match` or `If-None-Match`; `undefined` when it is none. `*` stays as it is. */
export function tagsOf(field: string): readonly string[] | undefined {
  const tags = field.split(',', TAGS_MAX + 1).map((one) => one.trim())
  const isTag = (tag: string): boolean =>
    tag === '*' || /^(?:W\/)?"[\x21\x23-\x7e]{0,64}"$/.test(tag)
  return tags.length <= TAGS_MAX && tags.every(isTag) ? tags : undefined
}

/** `If-Match`: strong comparison. */
export function isMatch(tags: readonly string[], etag: string | undefined): boolean {
  return etag !== undefined && tags.some((tag) => tag === '*' || tag === etag)
}

/** `If-None-Match`: weak comparison. */
export function isNoneMatch(tags: readonly string[], etag: string): boolean {
  return !tags.some((tag) => tag === '*' || tag.replace(/^W\//, '') === etag)
}
