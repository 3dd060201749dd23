/** What the fields of a body are to the detector, by their folded names. */
import { withoutCase } from '../domain/letter-case.ts'
import {
  INPUT_LISTS,
  PARAMETER_OBJECTS,
  PARAMETERS,
  type Parameter,
  type ParameterName,
} from '../domain/parameters.ts'

/**
 * `content`: what is asked. `inputs`: the same, in lists whose elements may hold parameters as well. `logits`: asks for probabilities, or changes them. `listed`: a list that
 * can ask for them. `object`: holds parameters.
 */
export type FieldRole = 'content' | 'inputs' | 'logits' | 'listed' | 'object'

const LOGIT_PARAMETERS: readonly ParameterName[] = [
  'logprobs',
  'top_logprobs',
  'prompt_logprobs',
  'logit_bias',
  'hidden_states',
  'logits',
]

/** Fields that hold what is asked, of the APIs that the packs know. */
const CONTENT = [
  'prompt',
  'messages',
  'input',
  'inputs',
  'instances',
  'contents',
  'content',
  'text',
  'texts',
  'text_input',
  'inputText',
  'query',
  'queries',
  'documents',
  'passages',
  'sentences',
  'source_sentence',
  'question',
  'context',
  'system',
  'system_instruction',
  'instructions',
  'suffix',
  'input_prefix',
  'input_suffix',
  'input_extra',
  'dataframe_split',
  'dataframe_records',
  'input_data',
  'data',
  'features',
  'jsonData',
  'strData',
  'binData',
  'columns',
  'requests',
  'items',
  'input_ids',
  'token_ids',
  'prompt_token_ids',
  'prompt_embeds',
  'input_embeds',
  'images',
  'image',
  'audio',
  'image_data',
  'video_data',
  'audio_data',
  // A question may be put where a description or a form of the answer is asked for.
  'tools',
  'functions',
  'response_format',
  'structured_outputs',
  'guided_json',
  'guided_choice',
  'guided_regex',
  'guided_grammar',
  'json_schema',
  'grammar',
  'regex',
  'ebnf',
  'prediction',
  'template',
  'chat_template',
  'chat_template_kwargs',
  'prompt_variables',
  'additional_messages',
  'additional_instructions',
  'text_1',
  'text_2',
  'data_1',
  'data_2',
] as const

const specOf = (name: ParameterName): Parameter => PARAMETERS[name]

/** Case and `_` and `-` do not count, as for whoever limits parameters. */
export function foldField(name: string): string {
  return withoutCase(name).replaceAll('_', '').replaceAll('-', '')
}

/** Roles by folded name. */
export const FIELD_ROLES: ReadonlyMap<string, FieldRole> = new Map<string, FieldRole>([
  ...CONTENT.map((name) => [foldField(name), 'content'] as const),
  ...INPUT_LISTS.map((name) => [foldField(name), 'inputs'] as const),
  ...PARAMETER_OBJECTS.map((name) => [foldField(name), 'object'] as const),
  ...LOGIT_PARAMETERS.flatMap((parameter) => {
    const { spellings, listed } = specOf(parameter)
    return [
      ...spellings.map(({ name }) => [foldField(name), 'logits'] as const),
      ...(listed === undefined ? [] : [[foldField(listed.list), 'listed'] as const]),
    ]
  }),
])

/** Elements of lists that ask for probabilities. */
export const LISTED_VALUES: ReadonlySet<string> = new Set(
  LOGIT_PARAMETERS.flatMap((parameter) => specOf(parameter).listed?.values ?? []),
)
