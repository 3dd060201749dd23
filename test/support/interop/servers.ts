/** The real servers, each on a free port of 127.0.0.1 with a folder of its own. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PROJECT } from '../build.ts'
import { runModule } from './run-module.ts'
import { freePort, installed, startServer } from './processes.ts'

/** A server that is running. */
export interface RealServer {
  readonly url: string
  readonly port: number
  readonly dir: string
  close(): Promise<void>
}

/** The folder of the Python files of these tests. */
export const PYTHON_DIR = join(PROJECT, 'test/interop/python')

const S3_ENV = {
  AWS_ACCESS_KEY_ID: 'test',
  AWS_SECRET_ACCESS_KEY: 'test-secret',
  AWS_DEFAULT_REGION: 'us-east-1',
}

interface Launch {
  /** Below what was installed. */
  readonly program: string
  /** @param port where it listens */
  args(port: number, dir: string): readonly string[]
  readonly env?: Readonly<Record<string, string>>
  readonly healthPath: string
  readonly prepare?: (dir: string, port: number) => Promise<void>
}

async function launch(options: Launch): Promise<RealServer> {
  const dir = await mkdtemp(join(tmpdir(), 'modelgate-interop-'))
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  await options.prepare?.(dir, port)
  const running = await startServer({
    program: installed(options.program),
    args: options.args(port, dir),
    cwd: dir,
    url: `${url}${options.healthPath}`,
    ...(options.env === undefined ? {} : { env: options.env }),
  }).catch(async (error: unknown) => {
    await rm(dir, { recursive: true, force: true })
    throw error
  })
  return {
    url,
    port,
    dir,
    close: async () => {
      await running.end()
      await rm(dir, { recursive: true, force: true })
    },
  }
}

/** An S3-compatible server (moto) with one bucket. */
export async function startS3(bucket: string): Promise<RealServer> {
  const server = await launch({
    program: 'mlflow/bin/moto_server',
    args: (port) => ['--host', '127.0.0.1', '--port', String(port)],
    healthPath: '/',
  })
  const made = await fetch(`${server.url}/${bucket}`, { method: 'PUT' })
  if (made.ok) return server
  await server.close()
  throw new Error(`the bucket was not made: ${made.status}`)
}

/** `mlflow server`: tracking, registry, and artifacts that it keeps in an S3 bucket itself. */
export async function startMlflow(s3: RealServer, bucket: string): Promise<RealServer> {
  return launch({
    program: 'mlflow/bin/mlflow',
    args: (port, dir) => [
      ...['server', '--host', '127.0.0.1', '--port', String(port), '--workers', '1'],
      ...['--backend-store-uri', `sqlite:///${join(dir, 'mlflow.db')}`],
      ...['--serve-artifacts', '--artifacts-destination', `s3://${bucket}`],
    ],
    env: { ...S3_ENV, MLFLOW_S3_ENDPOINT_URL: s3.url },
    healthPath: '/health',
  })
}

/** `mlflow models serve` with a scikit-learn model. */
export async function startMlflowModel(): Promise<RealServer> {
  return launch({
    program: 'mlflow/bin/mlflow',
    args: (port) => [
      ...['models', 'serve', '--model-uri', 'model', '--env-manager', 'local'],
      ...['--host', '127.0.0.1', '--port', String(port)],
    ],
    // It starts `uvicorn`, wherever that is.
    env: { PATH: `${installed('mlflow/bin')}:${process.env['PATH'] ?? ''}` },
    healthPath: '/ping',
    prepare: (dir) => runModule('mlflow', 'save_model', dir),
  })
}

/** Seldon MLServer with a scikit-learn model, REST and gRPC. */
export async function startMlserver(): Promise<RealServer & { readonly grpcPort: number }> {
  const [grpcPort, metricsPort] = [await freePort(), await freePort()]
  const settings = (port: number) => ({
    host: '127.0.0.1',
    http_port: port,
    grpc_port: grpcPort,
    metrics_port: metricsPort,
    parallel_workers: 0,
  })
  const model = {
    name: 'iris',
    implementation: 'mlserver_sklearn.SKLearnModel',
    parameters: { uri: './model.joblib', version: 'v1' },
  }
  const server = await launch({
    program: 'mlserver/bin/mlserver',
    args: () => ['start', '.'],
    healthPath: '/v2/models/iris/ready',
    prepare: async (dir, port) => {
      await writeFile(join(dir, 'settings.json'), JSON.stringify(settings(port)))
      await writeFile(join(dir, 'model-settings.json'), JSON.stringify(model))
      await runModule('mlserver', 'save_joblib', dir)
    },
  })
  return { ...server, grpcPort }
}

/** A BentoML service with one API of its own, `predict`. */
export async function startBentoml(): Promise<RealServer> {
  return launch({
    program: 'bentoml/bin/bentoml',
    args: (port) => [
      ...['serve', 'bento_service:Iris', '--working-dir', PYTHON_DIR],
      ...['--host', '127.0.0.1', '--port', String(port)],
    ],
    healthPath: '/readyz',
  })
}

/** The OCI registry of the distribution project, in a folder. */
export async function startRegistry(): Promise<RealServer> {
  return launch({
    program: 'registry/registry',
    args: () => ['serve', 'config.yml'],
    healthPath: '/v2/',
    prepare: (dir, port) =>
      writeFile(
        join(dir, 'config.yml'),
        JSON.stringify({
          version: 0.1,
          storage: { filesystem: { rootdirectory: join(dir, 'data') }, delete: { enabled: true } },
          http: { addr: `127.0.0.1:${port}`, secret: 'for-tests-only', relativeurls: true },
        }),
      ),
  })
}
