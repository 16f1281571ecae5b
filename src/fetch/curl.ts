import { execa } from 'execa'
import { asError, PacsrvError } from '../base/error.ts'
import { createHeadReader } from './mirror-head.ts'

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

/** Time-outs as in pacman's own downloader (libalpm, dload.c). */
const PATIENCE = ['--connect-timeout', '10', '--speed-limit', '1', '--speed-time', '10']
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

/** curl(1), EXIT CODES: names that don't resolve, no connection, time-outs, connections cut off. */
const UNREACHABLE = new Set([5, 6, 7, 28, 35, 52, 56])

/** Whether it is the mirror that is dead, rather than the file that is not there. */
export function isUnreachable(error: PacsrvError): boolean {
  return UNREACHABLE.has((error.cause as { exitCode?: number } | undefined)?.exitCode ?? 0)
}

/** A curl's whole environment, and the options for its user agent: the caller's. */
export function curlProcess({ HTTP_USER_AGENT, ...proxies }: Record<string, string>) {
  return {
    env: { PATH: process.env.PATH ?? '/usr/bin:/bin', ...proxies },
    agent: HTTP_USER_AGENT === undefined ? [] : ['-A', HTTP_USER_AGENT],
  }
}

/** A mirror read by curl: every Arch machine has it, and it knows every proxy and protocol that pacman does. */
export const openMirrorByCurl: OpenMirror = ({ url, start, end, size, environment }, handler) => {
  const isFtp = /^ftp:/i.test(url)
  const { env, agent } = curlProcess(environment)
  const whole = start === 0 && (end === undefined || end === size - 1)
  const args = [
    ...MANNERS,
    ...PATIENCE,
    ...(isFtp ? [] : ['-i', '--suppress-connect-headers']),
    ...agent,
    ...(whole ? [] : ['-r', `${start}-${end ?? ''}`]),
    '-K',
    '-',
  ]
  const child = execa('curl', args, {
    buffer: false,
    encoding: 'buffer',
    reject: false,
    // Not as an argument: a URL may carry a password, and arguments are everybody's to read.
    input: `url = ${quoted(url)}\n`,
    stderr: 'pipe',
    extendEnv: false,
    env,
  })
  let over = false
  let complaint = ''
  let readHead: ReturnType<typeof createHeadReader> | undefined = isFtp
    ? undefined
    : createHeadReader({ start, size })
  if (isFtp) handler.onStart(start)

  function finish(error: PacsrvError | undefined) {
    if (over) return
    over = true
    child.kill('SIGKILL')
    handler.onEnd(error)
  }

  child.stderr.on('data', (data: Buffer) => {
    if (complaint.length < 500) complaint += data.toString('utf8')
  })
  child.stdout.on('data', (data: Buffer) => {
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
  })
  child.then(
    (result) => {
      const why = complaint.trim().split('\n').at(-1) || (result.failed ? result.shortMessage : '')
      finish(result.failed ? new PacsrvError('mirror', why || 'curl failed', result) : undefined)
    },
    (error) => finish(new PacsrvError('mirror', "curl can't be run; install it", error)),
  )

  return {
    stop() {
      over = true
      child.kill('SIGKILL')
    },
    pause: () => child.stdout.pause(),
    resume: () => child.stdout.resume(),
  }
}
