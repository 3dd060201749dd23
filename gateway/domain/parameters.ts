/**
 * Parameters of inference requests that a limit can cap, strip or refuse, and how each API spells
 * them. Data only. One canonical name stands for every spelling, so that a limit on `max_tokens`
 * also reaches `options.num_predict` (Ollama) and `parameters.max_new_tokens` (TGI).
 *
 * What is listed is what a body can ask for that makes a model give away more of itself than its
 * answer (log-probabilities, logits, hidden states: arXiv 2403.06634, 2403.09539) or more answer than
 * it should.
 */

/** What a limit can do with a parameter. */
export type ParameterTreatment = 'cap' | 'strip' | 'refuse'

/** A field of a body that carries a parameter. */
export interface Spelling {
  /** As the API writes it. Other spellings that fold alike are refused, never guessed at. */
  readonly name: string
  /** `true` and `false` under this name mean another parameter, which lists the name too. */
  readonly exceptFlags?: boolean
}

/** One parameter. */
export interface Parameter {
  /** For people. */
  readonly description: string
  readonly treatments: readonly ParameterTreatment[]
  /** Whether `true` and `false` are values that a cap leaves alone. */
  readonly flags: boolean
  readonly spellings: readonly Spelling[]
  /** Where the parameter is an element of a list: `include: [message.output_text.logprobs]`. */
  readonly listed?: { readonly list: string; readonly values: readonly string[] }
}

const named = (...names: readonly string[]): Spelling[] => names.map((name) => ({ name }))

/** Numbers of alternatives per output token; every one of them also gives log-probabilities. */
const TOP_LOGPROBS: readonly Spelling[] = named(
  'top_logprobs', //       OpenAI chat and responses, vLLM
  'top_n_tokens', //       TGI
  'n_probs', //            llama.cpp
  'top_logprobs_num', //   SGLang
  'num_logprobs',
  'token_ids_logprob', //  SGLang: a list of tokens
  'logprob_token_ids', //  vLLM: a list of tokens
  'top_n_logprobs', //     Megatron
  'topKReturn', //         Jurassic
)

