/** What was found in a body; nothing of the body itself. */
export interface ScanFinding {
  /** A format name (`safetensors`, `gzip`) or `text`, `image/png` …; bounded, for labels. */
  readonly found: string
  /**
   * `weights`: a weight format. `type-mismatch`: not what the media type says. `archive`: packed so
   * that it cannot be looked into within the bounds.
   */
  readonly how: 'weights' | 'type-mismatch' | 'archive'
}

/** Takes the bytes of one stream, in pieces of any size; after a finding it is asked no more. */
export interface ByteSink {
  /** Judges the next piece, which must not be written to afterwards. */
  push(chunk: Buffer): ScanFinding | undefined
  /** Judges what only the end of the stream decides. */
  end(): ScanFinding | undefined
}

/** Makes the scanner of a stream that lies in another one, or says that it lies too deep. */
export type OpenInner = (type?: string) => ByteSink | ScanFinding

/** Whether {@link OpenInner} refused. */
export function isFinding(one: ByteSink | ScanFinding): one is ScanFinding {
  return 'how' in one
}

/** A weight format was found. */
export function weights(found: string): ScanFinding {
  return { found, how: 'weights' }
}

/** It is packed and cannot be looked into. */
export function archive(found: string): ScanFinding {
  return { found, how: 'archive' }
}

/** It is not what its media type says. */
export function mismatch(found: string): ScanFinding {
  return { found, how: 'type-mismatch' }
}
