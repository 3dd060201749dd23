/** `rules/model.conf` as shipped, read from the project so that the two cannot differ. */
import { readFileSync } from 'node:fs'

/** Text of the file; the bench is run from the project's root. */
export const MODEL_CONF = readFileSync('rules/model.conf', 'utf8')
