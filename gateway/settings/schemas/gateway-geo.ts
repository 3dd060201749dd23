/** `geo` of config/gateway.yaml: where the country of a request is learnt from. */
import { z } from 'zod'
import { filePath, headerName, isReservedHeader } from './fields.ts'

/** `geo`. */
export const geo = z
  .strictObject({
    header: headerName
      .refine(
        (name) => !isReservedHeader(name) && name !== 'authorization' && name !== 'cookie',
        'this header has a meaning of its own; use one like cf-ipcountry',
      )
      .optional()
      .describe(
        'Header in which trusted proxies write the country, two capital letters, such as ' +
          'cf-ipcountry.',
      ),
    database_file: filePath
      .optional()
      .describe(
        'Database of addresses in the MaxMind DB format, with country.iso_code in its records.',
      ),
  })
  .refine((value) => (value.header === undefined) !== (value.database_file === undefined), {
    message: 'the country comes from one place; set header or database_file, and not both',
  })
  .optional()
  .describe('Where the country of a request is learnt from; unknown when absent.')

/** The parts of a document that give headers a meaning. */
interface HeaderMeanings {
  readonly geo?: { readonly header?: string | undefined } | undefined
  readonly device_posture: {
    readonly header: string
    readonly assertion?: { readonly header: string } | undefined
  }
}

/** What is wrong with `geo` beside the rest of the document. */
export function geoClash({ geo: place, device_posture: posture }: HeaderMeanings) {
  const taken = [posture.header, posture.assertion?.header]
  if (place?.header === undefined || !taken.includes(place.header)) return []
  const message = 'device_posture reads this header too; one header has one meaning'
  return [{ path: ['geo', 'header'], message }]
}
