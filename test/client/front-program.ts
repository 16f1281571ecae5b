/** The native front for tests: built once a run with ASan and UBSan, and what a daemon might say to it. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { buildFront } from '../../src/client/build-front.ts'
import { buildScripts } from '../../src/client/build-scripts.ts'
import { FrameType } from '../../src/http/fetch-stream.ts'

/** Puts the front and the mirrors' script into a folder as they are installed; the bundles in it are empty. */
export function installFront(folder: string): string {
  const program = join(folder, 'pacsrv-xfer')
  buildFront(program, { sanitize: true })
  buildScripts(folder)
  for (const name of ['main.cjs', 'start.cjs', 'ahead.cjs']) writeFileSync(join(folder, name), '')
  return program
}

export const HEAD = 'HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n'

export function frame(type: number, body: string | Buffer = ''): Buffer {
  const bytes = Buffer.from(body)
  const head = Buffer.alloc(5)
  head[0] = type
  head.writeUInt32BE(bytes.length, 1)
  return Buffer.concat([head, bytes])
}

export function sizeFrame(size: number | bigint): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64BE(BigInt(size))
  return frame(FrameType.size, bytes)
}

export function progressFrame(done: number, elapsedMs: number): Buffer {
  const bytes = Buffer.alloc(16)
  bytes.writeBigUInt64BE(BigInt(done))
  bytes.writeBigUInt64BE(BigInt(elapsedMs), 8)
  return frame(FrameType.progress, bytes)
}

/** A whole answer. */
export const gives = (content: string, line = 'where it came from') =>
  Buffer.concat([
    Buffer.from(HEAD),
    sizeFrame(Buffer.byteLength(content)),
    frame(FrameType.data, content),
    frame(FrameType.done, line),
  ])

export const sendsToMirror = Buffer.concat([
  Buffer.from(HEAD),
  frame(FrameType.mirror, 'not in the databases'),
])

/** Its request's fields. */
export function fieldsOf(request: string): Record<string, string> {
  const body = request.slice(request.indexOf('\r\n\r\n') + 4)
  const fields = body.split('\0').filter(Boolean)
  return Object.fromEntries(fields.map((field) => [field.split('=')[0], field.slice(field.indexOf('=') + 1)]))
}

/** A stamp of now, or of so many milliseconds ago; `loop`: what it says of whose it is. */
export function writeStamp(socket: string, ageMs = 0, loop = ''): void {
  const stamped = Math.floor(Number(process.hrtime.bigint() / 1_000_000n) - ageMs)
  writeFileSync(`${socket}.alive`, `${stamped} ${loop}`.padEnd(80))
}

/** What a stamp says of a process of one thread. */
export function loopOf(pid: number): string {
  const fields = readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')[1]!.split(' ')
  return `${pid} ${fields[19]} ${Number(fields[11]) + Number(fields[12])}`
}