/** All parameters, by canonical name. */
export const PARAMETERS = {
  max_tokens: {
    description: 'Longest answer, in tokens.',
    treatments: ['cap', 'refuse'],
    flags: false,
    spellings: named(
      'max_tokens', //             OpenAI, vLLM, Anthropic, TensorRT-LLM, llama.cpp
      'max_completion_tokens', //  OpenAI chat
      'max_output_tokens', //      OpenAI responses
      'max_new_tokens', //         TGI, SGLang, Hugging Face
      'num_predict', //            Ollama
      'n_predict', //              llama.cpp
      'max_tokens_to_sample', //   Anthropic, before messages
      'request_output_len', //     TensorRT-LLM
      'maxTokens', //              Bedrock, vLLM forks
      'maxOutputTokens', //        Gemini
      'maxTokenCount', //          Titan
      'max_gen_len', //            Llama on Bedrock
      'max_length', //             Hugging Face: with the prompt
      'max_response_output_tokens', // OpenAI realtime
      'max_completions_tokens', //     OpenAI evals
      'tokens_to_generate', //         Megatron
    ),
  },
  n: {
    description: 'Answers to one prompt.',
    treatments: ['cap', 'strip', 'refuse'],
    flags: false,
    spellings: named(
      'n',
      'best_of',
      'num_return_sequences', //  Hugging Face
      'num_completions',
      'num_generations', //       Cohere
      'candidate_count', //       Gemini
      'candidateCount',
      'beam_width', //            TensorRT-LLM
      'n_cmpl', //                llama.cpp
      'num_beams', //             Hugging Face
      'numResults', //            Jurassic
      'sampleCount', //           Imagen
      'numberOfImages', //        Titan
    ),
  },
  logprobs: {
    description: 'Log-probabilities of the tokens of the answer, by flag or by number.',
    treatments: ['cap', 'strip', 'refuse'],
    flags: true,
    spellings: [
      ...named(
        'logprobs', //          OpenAI: a flag in chat, a number in completions
        'return_logprob', //    SGLang
        'return_log_probs', //  TensorRT-LLM
        'is_return_log_probs', // FasterTransformer
        'responseLogprobs', //  Gemini
        'response_logprobs',
        'details', //           TGI
        'return_logprobs', //   Bedrock (imported models), the vLLM backend of Triton
        'return_cumulative_logprob', // the vLLM backend of Triton
        'return_likelihoods', //  Cohere: a word
        'post_sampling_probs', // llama.cpp
        'return_sampling_mask', // SGLang
        'return_entropy', //      SGLang
        'return_ppl', //          LMDeploy
        'token_logprobs', //      watsonx
        'token_ranks', //         watsonx
      ),
      ...TOP_LOGPROBS,
    ],
    listed: {
      list: 'include',
      values: [
        'message.output_text.logprobs',
        'item.input_audio_transcription.logprobs', // realtime
        'logprobs', //                                transcriptions
      ],
    },
  },
  top_logprobs: {
    description: 'How many alternatives to each token come with their log-probability.',
    treatments: ['cap', 'strip', 'refuse'],
    flags: false,
    spellings: [...TOP_LOGPROBS, { name: 'logprobs', exceptFlags: true }],
  },
  prompt_logprobs: {
    description: 'Log-probabilities of the tokens of the prompt.',
    treatments: ['cap', 'strip', 'refuse'],
    flags: true,
    spellings: named(
      'prompt_logprobs',
      'decoder_input_details', //        TGI
      'logprob_start_len', //            SGLang
      'prompt_logprob_token_ids', //     vLLM: a list of tokens
      'prompt_logprob_start', //         vLLM
      'return_flat_raw_top_logprobs', // SGLang
      'return_prompt_top_n_logprobs', // Megatron
    ),
  },
  logit_bias: {
    description: 'Changes to the probabilities of single tokens.',
    treatments: ['strip', 'refuse'],
    flags: false,
    spellings: named(
      'logit_bias',
      'allowed_token_ids', //       vLLM
      'logits_processors', //       vLLM
      'custom_logit_processor', //  SGLang
      'embedding_bias_words', //    TensorRT-LLM
      'embedding_bias_weights',
      'embedding_bias',
      'bad_words', //               vLLM, TensorRT-LLM: probabilities of none
      'bad_words_ids', //           Hugging Face
      'suppress_tokens', //         Hugging Face
      'sequence_bias', //           Hugging Face
      'force_words_ids', //         Hugging Face
      'custom_params', //           SGLang: for its logit processors
      'vllm_xargs', //              vLLM: for its logits processors
      'extra_args', //              vLLM
    ),
  },
  echo: {
    description: 'The prompt repeated in the answer.',
    treatments: ['strip', 'refuse'],
    flags: true,
    spellings: named(
      'echo',
      'return_full_text', //   TGI
      'return_prompt_text', // vLLM
      'echo_last', //          Fireworks
    ),
  },
  token_ids: {
    description: 'Numbers of tokens in the place of, or besides, their text.',
    treatments: ['strip', 'refuse'],
    flags: true,
    spellings: named(
      'return_token_ids', //           vLLM, SGLang
      'return_tokens_as_token_ids', // vLLM
      'return_tokens', //              llama.cpp
      'return_prompt_token_ids', //    SGLang
      'return_tensors', //             Hugging Face
    ),
  },
  hidden_states: {
    description:
      'What the layers of the model compute: hidden states, attentions, experts, and caches of ' +
      'them for other servers.',
    treatments: ['strip', 'refuse'],
    flags: true,
    spellings: named(
      'return_hidden_states', //  SGLang
      'output_hidden_states', //  Hugging Face
      'hidden_states',
      'output_attentions',
      'additional_model_outputs', //  TensorRT-LLM
      'return_encoder_output', //     TensorRT-LLM
      'output_last_hidden_state', //  LMDeploy
      'return_pooled_hidden_states', // SGLang
      'return_routed_experts', //     SGLang, LMDeploy
      'return_indexer_topk', //       SGLang
      // The servers of a split deployment say these to one another: where a cache goes to.
      'kv_transfer_params', //        vLLM
      'ec_transfer_params', //        vLLM
      'disaggregated_params', //      TensorRT-LLM
      'bootstrap_host', //            SGLang
      'bootstrap_port', //            SGLang
      'bootstrap_room', //            SGLang
    ),
  },
  logits: {
    description:
      'The scores of the whole vocabulary, or of all classes, before they are probabilities.',
    treatments: ['strip', 'refuse'],
    flags: true,
    spellings: named(
      'return_context_logits', //     TensorRT-LLM
      'return_generation_logits', //  TensorRT-LLM
      'return_logits',
      'output_logits', //  Hugging Face
      'output_scores', //  Hugging Face
      'raw_scores', //     TEI
      'function_to_apply', // Hugging Face: none at all, for classes
    ),
  },
} as const satisfies Record<string, Parameter>

/** A canonical name. */
export type ParameterName = keyof typeof PARAMETERS

/** All canonical names. */
export const PARAMETER_NAMES = Object.keys(PARAMETERS) as readonly ParameterName[]

