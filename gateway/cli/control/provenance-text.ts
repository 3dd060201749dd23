/** A statement of provenance for people. */
import { digestOf, type Json } from '../../access/canonical.ts'
import { plainText } from '../../domain/plain-text.ts'
import type { Paint } from '../output/paint.ts'
import { documentsIn, isDocument, textIn, type Document } from './document.ts'
import { fieldsText, tableText, type Column } from './table.ts'

const BUILD = 'predicate.buildDefinition'
const EXTERNAL = `${BUILD}.externalParameters`
const INTERNAL = `${BUILD}.internalParameters`
const RUN = 'predicate.runDetails.metadata'

/** What `version` was made of, when, under which grant and by which rules. */
export function provenanceText(statement: Document, version: string, paint: Paint): string {
  const fields = fieldsText(
    [
      ['version', version],
      ['training', textIn(statement, `${RUN}.invocationId`)],
      ['begun', textIn(statement, `${RUN}.startedOn`)],
      ['of', textIn(statement, `${EXTERNAL}.destination`)],
      ['base', textIn(statement, `${EXTERNAL}.base`)],
      ['parameters', parametersText(statement)],
      ['upstream', textIn(statement, `${INTERNAL}.upstream`)],
      ['grant', textIn(statement, `${INTERNAL}.grant`) ?? 'none'],
      ['approved', approvalsText(statement)],
      ['rules', textIn(statement, `${INTERNAL}.policyRevision`)],
      ['configuration', textIn(statement, `${INTERNAL}.configRevision`)],
      ['statement', digestOf(statement as Json)],
    ],
    paint,
  )
  const inputs = documentsIn(statement, `${BUILD}.resolvedDependencies`)
  const none = 'What it was trained with is not known.'
  return `${fields}\n${tableText(inputs, INPUTS, { paint, none })}`
}

function parametersText(statement: Document): string {
  const named = textIn(statement, `${EXTERNAL}.method`)
  const call = named === undefined ? '' : `${named} ${textIn(statement, `${EXTERNAL}.path`) ?? ''}`
  const { predicate } = statement
  const definition = isDocument(predicate) ? predicate['buildDefinition'] : undefined
  const external = isDocument(definition) ? definition['externalParameters'] : undefined
  const parameters = isDocument(external) ? external['parameters'] : undefined
  if (!isDocument(parameters)) return call
  const texts = Object.entries(parameters).map(([name, value]) => `${name}=${String(value)}`)
  return plainText([call, ...texts].join(' '))
}

function approvalsText(statement: Document): string {
  return documentsIn(statement, `${INTERNAL}.approvals`)
    .map((one) => `${textIn(one, 'by') ?? 'somebody'} at ${textIn(one, 'at') ?? 'no time'}`)
    .join(', ')
}

const INPUTS: readonly Column<Document>[] = [
  { head: 'INPUT', cell: (one) => textIn(one, 'uri') },
  { head: 'SHA-256', cell: (one) => textIn(one, 'digest.sha256') ?? 'not known' },
]

/** Whether it is a statement of the kind that is written here. */
export function isProvenance(statement: Document): boolean {
  return (
    textIn(statement, '_type') === 'https://in-toto.io/Statement/v1' &&
    textIn(statement, 'predicateType') === 'https://slsa.dev/provenance/v1'
  )
}
