/** What the files of the formats hand to each other. */

/** What an event needs besides its record. */
export interface EventContext {
  /** Of Modelgate, as it is exported. */
  readonly version: string
  /** RFC 6962 leaf hash of the line, base64. */
  readonly leafHash: string
}

/** What a class makes of a record. */
export interface ClassPart {
  readonly class_uid: number
  readonly class_name: string
  readonly category_uid: number
  readonly category_name: string
  readonly activity: readonly [number, string]
  readonly profiles: readonly string[]
  readonly attributes: Readonly<Record<string, unknown>>
  /** Fields of the record that `attributes` say. */
  readonly mapped: ReadonlySet<string>
}
