/**
 * Holds the tree to the rules of docs/architecture.md that a program can see: `node --import tsx scripts/house.ts`.
 * Prints a line for each break of a rule and exits 1, or prints nothing.
 */
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { parseSync, Visitor } from 'oxc-parser'

/** Imports point down this list, never up. */
const LAYERS = [
  'base',
  'page',
  'figures',
  'wire',
  'net',
  'pacman',
  'overlay',
  'mirror',
  'transfer',
  'discovery',
  'fetch',
  'http',
  'daemon',
  'client',
  'cli',
]
/** Inside a layer, folders likewise. What stands beside the folders is bound by no order. */
const ROOMS: Record<string, string[]> = {
  overlay: ['session', 'neighbours', 'query'],
  fetch: ['file', 'sources', 'trust', 'crowd', 'job', 'signatures'],
}
const FILE_LINES = 300
const FUNCTION_LINES = 150
const BAG_MEMBERS = 10
/** Types of what a part is given. */
const BAGS = /(Deps|Options|Parts)$/

export interface SourceFile {
  /** From the root of the project. */
  path: string
  text: string
}

/** The rules that a tree breaks, one sentence each. Tests may be as long as they like. */
export function houseFaults(files: SourceFile[]): string[] {
  const own = files.filter(({ path }) => !path.startsWith('test/'))
  const typescript = own.filter(({ path }) => /\.(ts|c?js)$/.test(path)).map(read)
  const sources = typescript.filter(({ path }) => path.startsWith('src/'))
  return [
    ...own.flatMap(longFiles),
    ...own.filter(({ path }) => !/\.(ts|c?js)$/.test(path)).flatMap(longFunctionsOfC),
    ...typescript.flatMap(({ path, functions }) =>
      functions
        .filter(({ lines }) => lines > FUNCTION_LINES)
        .map(
          ({ line, lines }) => `${path}:${line}: a function of ${lines} lines (${FUNCTION_LINES} at most)`,
        ),
    ),
    ...largeBags(sources),
    ...sources.flatMap(({ path, casts }) =>
      path.startsWith('src/fetch/job/')
        ? casts.map((line) => `${path}:${line}: a cast on a part of a job`)
        : [],
    ),
    ...doubleTypes(sources),
    ...sources.flatMap(importsUp),
    ...cycles(sources),
  ]
}

/** `from`: the types that it takes members over from. */
interface Bag {
  name: string
  members: number
  from: string[]
}

interface ReadFile {
  path: string
  imports: string[]
  types: string[]
  functions: { line: number; lines: number }[]
  bags: Bag[]
  /** Lines of `!` on anything but an element of a list, and of `as` but `as const`. */
  casts: number[]
}

