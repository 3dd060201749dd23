/** Archives and codings that artifacts are put into. */
import { deflateRawSync } from 'node:zlib'
import { bytes, u16, u32 } from './bytes.ts'

export interface ZipMember {
  readonly name: string
  readonly data: Buffer
  readonly isDeflated?: boolean
  readonly isEncrypted?: boolean
}

/** A zip archive: local headers, data, directory, end (APPNOTE 4.3). */
export function zip(members: readonly ZipMember[]): Buffer {
  const parts: Buffer[] = []
  const directory: Buffer[] = []
  let at = 0
  for (const { name, data, isDeflated = false, isEncrypted = false } of members) {
    const body = isDeflated ? deflateRawSync(data) : data
    const common = bytes(
      u16(20),
      u16(isEncrypted ? 1 : 0),
      u16(isDeflated ? 8 : 0),
      u32(0),
      u32(checksum(data)),
      u32(body.length),
      u32(data.length),
      u16(name.length),
      u16(0),
    )
    const local = bytes('PK\x03\x04', common, name, body)
    directory.push(
      bytes('PK\x01\x02', u16(20), common, u16(0), u16(0), u16(0), u32(0), u32(at), name),
    )
    parts.push(local)
    at += local.length
  }
  const table = Buffer.concat(directory)
  const count = u16(members.length)
  const end = bytes('PK\x05\x06', u16(0), u16(0), count, count, u32(table.length), u32(at), u16(0))
  return Buffer.concat([...parts, table, end])
}

/** CRC-32 (the runtime has its own only from Node 22 on). */
function checksum(data: Buffer): number {
  let crc = ~0
  for (const byte of data) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0)
  }
  return ~crc >>> 0
}

/** A POSIX tar archive. */
export function tar(members: readonly { readonly name: string; readonly data: Buffer }[]): Buffer {
  const blocks = members.flatMap(({ name, data }) => {
    const head = Buffer.alloc(512)
    head.write(name, 0, 'latin1')
    head.write('0000644\0' + '0000000\0'.repeat(2), 100, 'latin1')
    head.write(`${data.length.toString(8).padStart(11, '0')}\0${'0'.repeat(11)}\0`, 124, 'latin1')
    head.write('        0', 148, 'latin1')
    head.write('ustar\x0000', 257, 'latin1')
    const sum = head.reduce((total, byte) => total + byte, 0)
    head.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1')
    return [head, data, Buffer.alloc((512 - (data.length % 512)) % 512)]
  })
  return Buffer.concat([...blocks, Buffer.alloc(1024)])
}

/** A multipart body of one part. */
export function multipart(data: Buffer, type = 'application/octet-stream'): Buffer {
  const head = `--cut-here\r\nContent-Type: ${type}\r\n\r\n`
  return bytes(head, data, '\r\n--cut-here--\r\n')
}
