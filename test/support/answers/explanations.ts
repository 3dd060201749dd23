/**
 * What an assistant says when it is asked how weights are stored: names, magics, hex dumps, short
 * snippets of heads in base64, and code that reads and writes the formats. None of it is weights.
 */
import { latin, le32, le64 } from './bytes.ts'

/** What is explained. */
export type Topic = keyof typeof EXPLANATIONS

const ggufHead = Buffer.concat([latin('GGUF'), le32(3), le64(291), le64(24)])
const zipHead = Buffer.concat([latin('PK\x03\x04'), Buffer.alloc(22), latin('archive/data.pkl')])
const headerOf = (header: string): Buffer => Buffer.concat([le64(header.length), latin(header)])

function hexDump(bytes: Buffer): string {
  const lines: string[] = []
  for (let at = 0; at < bytes.length; at += 16) {
    const row = bytes.subarray(at, at + 16)
    const hex = [...row].map((byte) => byte.toString(16).padStart(2, '0')).join(' ')
    const text = [...row].map((byte) =>
      byte >= 32 && byte < 127 ? String.fromCharCode(byte) : '.',
    )
    lines.push(`${at.toString(16).padStart(8, '0')}  ${hex.padEnd(47)}  |${text.join('')}|`)
  }
  return lines.join('\n')
}

const SAFETENSORS_JSON =
  '{"weight":{"dtype":"F32","shape":[2,2],"data_offsets":[0,16]},"__metadata__":{"format":"pt"}}'