/** Objects within a body, or within one another, that hold parameters. */
export const PARAMETER_OBJECTS = [
  'parameters', //          TGI, Open Inference Protocol, Vertex
  'options', //             Ollama
  'sampling_params', //     vLLM /inference/v1/generate, SGLang
  'sampling_parameters', // the vLLM backend of Triton: JSON within a string, which is refused
  'generation_config',
  'generationConfig', //    Gemini
  'inferenceConfig', //     Bedrock
  'textGenerationConfig', // Titan
  'additionalModelRequestFields', // Bedrock
  'generate_kwargs',
  'model_kwargs',
  'extra_body',
  'params', //              MLflow pyfunc
  'generation_kwargs',
  'return_options', //      watsonx
  'session', //             OpenAI realtime
  'data_source', //         OpenAI evals
] as const

/**
 * Fields at the top of a body that name where requests are to be read from: a file, a bucket. Their
 * parameters are not here, so that where one is limited they are refused.
 */
export const REQUEST_SOURCES = [
  'input_file_id', //   OpenAI, Azure OpenAI, SGLang: batches
  'inputDataConfig', // Bedrock: CreateModelInvocationJob
  'inputConfig', //     Vertex AI: batchPredictionJobs; SageMaker
  'TransformInput', //  SageMaker: CreateTransformJob
] as const

/** The same as a header: SageMaker, InvokeEndpointAsync. */
export const REQUEST_SOURCE_HEADER = 'x-amzn-sagemaker-inputlocation'

/**
 * Lists of inputs. A tabular model may have a feature of any name, so that nothing is changed in
 * their elements: a parameter found there is refused. A tensor that is named like a parameter
 * (`inputs: [{name: max_tokens}]`, Open Inference Protocol) is one.
 */
export const INPUT_LISTS = [
  'instances',
  'inputs',
  'requests',
  'dataframe_records',
  'dataframe_split', // MLflow pyfunc: names in `columns`
  'input_data', //      Azure ML: with an object of parameters within
] as const

/** Where a parameter is written when it is added, by the end of a route's path. */
export interface AddedSpelling {
  /** Route packs it holds for; every pack when absent. */
  readonly packs?: readonly string[]
  /** How the path template of the route ends. */
  readonly pathEnd: string
  /** Path of the field within the body. */
  readonly field: readonly [string] | readonly [string, string]
  /** Dotted paths of other fields that the API obeys as well: where one is, nothing is added. */
  readonly also?: readonly string[]
}

/** Protobuf takes a field by either of its names. */
const GEMINI = [
  'generationConfig.max_output_tokens',
  'generation_config.maxOutputTokens',
  'generation_config.max_output_tokens',
]

/**
 * How `max_tokens` is spelt where it is added; the first row that fits, else `max_tokens` at the top
 * of the body, which is what the other APIs call it (Triton's generate included). What is not named
 * here is ignored by that API, so that a length written there is none: `num_predict` to vLLM.
 */
export const ADDED_MAX_TOKENS: readonly AddedSpelling[] = [
  { packs: ['ollama', 'tgi'], pathEnd: '/chat/completions', field: ['max_tokens'] },
  { pathEnd: '/chat/completions', field: ['max_tokens'], also: ['max_completion_tokens'] },
  { pathEnd: '/v1/responses', field: ['max_output_tokens'] },
  { pathEnd: '/v1/complete', field: ['max_tokens_to_sample'] },
  { pathEnd: '/inference/v1/generate', field: ['sampling_params', 'max_tokens'] },
  { pathEnd: '/api/generate', field: ['options', 'num_predict'] },
  { pathEnd: '/api/chat', field: ['options', 'num_predict'] },
  { packs: ['sglang'], pathEnd: '/generate', field: ['sampling_params', 'max_new_tokens'] },
  { packs: ['tgi'], pathEnd: '/', field: ['parameters', 'max_new_tokens'] },
  { packs: ['tgi'], pathEnd: '/generate', field: ['parameters', 'max_new_tokens'] },
  { packs: ['tgi'], pathEnd: '/generate_stream', field: ['parameters', 'max_new_tokens'] },
  { packs: ['llamacpp'], pathEnd: '/completion', field: ['n_predict'] },
  { pathEnd: ':generateContent', field: ['generationConfig', 'maxOutputTokens'], also: GEMINI },
  {
    pathEnd: ':streamGenerateContent',
    field: ['generationConfig', 'maxOutputTokens'],
    also: GEMINI,
  },
  { pathEnd: '/converse', field: ['inferenceConfig', 'maxTokens'] },
  { pathEnd: '/converse-stream', field: ['inferenceConfig', 'maxTokens'] },
]
