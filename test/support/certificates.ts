/** Certificates for tests, made with the `openssl` command; Node can use them but not make them. */
import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** Paths of a certificate and its key, PEM. */
export interface Certificate {
  readonly certFile: string
  readonly keyFile: string
}

/** Something that signs certificates. */
export interface Authority extends Certificate {
  /** A certificate for `name`, and for 127.0.0.1 and localhost, good for a day. */
  issue(name: string, usage: 'serverAuth' | 'clientAuth'): Promise<Certificate>
}

/** Makes a certificate authority whose files are below `dir`. @throws Error without openssl */
export async function createAuthority(dir: string, name: string): Promise<Authority> {
  const files = pathsOf(dir, name)
  await openssl([
    ...['req', '-x509', '-days', '1', '-subj', `/CN=${name}`],
    ...newKey(files.keyFile),
    ...['-out', files.certFile],
  ])
  return {
    ...files,
    async issue(leaf, usage) {
      const made = pathsOf(dir, `${name}-${leaf}`)
      const request = join(dir, `${name}-${leaf}.csr`)
      const extensions = join(dir, `${name}-${leaf}.ext`)
      const names = 'subjectAltName=DNS:localhost,IP:127.0.0.1'
      await writeFile(extensions, `${names}\nextendedKeyUsage=${usage}\n`)
      await openssl(['req', '-subj', `/CN=${leaf}`, ...newKey(made.keyFile), '-out', request])
      await openssl([
        ...['x509', '-req', '-in', request, '-days', '1', '-extfile', extensions],
        ...['-CA', files.certFile, '-CAkey', files.keyFile, '-CAcreateserial'],
        ...['-out', made.certFile],
      ])
      return made
    },
  }
}

function pathsOf(dir: string, name: string): Certificate {
  return { certFile: join(dir, `${name}.crt`), keyFile: join(dir, `${name}.key`) }
}

function newKey(file: string): string[] {
  return ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', file]
}

async function openssl(args: readonly string[]): Promise<void> {
  try {
    await run('openssl', [...args])
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    throw new Error(
      'the tests of TLS need the openssl command: install the package openssl of your system ' +
        '(apt install openssl, dnf install openssl, brew install openssl)',
      { cause: error },
    )
  }
}
