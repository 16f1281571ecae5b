/**
 * A mirror that can misbehave, run by mirror.ts in a process of its own: `mirror-server.ts FOLDER PORT`.
 * Told over IPC which rules hold; hands back its request log when asked.
 */
import { type FileHandle, open } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { join, normalize } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { MirrorRequest, Rule } from './mirror.ts'

const folder = process.argv[2]!
const port = Number(process.argv[3])
const PIECE = 64 * 1024
let rules: Rule[] = []
let log: MirrorRequest[] = []
/** How often each rule was met. */
let counts = new Map<Rule, number>()

process.on('message', (message: { ask: number; rules?: Rule[]; clear?: boolean }) => {
  if (message.rules) {
    rules = message.rules
    counts = new Map()
  }
  process.send!({ ask: message.ask, log })
  if (message.clear) log = []
})
process.on('disconnect', () => process.exit())

const server = createServer((request, response) => {
  answer(request, response).catch((error) => response.destroy(error))
})
server.listen(port, () => process.send!({ ask: 0, port: (server.address() as { port: number }).port }))

async function answer(request: IncomingMessage, response: ServerResponse) {
  // As a proxy it is asked for whole URLs.
  const path = decodeURIComponent(request.url!.replace(/^http:\/\/[^/]*/, '').split('?')[0]!)
  const rule: Rule = Object.assign({}, ...rules.filter((each) => isMet(each, path)))
  const record: MirrorRequest = {
    path,
    method: request.method!,
    range: request.headers.range,
    status: 0,
    bytes: 0,
  }
  log.push(record)
  if (rule.delay) await sleep(rule.delay)
  const reply = (status: number, headers: Record<string, string | number> = {}, body = '') => {
    record.status = status
    record.bytes = body.length
    response.writeHead(status, { 'Content-Length': body.length, ...headers }).end(body)
  }
  const { 'user-agent': agent = '', authorization = '' } = request.headers
  if (rule.agent && !new RegExp(rule.agent).test(agent)) return reply(403, {}, 'Who are you?\n')
  if (rule.auth && authorization !== `Basic ${Buffer.from(rule.auth).toString('base64')}`) {
    return reply(401, { 'WWW-Authenticate': 'Basic realm="lab"' }, 'A password, please.\n')
  }
  if (rule.redirectTo) return reply(302, { Location: rule.redirectTo + request.url! })
  if (rule.redirect) return reply(302, { Location: rule.redirect })
  if (rule.status) return reply(rule.status, {}, `This is the mirror's page for ${rule.status}.\n`)
  if (rule.page) {
    record.status = 200
    if (rule.noLength) response.useChunkedEncodingByDefault = false
    return void response.writeHead(200, { 'Content-Type': 'text/html', Connection: 'close' }).end(rule.page)
  }
  const file = await openFile(rule.stale ?? folder, path)
  if (!file) return reply(404, {}, 'Not found: this page has a body.\n')
  try {
    await serve(file, rule, record, request, response, reply)
  } finally {
    await file.close()
  }
}

function isMet(rule: Rule, path: string): boolean {
  if (!path.includes(rule.path ?? '') || !new RegExp(rule.match ?? '').test(path)) return false
  const count = (counts.get(rule) ?? 0) + 1
  counts.set(rule, count)
  return count >= (rule.from ?? 1)
}

async function openFile(from: string, path: string): Promise<FileHandle | undefined> {
  const file = await open(join(from, normalize(`/${path}`))).catch(() => undefined)
  if (file && !(await file.stat()).isFile()) return file.close().then(() => undefined)
  return file
}

async function serve(
  file: FileHandle,
  rule: Rule,
  record: MirrorRequest,
  request: IncomingMessage,
  response: ServerResponse,
  reply: (status: number, headers?: Record<string, string | number>) => void,
) {
  const { size, mtime } = await file.stat()
  const modified = new Date(Math.floor(mtime.getTime() / 1000) * 1000)
  const since = Date.parse(request.headers['if-modified-since'] ?? '')
  if (since >= modified.getTime()) return reply(304, { 'Last-Modified': modified.toUTCString() })
  const range = rule.noRanges ? undefined : readRange(record.range, size)
  if (range && range.start >= size) return reply(416, { 'Content-Range': `bytes */${size}` })
  const { start, end } = range ?? { start: 0, end: size }
  record.status = range ? 206 : 200
  if (rule.noLength) response.useChunkedEncodingByDefault = false
  response.writeHead(record.status, {
    ...(rule.chunked || rule.noLength ? {} : { 'Content-Length': end - start + (rule.wrongLength ?? 0) }),
    ...(rule.noLength ? { Connection: 'close' } : {}),
    ...(rule.noModified ? {} : { 'Last-Modified': modified.toUTCString() }),
    ...(rule.encoding ? { 'Content-Encoding': rule.encoding } : {}),
    ...(rule.noRanges ? {} : { 'Accept-Ranges': 'bytes' }),
    ...(range ? { 'Content-Range': `bytes ${start}-${end - 1}/${size}` } : {}),
  })
  if (request.method !== 'HEAD') await pump(file, start, end, rule, record, response)
  if (rule.wrongLength) response.socket?.end()
  else if (!response.destroyed) response.end()
}

/** One range only, as curl sends it; anything else is answered whole. */
function readRange(header: string | undefined, size: number): { start: number; end: number } | undefined {
  const found = /^bytes=(\d+)-(\d*)$/.exec(header ?? '')
  if (!found) return undefined
  return { start: Number(found[1]), end: found[2] ? Math.min(Number(found[2]) + 1, size) : size }
}

async function pump(
  file: FileHandle,
  start: number,
  end: number,
  rule: Rule,
  record: MirrorRequest,
  response: ServerResponse,
) {
  const piece = Math.min(PIECE, rule.bytesPerSecond ? Math.ceil(rule.bytesPerSecond / 20) : PIECE)
  const limit = rule.stallAfter ?? rule.dropAfter ?? Number.POSITIVE_INFINITY
  for (let at = start; at < end && !response.destroyed; ) {
    if (record.bytes >= limit) {
      if (rule.dropAfter !== undefined) response.destroy()
      else await new Promise((resolve) => response.once('close', resolve))
      return
    }
    const length = Math.min(piece, end - at, limit - record.bytes)
    const { buffer } = await file.read(Buffer.alloc(length), 0, length, at)
    if (rule.corruptAt !== undefined && rule.corruptAt >= at && rule.corruptAt < at + length) {
      buffer[rule.corruptAt - at]! ^= 0xff
    }
    await new Promise<void>((resolve) => {
      const settle = () => {
        response.off('close', settle)
        resolve()
      }
      // node:http forgets the callback of what is written as the other end goes.
      response.once('close', settle)
      response.write(buffer, settle)
    })
    record.bytes += length
    at += length
    if (rule.bytesPerSecond) await sleep((length / rule.bytesPerSecond) * 1000)
  }
}
