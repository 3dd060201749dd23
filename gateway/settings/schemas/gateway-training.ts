/** What `config/gateway.yaml` says of trainings. */
import { z } from 'zod'

/** `training`: where and with what models may be trained under grants. */
export const training = z
  .strictObject({
    zone: z
      .array(z.string().min(1).max(64))
      .max(256)
      .default([])
      .describe(
        'Names of the upstreams that may train under a grant for one training; none if empty.',
      ),
    classifications: z
      .array(z.string().min(1).max(256))
      .max(64)
      .default([])
      .describe(
        'Classifications of datasets that may be trained with; a dataset that says `training` ' +
          'itself in resources.yaml is not judged by it.',
      ),
    required: z
      .boolean()
      .default(false)
      .describe(
        'Whether every training needs a grant that says what it is for; routes of which it is ' +
          'unknown what they train with are then refused.',
      ),
  })
  .prefault({})
  .describe('Trainings: the zone, and what may be trained with.')
