/** Answers of registries, hubs, stores and of servers about themselves: JSON, XML, HTML, text. */
import { latin, noise, prose } from './bytes.ts'

const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value))
const list = <T>(count: number, make: (i: number) => T): T[] =>
  Array.from({ length: count }, (_, i) => make(i))
const digest = (i: number): string => `sha256:${noise(32, i + 1).toString('hex')}`

/** MLflow: runs, experiments, registered models and versions. */
export function mlflow({ what = 'runs', count = 20 } = {}): Buffer {
  const run = (i: number) => ({
    info: {
      run_id: noise(16, i).toString('hex'),
      status: 'FINISHED',
      artifact_uri: `mlflow-artifacts:/1/${i}/artifacts`,
    },
    data: {
      metrics: [{ key: 'auc', value: 0.91 + i / 1000, timestamp: 1_760_000_000_000, step: 0 }],
      params: [{ key: 'max_depth', value: '6' }],
      tags: [
        {
          key: 'mlflow.log-model.history',
          value: JSON.stringify([
            {
              artifact_path: 'model',
              flavors: {
                sklearn: { pickled_model: 'model.pkl', serialization_format: 'cloudpickle' },
              },
            },
          ]),
        },
      ],
    },
  })
  const version = (i: number) => ({
    name: 'fraud',
    version: String(i),
    current_stage: 'None',
    source: `mlflow-artifacts:/1/${i}/model`,
    status: 'READY',
  })
  switch (what) {
    case 'runs':
      return json({ runs: list(count, run), next_page_token: 'bmV4dA==' })
    case 'experiments':
      return json({
        experiments: list(count, (i) => ({
          experiment_id: String(i),
          name: `e${i}`,
          lifecycle_stage: 'active',
        })),
      })
    case 'models':
      return json({
        registered_models: list(count, (i) => ({ name: `m${i}`, latest_versions: [version(i)] })),
      })
    case 'versions':
      return json({ model_versions: list(count, version) })
    case 'artifacts':
      return json({
        root_uri: 'mlflow-artifacts:/1/r/artifacts',
        files: list(count, (i) => ({
          path: `model/part-${i}.pkl`,
          is_dir: false,
          file_size: 1_000 * i,
        })),
      })
    default:
      return json({
        metrics: list(count, (i) => ({ key: 'loss', value: 1 / (i + 1), step: i, timestamp: i })),
      })
  }
}

/** Hugging Face: what a model is, its files, its configuration. */
export function huggingFace({ what = 'info', count = 12 } = {}): Buffer {
  const shard = (i: number): string => `model-${String(i).padStart(5, '0')}-of-00012.safetensors`
  switch (what) {
    case 'info':
      return json({
        id: 'org/model',
        sha: noise(20, 3).toString('hex'),
        pipeline_tag: 'text-generation',
        tags: ['transformers', 'safetensors', 'gguf', 'pytorch', 'onnx'],
        siblings: list(count, (i) => ({ rfilename: shard(i) })),
        safetensors: { parameters: { BF16: 8_030_261_248 }, total: 8_030_261_248 },
        gguf: { total: 8_030_261_248, architecture: 'llama', context_length: 131_072 },
      })
    case 'tree':
      return json(
        list(count, (i) => ({
          type: 'file',
          oid: noise(20, i).toString('hex'),
          size: 4_976_698_672,
          path: shard(i),
          lfs: { oid: digest(i).slice(7), size: 4_976_698_672, pointerSize: 135 },
        })),
      )
    case 'config':
      return json({
        architectures: ['LlamaForCausalLM'],
        hidden_size: 4096,
        num_hidden_layers: 32,
        torch_dtype: 'bfloat16',
        vocab_size: 128_256,
      })
    case 'index':
      return json({
        metadata: { total_size: 16_060_522_496 },
        weight_map: Object.fromEntries(
          list(count * 9, (i) => [`model.layers.${i}.mlp.up_proj.weight`, shard(i % count)]),
        ),
      })
    case 'pointer':
      return latin(
        `version https://git-lfs.github.com/spec/v1\noid ${digest(1)}\nsize 4976698672\n`,
      )
    default:
      return json(
        list(count, (i) => ({
          id: `org/m${i}`,
          modelId: `org/m${i}`,
          likes: i,
          downloads: i * 100,
          tags: ['gguf'],
        })),
      )
  }
}

/** A tokenizer: a vocabulary and merges. */
export function tokenizer({ tokens = 2_000, seed = 1 } = {}): Buffer {
  const token = (i: number): string =>
    `${i % 3 === 0 ? 'Ġ' : ''}${noise(4, seed + i).toString('hex')}`
  const vocab = Object.fromEntries(list(tokens, (i) => [token(i), i]))
  const merges = list(tokens, (i) => `${token(i).slice(0, 3)} ${token(i).slice(3)}`)
  return json({ version: '1.0', added_tokens: [], model: { type: 'BPE', vocab, merges } })
}

/** Prometheus text. */
export function prometheus({ series = 200, end = '' } = {}): Buffer {
  const line = (i: number): string =>
    `vllm:request_success_total{model_name="llama",engine="${i}"} ${i * 3}.0`
  const help =
    '# HELP vllm:request_success_total Count of requests.\n# TYPE vllm:request_success_total counter'
  return latin(`${help}\n${list(series, line).join('\n')}\n${end}`)
}

