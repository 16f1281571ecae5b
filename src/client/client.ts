/**
 * The XferCommand client: one file from the daemon into TMP. Run by the sh front as
 * `node client.cjs CONFIG SOCKET START URL TMP NAME PARENT`; it loads almost nothing.
 * Exits 0 when TMP is whole, 65 when the mirrors' bytes are wrong, else 75: the front then asks the mirror.
 */
import { closeSync, openSync, readFileSync, unlinkSync, writeSync } from 'node:fs'
import { connect } from 'node:net'
import { isatty } from 'node:tty'
import { systemCode } from '../base/error.ts'
import { progressLine, sourcesLine } from '../base/progress.ts'
import {
  curlEnvironment,
  type EndFrame,
  FRAME_BYTES,
  FrameType,
  type ProgressFrame,
  type StartFrame,
} from '../http/fetch-stream.ts'
import { createAnswerReader } from './answer-reader.ts'

const EXIT = { done: 0, mismatch: 65, mirror: 75, interrupted: 130 }
/** A daemon that hasn't begun to answer by then is hung (DESIGN.md, a request, step 1). */
const FIRST_BYTE_MS = 500
/** Heartbeats come every 200 ms: a daemon that stops in the middle is left after this. */
const SILENCE_MS = 2000
const STANDARD_OUTPUT = 1

const [config, socketPath, start, url, tmp, name, parent] = process.argv.slice(2) as [
  string,
  string,
  string,
  string,
  string,
  string,
  string,
]

const output = { fd: -1, written: 0 }
const shown = { done: 0, size: 0, since: performance.now(), columns: 0, last: -1000 }

process.on('SIGINT', () => leave(EXIT.interrupted))
process.on('SIGTERM', () => leave(EXIT.interrupted))
attach(start !== 'no')

function leave(status: number): never {
  if (status !== EXIT.done) {
    try {
      unlinkSync(tmp)
    } catch {} // the front, interrupted too, was quicker
  }
  process.exit(status)
}

/** `mayStart`: when nobody listens, a daemon may be started, once. */
function attach(mayStart: boolean): void {
  const read = createAnswerReader({ onData: write, onFrame })
  let takes = 0
  let timer = patience(FIRST_BYTE_MS)
  const buffer = Buffer.allocUnsafeSlow(FRAME_BYTES)
  const socket = connect({ path: socketPath, onread: { buffer, callback: take } })

  socket.on('connect', () => socket.write(request()))
  socket.on('end', () => leave(EXIT.mirror))
  socket.on('error', (error) => {
    const nobody = ['ENOENT', 'ECONNREFUSED'].includes(systemCode(error) ?? '')
    if (!nobody || !mayStart) leave(EXIT.mirror)
    clearTimeout(timer)
    startDaemon()
  })

  /** On a busy machine it may be this process that was late: what lies in the socket by now still counts. */
  function patience(ms: number) {
    const before = takes
    return setTimeout(() => setImmediate(() => takes === before && leave(EXIT.mirror)), ms)
  }

  function take(length: number, bytes: Uint8Array): boolean {
    clearTimeout(timer)
    takes++
    timer = patience(SILENCE_MS)
    try {
      read(bytes.subarray(0, length))
    } catch {
      leave(EXIT.mirror) // no room beside OUT, or no daemon of ours behind that socket
    }
    return true
  }
}

function request(): string {
  const transaction = transactionOf(parent)
  const body = JSON.stringify({ url, environment: curlEnvironment(process.env), transaction })
  const head = 'POST /v1/fetch HTTP/1.0\r\nHost: localhost\r\nContent-Type: application/json'
  return `${head}\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`
}

/** Which pacman calls: pid and start time (proc(5), the 22nd field of stat). Undefined for anybody else. */
function transactionOf(pid: string): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    const start = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]
    return stat.includes('(pacman)') ? `${pid} ${start}` : undefined
  } catch {
    return undefined
  }
}

/** Asking pacman takes its time, and nobody waits for it: in a process of its own. */
function readAhead(): void {
  const { spawn } = require('node:child_process') as typeof import('node:child_process')
  const options = { detached: true, stdio: 'ignore' as const }
  spawn(process.execPath, [`${__dirname}/ahead.cjs`, socketPath, parent], options)
    .on('error', () => {})
    .unref()
}

/** All about starting a daemon is in a bundle of its own: it happens once, not once a file. */
function startDaemon(): void {
  const starter = require('./start.cjs') as typeof import('./start.ts')
  starter.startDaemon(config, socketPath).then(
    (started) => (started ? attach(false) : leave(EXIT.mirror)),
    () => leave(EXIT.mirror),
  )
}

function write(bytes: Uint8Array): void {
  if (output.fd < 0) output.fd = openSync(tmp, 'w')
  for (let at = 0; at < bytes.length; ) at += writeSync(output.fd, bytes, at)
  output.written += bytes.length
  show(output.written)
}

function onFrame(type: number, text: string): void {
  if (type === FrameType.start) begin(JSON.parse(text) as StartFrame)
  else if (type === FrameType.progress) show((JSON.parse(text) as ProgressFrame).done)
  else if (type === FrameType.rewind) rewind()
  else if (type === FrameType.aheadWanted) readAhead()
  else if (type === FrameType.end) end(JSON.parse(text) as EndFrame)
}

function begin({ size }: StartFrame): void {
  shown.size = size
  if (isatty(STANDARD_OUTPUT)) shown.columns = process.stdout.columns || 80
}

/** What came was wrong: the file begins anew, in the same temporary file. */
function rewind(): void {
  shown.done = 0
  if (output.fd < 0) return
  closeSync(output.fd)
  output.fd = -1
  output.written = 0
}

/** What the daemon has runs ahead of what it has handed over. */
function show(done: number): void {
  shown.done = Math.max(shown.done, done)
  const now = performance.now()
  if (shown.columns === 0 || now - shown.last < 100) return
  shown.last = now
  draw(shown.done, '\r')
}

function draw(done: number, ending: string): void {
  const progress = { name, done, size: shown.size, elapsed: performance.now() - shown.since }
  writeSync(STANDARD_OUTPUT, progressLine(progress, shown.columns) + ending)
}

function end(frame: EndFrame): void {
  if (frame.result === 'mismatch') {
    writeSync(2, `pacsrv-xfer: ${frame.reason}\n`)
    leave(EXIT.mismatch)
  }
  if (frame.result !== 'done' || output.written !== shown.size) leave(EXIT.mirror)
  if (shown.columns > 0) draw(shown.size, '\n')
  else writeSync(STANDARD_OUTPUT, `${sourcesLine(name, frame)}\n`)
  leave(EXIT.done)
}
