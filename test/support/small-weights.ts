/** Small files of weights that are real, for tests of frames and calls. */
import { floats, le32, le64, latin } from './answers/bytes.ts'

/** A tensor in safetensors. */
export function safetensorsFile(bytes = 20_000): Buffer {
  const tensor = { dtype: 'F32', shape: [bytes / 4], data_offsets: [0, bytes] }
  const header = latin(JSON.stringify({ 'model.layers.0.mlp.weight': tensor }))
  return Buffer.concat([le64(header.length), header, floats(bytes / 4, 3)])
}

/** A tensor in GGUF version 3. */
export function ggufFile(bytes = 20_000): Buffer {
  const text = (value: string): Buffer => Buffer.concat([le64(value.length), latin(value)])
  const key = Buffer.concat([text('general.architecture'), le32(8), text('llama')])
  const tensor = [text('token_embd.weight'), le32(1), le64(bytes / 4), le32(0), le64(0)]
  const head = [latin('GGUF'), le32(3), le64(1), le64(1), key, ...tensor]
  return Buffer.concat([...head, Buffer.alloc(32), floats(bytes / 4, 4)])
}
