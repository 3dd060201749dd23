/** A strict reader of the XML that reports are written in: well-formed or an error, nothing repaired. */

/** An element; `text` is all of its own character data. */
export interface XmlElement {
  readonly name: string
  readonly attributes: Readonly<Record<string, string>>
  readonly children: readonly XmlElement[]
  readonly text: string
}

const NAME = /^[A-Za-z_][A-Za-z0-9_.-]*$/
const CHARACTERS = /^[\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]*$/u
const TAG = /<(\/?)([^\s/>]+)((?:\s+[^\s=]+="[^"<]*")*)\s*(\/?)>/y

interface OpenElement {
  readonly name: string
  readonly attributes: Readonly<Record<string, string>>
  readonly children: XmlElement[]
  text: string
}

const opened = (name: string, attributes: Readonly<Record<string, string>>): OpenElement => ({
  name,
  attributes,
  children: [],
  text: '',
})

/** The root element. @throws Error with what is not well-formed (XML 1.0, without DTD and CDATA) */
export function parseXml(source: string): XmlElement {
  if (!CHARACTERS.test(source)) throw new Error('a character that XML cannot carry')
  const declaration = '<?xml version="1.0" encoding="UTF-8"?>\n'
  if (!source.startsWith(declaration)) throw new Error('no declaration')
  const document = opened('', {})
  const open = [document]
  let at = declaration.length
  while (at < source.length) {
    const next = source.indexOf('<', at)
    const end = next < 0 ? source.length : next
    innermost(open).text += decoded(source.slice(at, end))
    at = next < 0 ? end : readTag(source, next, open)
  }
  const [root, ...others] = document.children
  if (open.length !== 1 || root === undefined || others.length > 0) {
    throw new Error('not one closed root')
  }
  return root
}

/** Opens or closes an element; returns where its tag ends. */
function readTag(source: string, at: number, open: OpenElement[]): number {
  TAG.lastIndex = at
  const [whole, closing, name = '', attributes = '', empty] = TAG.exec(source) ?? []
  if (whole === undefined || !NAME.test(name)) throw new Error(`no tag at ${at}`)
  if (closing === '/') {
    const closed = innermost(open)
    open.pop()
    if (closed.name !== name) throw new Error(`</${name}> closes nothing`)
    innermost(open).children.push(closed)
  } else {
    const element = opened(name, attributesOf(attributes))
    if (empty === '/') innermost(open).children.push(element)
    else open.push(element)
  }
  return at + whole.length
}

function innermost(open: readonly OpenElement[]): OpenElement {
  const element = open.at(-1)
  if (element === undefined) throw new Error('more is closed than was opened')
  return element
}

function attributesOf(text: string): Record<string, string> {
  const found: Record<string, string> = {}
  for (const [, name = '', value = ''] of text.matchAll(/([^\s=]+)="([^"]*)"/g)) {
    if (Object.hasOwn(found, name)) throw new Error(`${name} twice`)
    // A line end in an attribute would be read as a space (XML 1.0 §3.3.3).
    if (/[\t\n\r]/.test(value)) throw new Error('white space that would not survive')
    found[name] = decoded(value)
  }
  return found
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&amp;': '&',
  '&lt;': '<',
  '&gt;': '>',
  '&quot;': '"',
  '&#10;': '\n',
  '&#9;': '\t',
}

function decoded(text: string): string {
  return text.replaceAll(/&[^;]*;?/g, (entity) => {
    const character = ENTITIES[entity]
    if (character === undefined) throw new Error(`${entity} is no entity`)
    return character
  })
}