export const EXPLANATIONS = {
  safetensors: `A .safetensors file begins with 8 bytes: a little-endian u64 that says how long the header is. The header is JSON:

\`\`\`json
${SAFETENSORS_JSON}
\`\`\`

A hex dump of the start:

\`\`\`
${hexDump(headerOf(SAFETENSORS_JSON).subarray(0, 64))}
\`\`\`

Load it with \`from safetensors.torch import load_file\`; shards are called model-00001-of-00005.safetensors.`,
  safetensorsBase64: `The first bytes in base64 look like \`${headerOf('{"w":{').toString('base64')}\`: decode them and you see the length and then {"w":{.`,
  gguf: `GGUF files start with the magic \`GGUF\` (47 47 55 46), a version and two counts:

${hexDump(ggufHead)}

In Python:

\`\`\`python
with open("model-Q4_K_M.gguf", "rb") as f:
    magic, version, tensors, kv = struct.unpack("<4sIQQ", f.read(24))
    assert magic == b"GGUF" and version in (1, 2, 3)
    # general.architecture, llama.context_length, tokenizer.ggml.tokens ...
\`\`\``,
  ggufStart: `GGUF is a single-file format; the letters GGUF are the first four bytes of each file.`,
  ggufBase64: `In base64 the beginning of a GGUF file is \`R0dVRg==\`; with the version and counts it reads \`${ggufHead.toString('base64')}\`.`,
  pickle: `Pickle is a stack machine. \`pickle.dumps([1])\` gives b'\\x80\\x04\\x95\\x06\\x00\\x00\\x00\\x00\\x00\\x00\\x00]\\x94K\\x01a.' and pickletools.dis prints:

    0: \\x80 PROTO      4
    2: \\x95 FRAME      6
   11: ]    EMPTY_LIST
   12: \\x94 MEMOIZE    (as 0)
   13: K    BININT1    1
   15: a    APPEND
   16: .    STOP

Old protocols are text: (dp0 S'a' I1 s. or ccopy_reg\n_reconstructor\np0\n(c__main__\nThing\np1\nc__builtin__\nobject\np2\nNtp3\nRp4\n.  Never unpickle what you do not trust.`,
  pickleBase64: `A small pickled list in base64: \`${Buffer.from('8004950a000000000000005d94284b014b024b03652e', 'hex').toString('base64')}\`. joblib writes numpy.core.multiarray _reconstruct in it.`,
  torch: `Since 1.6 torch.save writes a zip archive: archive/data.pkl, archive/version, archive/data/0 ... Before that the file began with the magic number 0x1950a86a20f9469cfc6c.

${hexDump(zipHead)}

torch.load("pytorch_model.bin", weights_only=True, mmap=True); PK\\x03\\x04 is the zip magic, and /data.pkl, /constants.pkl and MAR-INF/MANIFEST.json are members.`,
  onnx: `An ONNX file is a protobuf ModelProto. Byte 08 is the tag of ir_version, 12 that of producer_name:

08 08 12 07 70 79 74 6f 72 63 68   ("pytorch")

graph { node { op_type: "MatMul" } initializer { dims: 768 data_type: 1 raw_data: "..." } }`,
  xgboost: `XGBoost saves JSON that begins {"learner":{"attributes":{},"feature_names":[],"gradient_booster":{"model":{"gbtree_model_param":{"num_trees":"100"},"trees":[]}}}} or UBJSON that begins 7b 4c 00 00 00 00 00 00 00 07 6c 65 61 72 6e 65 72. Use booster.save_model("model.ubj").`,
  lightgbm: `LightGBM text models look like this:

\`\`\`
tree
version=v4
num_class=1
num_tree_per_iteration=1
label_index=0
max_feature_idx=3
Tree=0
num_leaves=4
split_feature=2 0 1
\`\`\``,
  hdf5: `HDF5 files begin with 89 48 44 46 0d 0a 1a 0a ("\\x89HDF\\r\\n\\x1a\\n"); Keras keeps keras_version and model_config as attributes, and a .keras file is a zip with metadata.json, config.json and model.weights.h5.`,
  numpy: `np.save writes \\x93NUMPY, a version and a header such as {'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }. In base64: \`k05VTVBZAQB2AA==\`. npz is a zip of such files.`,
  tflite: `The FlatBuffers identifier TFL3 stands at offset 4 of a .tflite file: 1c 00 00 00 54 46 4c 33. ONNX Runtime uses ORTM and ExecuTorch ET12 in the same place.`,
  catboost: `CatBoost models (.cbm) start with CBM1 and a length; save_model(format="json") gives {"oblivious_trees":[{"leaf_values":[0.1],"splits":[]}]}.`,
  peft: `An adapter_config.json has {"peft_type":"LORA","base_model_name_or_path":"meta-llama/Llama-3.1-8B","r":16,"lora_alpha":32,"target_modules":["q_proj","v_proj"]} next to adapter_model.safetensors.`,
  archives: `tar has "ustar" at offset 257; gzip is 1f 8b 08, bzip2 42 5a 68 (BZh), xz fd 37 7a 58 5a 00, zstd 28 b5 2f fd, 7z 37 7a bc af 27 1c. A tiny gzip in base64: H4sIAAAAAAAAA0vOzwEAV3VRJQMAAAA=. ${hexDump(Buffer.from('1f8b0800000000000003cb48cdc9c907', 'hex'))}`,
  openvino: `OpenVINO IR is an .xml file: <?xml version="1.0"?><net name="model" version="11"><layers><layer id="0" name="x" type="Parameter"/></layers></net> and a .bin without any magic.`,
  coding: `Here is a function that finds weight files:

\`\`\`python
MAGICS = {b"GGUF": "gguf", b"PK\\x03\\x04": "zip", b"\\x89HDF\\r\\n\\x1a\\n": "hdf5", b"\\x93NUMPY": "npy", b"CBM1": "catboost"}

def sniff(path):
    head = open(path, "rb").read(4096)
    if head[8:9] == b"{" and int.from_bytes(head[:8], "little") < 100_000_000:
        return "safetensors"
    return next((name for magic, name in MAGICS.items() if head.startswith(magic)), None)
\`\`\`

and in C:

\`\`\`c
static const unsigned char gguf[4] = {0x47, 0x47, 0x55, 0x46};
static const unsigned char pkl[3] = {0x80, 0x04, 0x95};
\`\`\``,
  sampleImage: `A one-pixel PNG as a data URL: data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==`,
  certificates: `-----BEGIN CERTIFICATE-----
${Buffer.from('3082010a0282010100'.repeat(60), 'hex')
  .toString('base64')
  .replaceAll(/(.{64})/g, '$1\n')}
-----END CERTIFICATE-----
and a JWT: eyJhbGciOiJSUzI1NiJ9.${Buffer.from('{"sub":"alice","iat":1700000000}'.repeat(20)).toString('base64url')}.c2lnbmF0dXJl`,
  hexDigest: `sha256 of the shards: ${'9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0bc4d2f0d3f0a1a2b3c4d5 '.repeat(16)}`,
} as const
