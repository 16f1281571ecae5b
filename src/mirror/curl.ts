import { spawn } from 'node:child_process'
import type { Socket } from 'node:net'
import { asError, PacsrvError } from '../base/error.ts'
import { readInPlace } from '../base/in-place.ts'
import { createHeadReader } from './response-head.ts'

/** Bytes of a mirror's file as they come. */
export interface MirrorHandler {
  /** Where the bytes begin: 0 for a mirror that has no ranges. */
  onStart(offset: number): void
  /** Valid only during the call. */
  onBytes(bytes: Uint8Array): void
  /** Exactly once, unless `stop` was called first. */
  onEnd(error: PacsrvError | undefined): void
}

export interface MirrorStream {
  stop(): void
  /** Holds the stream back while writes are behind. */
  pause(): void
  resume(): void
}

export interface MirrorRequest {
  url: string
  /** First byte wanted, and the last if not the file's end. */
  start: number
  end?: number
  /** Bytes of the whole file. */
  size: number
  /** The caller's proxies and HTTP_USER_AGENT. */
  environment: Record<string, string>
}

export type OpenMirror = (request: MirrorRequest, handler: MirrorHandler) => MirrorStream

const RECEIVE_BYTES = 256 * 1024
/** Time-outs as in pacman's own downloader (libalpm, dload.c). */
export const PATIENCE = ['--connect-timeout', '10', '--speed-limit', '1', '--speed-time', '10']
export const MANNERS = [
  '-q',
  '-sS',
  '-f',
  '-g',
  '-L',
  '--max-redirs',
  '5',
  '--proto',
  '=http,https,ftp',
  '--proto-redir',
  '=http,https',
]

/** A value in curl's own configuration language (curl(1), --config): no bytes of it make another option. */
export const quoted = (text: string) =>
  `"${text.replace(/["\\]/g, '\\$&').replaceAll('\n', '\\n').replaceAll('\r', '\\r')}"`

/** A curl's whole environment, and the options for its user agent: the caller's. */
export function curlProcess({ HTTP_USER_AGENT, ...proxies }: Record<string, string>) {
  return {
    env: { PATH: process.env.PATH ?? '/usr/bin:/bin', ...proxies },
    agent: HTTP_USER_AGENT === undefined ? [] : ['-A', HTTP_USER_AGENT],
  }
}

/** One for all curls: what was read into it is taken out before the next read. */
const receive = Buffer.allocUnsafeSlow(RECEIVE_BYTES)

/** What a child process says, piece by piece, each valid only during the call. It closes after the last. */
function bytesOf(given: Socket, take: (bytes: Buffer) => void): Socket {
  const socket = readInPlace(given, {
    buffer: receive,
    callback(count, bytes) {
      take((bytes as Buffer).subarray(0, count))
      return true
    },
  })
  return socket?.resume() ?? given.on('data', take)
}

/** A child process. Undefined where there can be none, of which `onError` is told later. */
function start(
  command: string,
  args: string[],
  env: Record<string, string>,
  onError: (error: Error) => void,
) {
  try {
    const child = spawn(command, args, { env }).once('error', onError)
    child.stdin?.on('error', () => {}) // it ended before it read that
    return child.stdin ? child : undefined // none where descriptors have run out
  } catch (error) {
    setImmediate(onError, asError(error))
    return undefined
  }
}

/** A mirror read by curl: every Arch machine has it, and it knows every proxy and protocol that pacman does. */
export const openMirrorByCurl: OpenMirror = ({ url, start: first, end, size, environment }, handler) => {
  const isFtp = /^ftp:/i.test(url)
  const { env, agent } = curlProcess(environment)
  const whole = first === 0 && (end === undefined || end === size - 1)
  const args = [
    ...MANNERS,
    ...PATIENCE,
    ...(isFtp ? [] : ['-i', '--suppress-connect-headers']),
    ...agent,
    ...(whole ? [] : ['-r', `${first}-${end ?? ''}`]),
    '-K',
    '-',
  ]
  let over = false
  let complaint = ''
  let exitCode: number | null = null
  let readHead: ReturnType<typeof createHeadReader> | undefined = isFtp
    ? undefined
    : createHeadReader({ start: first, size })
  if (isFtp) handler.onStart(first)

  function finish(error: PacsrvError | undefined) {
    if (over) return
    stop()
    handler.onEnd(error)
  }

  function stop() {
    over = true
    child?.kill('SIGKILL')
    stdout?.destroy()
  }

  function take(data: Buffer) {
    if (over) return
    try {
      if (!readHead) return handler.onBytes(data)
      const read = readHead(data)
      if (!read) return
      readHead = undefined
      handler.onStart(read.head.offset)
      if (read.body.length > 0 && !over) handler.onBytes(read.body)
    } catch (error) {
      finish(error instanceof PacsrvError ? error : new PacsrvError('mirror', asError(error).message, error))
    }
  }

  /** Its standard output may close before or after the rest of it. */
  let unended = 2
  function onEnded() {
    if (--unended > 0) return
    const why = complaint.trim().split('\n').at(-1) || `curl ended with ${exitCode ?? 'a signal'}`
    finish(exitCode === 0 ? undefined : new PacsrvError('mirror', why, { exitCode }))
  }

  const child = start('curl', args, env, (error) =>
    finish(new PacsrvError('mirror', "curl can't be run; install it", error)),
  )
  const stdout = child && bytesOf(child.stdout as Socket, take)
  stdout?.once('close', onEnded)
  // Not as an argument: a URL may carry a password, and arguments are everybody's to read.
  child?.stdin.end(`url = ${quoted(url)}\n`)
  child?.stderr.on('data', (data: Buffer) => {
    if (complaint.length < 500) complaint += data.toString('utf8')
  })
  child?.once('close', (code) => {
    exitCode = code
    onEnded()
  })

  return { stop, pause: () => stdout?.pause(), resume: () => stdout?.resume() }
}
