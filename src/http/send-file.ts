import type { IncomingMessage, ServerResponse } from 'node:http'
import type { ReadableFile } from '../base/readable-file.ts'
import { written } from './job-stream.ts'

/** A file that may leave: every byte of it was checked. */
export interface CheckedFile {
  handle: ReadableFile
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

/** Bytes read at a time. */
export const READ_BYTES = 256 * 1024

async function sendRange(
  handle: ReadableFile,
  request: IncomingMessage,
  response: ServerResponse,
  { start, end }: ByteRange,
): Promise<void> {
  if (request.method === 'HEAD') return void response.end()
  if (handle.bytes) return void response.end(handle.bytes.subarray(start, end + 1))
  await sendFrom(handle, response, { start, end })
}

/** Ends the answer with these bytes. One buffer is read while the other is being sent; both are used again. */
export async function sendFrom(
  handle: ReadableFile,
  response: ServerResponse,
  { start, end }: ByteRange,
): Promise<void> {
  const length = Math.min(READ_BYTES, end + 1 - start)
  const buffers = [Buffer.allocUnsafeSlow(length), Buffer.alloc(0)]
  let sent = Promise.resolve()
  for (let position = start; position <= end; position += READ_BYTES) {
    const buffer = buffers[0]!.subarray(0, end + 1 - position)
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, position)
    await sent
    if (response.destroyed) return
    if (bytesRead !== buffer.length) return void response.destroy() // cut short under us
    if (position + buffer.length > end) return void response.end(buffer)
    sent = written(response, buffer)
    buffers[1] = buffers[1]!.length > 0 ? buffers[1]! : Buffer.allocUnsafeSlow(READ_BYTES)
    buffers.reverse()
  }
  response.end()
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
