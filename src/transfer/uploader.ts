import { addressBlock } from '../base/address.ts'
import { chunkCount, chunkLength, chunkSize } from '../base/chunks.ts'
import { asError } from '../base/error.ts'
import type { Log } from '../base/log.ts'
import type { Session } from '../overlay/session/session.ts'
import { limits } from '../wire/limits.ts'
import type { Get, ManifestWanted, Message, RefuseReason, Sha256, SignatureWanted } from '../wire/messages.ts'
import type { SharedReads } from './shared-reads.ts'
import type { Turn, Turns } from './upload-queue.ts'

/** A held file, or one in progress, that is open for reading. */
export interface OpenFile {
  size: number
  /** Undefined where nobody here vouches for the whole. */
  chunkHashes?: Uint8Array | undefined
  /** A file in progress: whether this chunk can be given now. It is opened again for each request. */
  has?(chunk: number): boolean
  /** Names the bytes that are read now: other bytes of the same file, once found wrong, went by another name. */
  state: string
  /** Fills `buffer` from `position` on; rejects when the file is no longer what was vouched for. */
  read(buffer: Uint8Array, position: number): Promise<void>
  close(): Promise<void>
}

/** What this node can serve; rejects or gives undefined for what it doesn't hold. */
export interface UploadStore {
  open(sha256: Sha256): Promise<OpenFile | undefined>
  /** The signature that lies beside a held file, at most `limits.signatureBytes`; undefined for none. Never rejects. */
  signature(sha256: Sha256): Promise<Uint8Array | undefined>
}

export interface ServerShell {
  /** Hands over a message; false when it isn't a request. */
  receive(message: Message): boolean
  drained(): void
  closed(): void
}

export interface ServerOptions {
  /** Told of every chunk that went out. */
  onUploaded(bytes: number, sha256: Sha256): void
}

type Request = Get | ManifestWanted | SignatureWanted

/** Requests that one session may have waiting; one more is answered `busy`. */
export const MAX_WAITING = limits.requests
const MAX_OPEN_FILES = 8

const isRequest = (message: Message): message is Request =>
  message.type === 'get' || message.type === 'manifestWanted' || message.type === 'signatureWanted'

/** GET for several chunks is as many requests; their numbers follow each other, and 0 the last of all. */
function singly(message: Request): Request[] {
  if (message.type !== 'get' || !message.more) return [message]
  const { request, sha256, chunk, more } = message
  return [chunk, ...more].map((one, n) => ({ type: 'get', request: (request + n) >>> 0, sha256, chunk: one }))
}

/** The answering half of a transfer session: one chunk a turn, and none while the other end lags. */
export function createServer(
  session: Session,
  { holdings, log, reads, turns }: { holdings: UploadStore; log: Log; reads: SharedReads; turns: Turns },
  { onUploaded }: ServerOptions,
): ServerShell {
  const address = addressBlock(session.remote)
  const waiting: Request[] = []
  const files = new Map<Sha256, Promise<OpenFile | undefined>>()
  let hasTurn = false
  let writable = true
  let ended = false

  function file(sha256: Sha256): Promise<OpenFile | undefined> {
    const known = files.get(sha256)
    files.delete(sha256)
    const opened =
      known ??
      holdings.open(sha256).catch((error) => {
        log.debug({ err: asError(error), sha256 }, 'a file that was asked for is gone')
        return undefined
      })
    files.set(sha256, opened)
    if (files.size > MAX_OPEN_FILES) drop(files.keys().next().value!)
    return opened
  }

  function drop(sha256: Sha256) {
    const opened = files.get(sha256)
    files.delete(sha256)
    void opened?.then((file) => file?.close()).catch(() => {})
  }

  /** Resolves to the bytes of file that went out. */
  async function answer(request: Request, hold: (bytes: number) => () => void): Promise<number> {
    const refuse = (reason: RefuseReason) => {
      session.send({ type: 'refuse', request: request.request, reason })
      return 0
    }
    if (request.type === 'signatureWanted') {
      const payload = await holdings.signature(request.sha256)
      if (ended) return 0
      if (!payload) return refuse('absent')
      writable = session.send({ type: 'signature', request: request.request, payload })
      return payload.length
    }
    const opened = await file(request.sha256)
    if (ended) return 0
    if (!opened || opened.has) drop(request.sha256)
    if (!opened) return refuse('absent')
    if (request.type === 'manifestWanted') {
      if (!opened.chunkHashes) return refuse('absent')
      writable = session.send({ type: 'manifest', request: request.request, payload: opened.chunkHashes })
      return 0
    }
    const { chunk } = request
    if (chunk >= chunkCount(opened.size) || opened.has?.(chunk) === false) return refuse('absent')
    const position = chunk * chunkSize(opened.size)
    try {
      const { bytes, release } = await reads.get(
        `${opened.state} ${chunk}`,
        chunkLength(opened.size, chunk),
        (buffer) => opened.read(buffer, position),
      )
      const sent = hold(bytes.length)
      writable = session.link.send({ type: 'chunk', request: request.request, payload: bytes }, () => {
        sent()
        release()
      })
      onUploaded(bytes.length, request.sha256)
      return bytes.length
    } catch (error) {
      if (opened.has) return refuse('absent')
      log.warn({ err: asError(error), sha256: request.sha256 }, 'a held file can no longer be read')
      drop(request.sha256)
      return refuse('broken')
    }
  }

  function work() {
    if (hasTurn || !writable || ended || waiting.length === 0) return
    hasTurn = true
    const turn: Turn = async (hold) => {
      try {
        const request = waiting.shift()
        return request && !ended ? await answer(request, hold) : 0
      } finally {
        hasTurn = false
        work()
      }
    }
    turns.take(address, turn, () => session.close("it doesn't read what it asks for"))
  }

  return {
    receive(message) {
      if (isRequest(message)) {
        for (const request of singly(message)) {
          if (waiting.length < MAX_WAITING) waiting.push(request)
          else session.send({ type: 'refuse', request: request.request, reason: 'busy' })
        }
        work()
        return true
      }
      if (message.type !== 'cancel') return false
      const at = waiting.findIndex((request) => request.request === message.request)
      if (at >= 0) waiting.splice(at, 1)
      return true
    },
    drained() {
      writable = true
      work()
    },
    closed() {
      ended = true
      waiting.length = 0
      for (const sha256 of [...files.keys()]) drop(sha256)
    },
  }
}
