import type { FileHandle } from 'node:fs/promises'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { pipeline } from 'node:stream/promises'

/** A file that may leave: every byte of it was checked. */
export interface CheckedFile {
  handle: FileHandle
  size: number
  /** The same for the file whenever and from wherever it is sent. */
  modified: Date
}

/** Which bytes are to be sent; `end` is the last of them. */
export interface ByteRange {
  start: number
  end: number
}

/** What HTTP's conditions and ranges (RFC 9110, 13 and 14) come to for a file of `size` bytes. */
export type Reply =
  | { status: 200; range: ByteRange }
  | { status: 206; range: ByteRange }
  | { status: 304 }
  | { status: 416 }

/** Times are compared by the second, which is all that HTTP's dates have. */
export function replyFor(
  headers: IncomingMessage['headers'],
  { size, modified }: { size: number; modified: Date },
): Reply {
  const second = Math.floor(modified.getTime() / 1000)
  const secondOf = (date: unknown) => Date.parse(String(date)) / 1000
  if (headers['if-none-match'] === undefined && secondOf(headers['if-modified-since']) >= second) {
    return { status: 304 }
  }
  const sameFile = headers['if-range'] === undefined || secondOf(headers['if-range']) === second
  const range = sameFile ? parseRange(headers.range, size) : undefined
  if (range === 'unsatisfiable') return { status: 416 }
  return range ? { status: 206, range } : { status: 200, range: { start: 0, end: size - 1 } }
}

/** One range of bytes. All else (several, other units, no sense) is passed over: the whole is an answer too. */
export function parseRange(
  header: string | undefined,
  size: number,
): ByteRange | 'unsatisfiable' | undefined {
  const [, first, last] = /^bytes=\s*(\d*)-(\d*)\s*$/i.exec(header ?? '') ?? []
  if (first === undefined || last === undefined || first + last === '') return undefined
  if (first === '') {
    const bytes = Math.min(size, Number(last))
    return bytes > 0 ? { start: size - bytes, end: size - 1 } : 'unsatisfiable'
  }
  const start = Number(first)
  if (last !== '' && Number(last) < start) return undefined
  if (start >= size) return 'unsatisfiable'
  return { start, end: last === '' ? size - 1 : Math.min(size - 1, Number(last)) }
}

/** The head of a reply; for 304 and 416 that is all there is, and the answer ends. */
export function writeReply(
  response: ServerResponse,
  reply: Reply,
  { size, modified }: { size: number; modified: Date },
): void {
  const common = { 'Accept-Ranges': 'bytes', 'Last-Modified': modified.toUTCString() }
  if (reply.status === 304) return void response.writeHead(304, common).end()
  if (reply.status === 416) {
    const none = { 'Content-Range': `bytes */${size}`, 'Content-Length': 0 }
    return void response.writeHead(416, { ...common, ...none }).end()
  }
  const { start, end } = reply.range
  response.writeHead(reply.status, {
    ...common,
    'Content-Type': 'application/octet-stream',
    'Content-Length': end - start + 1,
    ...(reply.status === 206 ? { 'Content-Range': `bytes ${start}-${end}/${size}` } : {}),
  })
}

/** Answers with the file as the request wants it, and closes it. */
export async function sendFile(
  { handle, ...file }: CheckedFile,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  try {
    const reply = replyFor(request.headers, file)
    writeReply(response, reply, file)
    if ('range' in reply) await sendRange(handle, request, response, reply.range)
  } finally {
    await handle.close()
  }
}

/** A file up to this size is read at once: a stream of its own costs more than that. */
const AT_ONCE_BYTES = 256 * 1024

async function sendRange(
  handle: FileHandle,
  request: IncomingMessage,
  response: ServerResponse,
  { start, end }: ByteRange,
): Promise<void> {
  const bytes = end - start + 1
  if (request.method === 'HEAD') response.end()
  else if (bytes <= AT_ONCE_BYTES) {
    const buffer = Buffer.allocUnsafe(bytes)
    const { bytesRead } = await handle.read(buffer, 0, bytes, start)
    if (bytesRead === bytes) response.end(buffer)
    else response.destroy()
  } else {
    const source = handle.createReadStream({ start, end, autoClose: false, highWaterMark: AT_ONCE_BYTES })
    await pipeline(source, response)
  }
}

export function sendBytes(request: IncomingMessage, response: ServerResponse, bytes: Uint8Array): void {
  response.writeHead(200, {
    'Content-Type': 'application/octet-stream',
    'Content-Length': bytes.length,
  })
  response.end(request.method === 'HEAD' ? undefined : bytes)
}

export function notFound(response: ServerResponse): void {
  response.writeHead(404, { 'Content-Length': 0 }).end()
}
