// As much XML as S3 speaks: elements and text, no attributes but the namespace, no mixed content.
export type XmlField = readonly [name: string, content: XmlContent]
export type XmlContent = string | number | boolean | readonly XmlField[] | undefined

const escapeText = (text: string): string =>
  text.replace(/[&<>"\r]/g, (character) => `&#${character.charCodeAt(0)};`)

function xmlField([name, content]: XmlField): string {
  if (content === undefined) return ''
  const inner = Array.isArray(content) ? content.map(xmlField).join('') : escapeText(String(content))
  return `<${name}>${inner}</${name}>`
}

export function xmlDocument(root: string, fields: readonly XmlField[]): string {
  const namespace = root === 'Error' ? '' : ' xmlns="http://s3.amazonaws.com/doc/2006-03-01/"'
  return `<?xml version="1.0" encoding="UTF-8"?>\n<${root}${namespace}>${fields.map(xmlField).join('')}</${root}>`
}

export interface XmlElement {
  readonly name: string
  readonly text: string
  readonly children: readonly XmlElement[]
}

const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" }

const unescapeText = (text: string): string =>
  text.replace(/&(#x?[0-9a-fA-F]+|\w+);/g, (whole, entity: string) => {
    if (entity.startsWith('#x')) return String.fromCodePoint(Number.parseInt(entity.slice(2), 16))
    if (entity.startsWith('#')) return String.fromCodePoint(Number(entity.slice(1)))
    return ENTITIES[entity] ?? whole
  })

/** The root element, or undefined when the text is no XML of this kind. */
export function parseXml(text: string): XmlElement | undefined {
  const token = /<\?[^>]*\?>|<\/([\w:.-]+)\s*>|<([\w:.-]+)[^>]*?(\/?)>|([^<]+)/g
  const stack: { name: string; text: string; children: XmlElement[] }[] = [{ name: '', text: '', children: [] }]
  for (const [, closing, opening, selfClosing, characters] of text.matchAll(token)) {
    const top = stack.at(-1)
    if (top === undefined) return undefined
    if (characters !== undefined) top.text += unescapeText(characters)
    if (opening !== undefined && selfClosing === '/') top.children.push({ name: opening, text: '', children: [] })
    else if (opening !== undefined) stack.push({ name: opening, text: '', children: [] })
    if (closing === undefined) continue
    if (top.name !== closing || stack.length < 2) return undefined
    stack.pop()
    stack.at(-1)?.children.push(top)
  }
  return stack.length === 1 ? stack[0]?.children[0] : undefined
}

export const childText = (element: XmlElement | undefined, name: string): string | undefined =>
  element?.children.find((child) => child.name === name)?.text.trim()

export const childrenNamed = (element: XmlElement, name: string): XmlElement[] =>
  element.children.filter((child) => child.name === name)

export const childNamed = (element: XmlElement | undefined, name: string): XmlElement | undefined =>
  element?.children.find((child) => child.name === name)