/** An OpenAPI document. */
export function openApi({ paths = 40, yaml = false } = {}): Buffer {
  if (yaml) {
    const path = (i: number): string =>
      `  /v1/thing${i}:\n    get:\n      responses:\n        "200": { description: ok }`
    return latin(
      `openapi: 3.1.0\ninfo: { title: models, version: "1" }\npaths:\n${list(paths, path).join('\n')}\n`,
    )
  }
  const content = { 'application/octet-stream': { schema: { type: 'string', format: 'binary' } } }
  const get = {
    summary: 'Download model.safetensors or a .gguf',
    responses: { 200: { description: 'ok', content } },
  }
  return json({
    openapi: '3.1.0',
    info: { title: 'models', version: '1' },
    paths: Object.fromEntries(list(paths, (i) => [`/v1/thing${i}`, { get }])),
  })
}

/** A page of documentation. */
export function html({ paragraphs = 30, script = true, icon = true } = {}): Buffer {
  const favicon = icon
    ? `<link rel="icon" href="data:image/png;base64,${Buffer.concat([Buffer.from('89504e470d0a1a0a', 'hex'), noise(900)]).toString('base64')}">`
    : ''
  const code = script
    ? '<script>window.ui=SwaggerUIBundle({url:"/openapi.json"});var a=[0x47,0x47,0x55,0x46]</script>'
    : ''
  return latin(
    `<!DOCTYPE html>\n<html><head><title>models</title>${favicon}</head><body>${list(paragraphs, (i) => `<p>${prose(200, i + 1)}</p>`).join('\n')}${code}</body></html>\n`,
  )
}

/** S3: a list of a bucket, an error, and other XML. */
export function s3Xml({ what = 'list', count = 30 } = {}): Buffer {
  const head = '<?xml version="1.0" encoding="UTF-8"?>\n'
  const key = (i: number): string =>
    `<Contents><Key>models/fraud/${i}/model.safetensors</Key><ETag>&quot;${noise(16, i).toString('hex')}&quot;</ETag><Size>${i * 4096}</Size></Contents>`
  if (what === 'list')
    return latin(
      `${head}<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>b</Name>${list(count, key).join('')}</ListBucketResult>`,
    )
  if (what === 'buckets')
    return latin(
      `${head}<ListAllMyBucketsResult><Buckets>${list(count, (i) => `<Bucket><Name>b${i}</Name></Bucket>`).join('')}</Buckets></ListAllMyBucketsResult>`,
    )
  return latin(
    `${head}<Error><Code>NoSuchKey</Code><Message>The specified key does not exist.</Message></Error>`,
  )
}

/** OCI: manifests, an index, tags. */
export function oci({ what = 'manifest', count = 5 } = {}): Buffer {
  const types = [
    'application/vnd.ollama.image.model',
    'application/vnd.ollama.image.license',
    'application/vnd.ollama.image.params',
  ]
  const layer = (i: number) => ({ mediaType: types[i % 3], digest: digest(i), size: 4_661_211_808 })
  const config = {
    mediaType: 'application/vnd.docker.container.image.v1+json',
    digest: digest(99),
    size: 485,
  }
  if (what === 'tags')
    return json({ name: 'library/llama', tags: list(count, (i) => `v${i}-q4_K_M`) })
  if (what === 'catalog') return json({ repositories: list(count, (i) => `library/m${i}`) })
  if (what === 'index')
    return json({
      schemaVersion: 2,
      mediaType: 'application/vnd.oci.image.index.v1+json',
      manifests: list(count, layer),
    })
  return json({
    schemaVersion: 2,
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    config,
    layers: list(count, layer),
  })
}

/** Lists and descriptions of models by the servers that have them. */
export function modelList({ of = 'openai', count = 20 } = {}): Buffer {
  switch (of) {
    case 'openai':
      return json({
        object: 'list',
        data: list(count, (i) => ({
          id: `m${i}`,
          object: 'model',
          owned_by: 'vllm',
          root: `/models/m${i}.gguf`,
        })),
      })
    case 'ollama':
      return json({
        models: list(count, (i) => ({
          name: `m${i}:latest`,
          digest: digest(i).slice(7),
          size: 4_661_224_676,
          details: { format: 'gguf', family: 'llama', quantization_level: 'Q4_0' },
        })),
      })
    case 'ollama-show':
      return json({
        modelfile: `# Modelfile\nFROM /root/.ollama/models/blobs/${digest(1)}\nTEMPLATE "{{ .Prompt }}"\n`,
        details: { format: 'gguf' },
        model_info: { 'general.architecture': 'llama', 'tokenizer.ggml.tokens': null },
      })
    case 'triton':
      return json(list(count, (i) => ({ name: `m${i}`, version: '1', state: 'READY' })))
    default:
      return json({ models: list(count, (i) => `m${i}`) })
  }
}

/** A notebook, whose outputs hold pictures in base64. */
export function notebook(picture: Buffer): Buffer {
  const output = {
    output_type: 'display_data',
    data: { 'image/png': picture.toString('base64') },
    metadata: {},
  }
  const cell = {
    cell_type: 'code',
    source: ['model.save_pretrained("out", safe_serialization=True)'],
    outputs: [output],
  }
  return json({ nbformat: 4, nbformat_minor: 5, metadata: {}, cells: [cell] })
}

/** Lines of a log. */
export function logText({ lines = 200 } = {}): Buffer {
  return latin(
    list(
      lines,
      (i) =>
        `2026-01-01T00:00:${String(i % 60).padStart(2, '0')}Z INFO loaded shard model-${i}.safetensors in ${i} ms`,
    ).join('\n'),
  )
}

/** Markdown of a model card. */
export function modelCard(): Buffer {
  return latin(
    `---\nlibrary_name: gguf\nlicense: mit\n---\n# A model\n\n| file | size |\n| --- | --- |\n| model.Q4_0.gguf | 4.6 GB |\n\n${prose(2_000)}\n`,
  )
}