function read({ path, text }: SourceFile): ReadFile {
  const { program, module } = parseSync(path, text)
  const found: ReadFile = { path, imports: [], types: [], functions: [], bags: [], casts: [] }
  const lineOf = (at: number) => text.slice(0, at).split('\n').length
  const span = ({ start, end }: { start: number; end: number }) =>
    void found.functions.push({ line: lineOf(start), lines: lineOf(end) - lineOf(start) + 1 })
  for (const { moduleRequest } of module.staticImports) found.imports.push(moduleRequest.value)
  for (const { entries } of module.staticExports) {
    for (const { moduleRequest } of entries) if (moduleRequest) found.imports.push(moduleRequest.value)
  }
  new Visitor({
    FunctionDeclaration: span,
    FunctionExpression: span,
    ArrowFunctionExpression: span,
    ExportNamedDeclaration({ declaration }) {
      const isType =
        declaration?.type === 'TSInterfaceDeclaration' || declaration?.type === 'TSTypeAliasDeclaration'
      if (isType) found.types.push(declaration.id.name)
    },
    TSInterfaceDeclaration({ id, body, extends: bases }) {
      const from = bases.map(({ expression }) => text.slice(expression.start, expression.end))
      found.bags.push({ name: id.name, members: body.body.length, from })
    },
    TSTypeAliasDeclaration({ id, typeAnnotation }) {
      const parts = typeAnnotation.type === 'TSIntersectionType' ? typeAnnotation.types : [typeAnnotation]
      const members = parts.reduce(
        (sum, part) => sum + (part.type === 'TSTypeLiteral' ? part.members.length : 0),
        0,
      )
      const from = parts.map(({ start, end }) => text.slice(start, end))
      found.bags.push({ name: id.name, members, from })
    },
    TSTypeLiteral({ members, start }) {
      const before = text.slice(0, start)
      if (/\bcreate\w+\(\s*\{[^{}]*\}: $/.test(before)) {
        found.bags.push({ name: `what line ${lineOf(start)} takes`, members: members.length, from: [] })
      }
    },
    TSNonNullExpression({ expression, start }) {
      if (expression.type !== 'MemberExpression' || !expression.computed) found.casts.push(lineOf(start))
    },
    TSAsExpression({ typeAnnotation, start, end }) {
      const isConst = typeAnnotation.type === 'TSTypeReference' && / as const$/.test(text.slice(start, end))
      if (!isConst) found.casts.push(lineOf(start))
    },
  }).visit(program)
  return found
}

function longFiles({ path, text }: SourceFile): string[] {
  const lines = text.split('\n').length - 1
  return lines > FILE_LINES ? [`${path}: ${lines} lines (${FILE_LINES} at most)`] : []
}

/** A function of C or sh begins with a brace at the end of a line that isn't indented, and ends with one at a line's start. */
function longFunctionsOfC({ path, text }: SourceFile): string[] {
  let began = 0
  return text.split('\n').flatMap((line, index) => {
    if (/^(\w.*\)\s*\{|\{)$/.test(line)) began = index
    const lines = index - began + 1
    if (line !== '}' || lines <= FUNCTION_LINES) return []
    return [`${path}:${began + 1}: a function of ${lines} lines (${FUNCTION_LINES} at most)`]
  })
}

function largeBags(files: ReadFile[]): string[] {
  const shared = new Map(files.flatMap(({ bags }) => bags.map((bag) => [bag.name, bag])))
  return files.flatMap(({ path, bags }) => {
    const known = new Map([...shared, ...bags.map((bag) => [bag.name, bag] as const)])
    const count = ({ members, from }: Bag, seen: string[] = []): number =>
      from.reduce((sum, name) => {
        const base = seen.includes(name) ? undefined : known.get(name)
        return sum + (base ? count(base, [...seen, name]) : 0)
      }, members)
    return bags
      .filter((bag) => BAGS.test(bag.name) || bag.name.startsWith('what line'))
      .filter((bag) => count(bag) > BAG_MEMBERS)
      .map((bag) => `${path}: ${bag.name} has ${count(bag)} members (${BAG_MEMBERS} at most)`)
  })
}

function doubleTypes(files: ReadFile[]): string[] {
  const where = new Map<string, string[]>()
  for (const { path, types } of files) {
    for (const name of types) where.set(name, [...(where.get(name) ?? []), path])
  }
  return [...where].flatMap(([name, paths]) =>
    paths.length > 1 ? [`the type ${name} is exported by ${paths.join(' and ')}`] : [],
  )
}

const resolved = (path: string, specifier: string) => normalize(join(dirname(path), specifier))
const ownImports = ({ path, imports }: ReadFile) =>
  imports.filter((specifier) => specifier.startsWith('.')).map((specifier) => resolved(path, specifier))

function importsUp(file: ReadFile): string[] {
  const [layer, room] = placeOf(file.path)
  if (layer < 0) return [`${file.path}: its folder is none of the rooms`]
  return ownImports(file)
    .filter((target) => target.startsWith('src/'))
    .filter((target) => {
      const [itsLayer, itsRoom] = placeOf(target)
      return itsLayer > layer || (itsLayer === layer && room >= 0 && itsRoom > room)
    })
    .map((target) => `${file.path} imports ${target}, which lies above it`)
}

function placeOf(path: string): [layer: number, room: number] {
  const [, layer = '', room = ''] = path.split('/')
  return [LAYERS.indexOf(layer), ROOMS[layer]?.indexOf(room) ?? -1]
}

function cycles(files: ReadFile[]): string[] {
  const edges = new Map(files.map((file) => [file.path, ownImports(file)]))
  const done = new Set<string>()
  const faults: string[] = []
  function walk(path: string, way: string[]) {
    const at = way.indexOf(path)
    if (at >= 0) faults.push(`a cycle of imports: ${[...way.slice(at), path].join(' → ')}`)
    if (at >= 0 || done.has(path)) return
    for (const target of edges.get(path) ?? []) walk(target, [...way, path])
    done.add(path)
  }
  for (const path of edges.keys()) walk(path, [])
  return faults
}

/** What git knows of, or would be told of; programs without an ending among them. */
function tracked(): SourceFile[] {
  const listed = ['ls-files', '--cached', '--others', '--exclude-standard']
  const paths = execFileSync('git', listed, { encoding: 'utf8' }).trim().split('\n')
  return [...new Set(paths)]
    .filter((path) => existsSync(path))
    .filter((path) => /\.(ts|js|cjs|c|h|sh)$/.test(path) || /^(libalpm|\.ci)\//.test(path))
    .map((path) => ({ path, text: readFileSync(path, 'utf8') }))
}

if (process.argv[1] === import.meta.filename) {
  const faults = houseFaults(tracked())
  for (const fault of faults) console.error(fault)
  process.exitCode = faults.length > 0 ? 1 : 0
}
