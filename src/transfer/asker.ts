import type { Clock } from '../base/clock.ts'
import { PacsrvError } from '../base/error.ts'
import { createOnceATurn } from '../base/once-a-turn.ts'
import type { Session } from '../overlay/session/session.ts'
import { limits } from '../wire/limits.ts'
import type {
  Get,
  Haves,
  ManifestWanted,
  Message,
  RefuseReason,
  Sha256,
  SignatureWanted,
} from '../wire/messages.ts'

/** What a chunk request came to. The bytes are the receiver's to keep. */
export type ChunkAnswer = { bytes: Uint8Array } | { refused: RefuseReason }

/**
 * The asking half of a transfer session: requests on one connection, answered in order, many at a time. What is over
 * `limits.requests`, of all jobs together, waits here for its turn.
 */
export interface Asker {
  readonly session: Session
  /** The raw chunk hashes of a file. Rejects with PacsrvError `peer` on refusal, silence or a close. */
  manifest(sha256: Sha256): Promise<Uint8Array>
  /** The signature beside a file, unchecked. Rejects likewise. */
  signature(sha256: Sha256): Promise<Uint8Array>
  /** Asks for a chunk; `answer` is called once unless the session closes first. Returns the request's number. */
  chunk(sha256: Sha256, chunk: number, answer: (answer: ChunkAnswer) => void): number
  /**
   * Says how far this node is with a file (the payload of HAVE), at the end of this turn of the loop, with what else is
   * said then. False when the other end didn't keep up with what it was told last.
   */
  have(sha256: Sha256, payload: Uint8Array): boolean
  /** The answer is no longer wanted; it may come all the same, and is then dropped. */
  cancel(request: number): void
  /** Called when the session is gone, at once if it is already. Returns how to stop listening. */
  onClose(listener: (reason: Error | undefined) => void): () => void
  /** Requests that are still open. */
  readonly open: number
}

export interface AskerShell {
  asker: Asker
  /** Hands over a message: `taken` by who waits for it, an answer that nobody waits for (any more), or no answer. */
  receive(message: Message): 'taken' | 'unasked' | 'no answer'
  closed(reason: Error | undefined): void
}

const MANIFEST_MS = 5_000
const SIGNATURE_MS = 1_500
const LAST_REQUEST = 0xffff_ffff

type Question = Get | ManifestWanted | SignatureWanted

/** Whether it can be asked for in the same message. */
const goesWith = (run: Get, { sha256, request }: Get) =>
  run.sha256 === sha256 && request === run.request + (run.more?.length ?? 0) + 1

function havesOf(files: { sha256: Sha256; payload: Uint8Array }[]): Haves {
  return {
    type: 'haves',
    files: files.map(({ sha256, payload }) => ({ sha256, bytes: payload.length })),
    payload: Buffer.concat(files.map(({ payload }) => payload)),
  }
}

const isAnswer = (message: Message) =>
  message.type === 'chunk' || message.type === 'manifest' || message.type === 'signature'

export function createAsker(session: Session, clock: Clock): AskerShell {
  const open = new Map<number, (answer: ChunkAnswer) => void>()
  const listeners = new Set<(reason: Error | undefined) => void>()
  /** Requests that have not been sent, by number; they are open too. */
  const held = new Map<number, Question>()
  /** What is said at the end of this turn, by file: of what is said twice the later. */
  const news = new Map<Sha256, Uint8Array>()
  const canMany = session.capabilities.includes('many')
  const telling = createOnceATurn(clock, tellNews)
  let keepsUp = true
  let isSending = false
  let next = 0
  let gone: { reason: Error | undefined } | undefined

  function request(
    message: Omit<Get, 'request'> | Omit<ManifestWanted | SignatureWanted, 'request'>,
    answer: (answer: ChunkAnswer) => void,
  ): number {
    next = next === LAST_REQUEST ? 0 : next + 1
    open.set(next, answer)
    held.set(next, { ...message, request: next })
    sendHeld()
    return next
  }

  function sendHeld() {
    if (isSending || held.size === 0) return
    isSending = canMany
    if (canMany) queueMicrotask(sendRuns)
    else for (const message of allowed()) session.send(message)
  }

  /** What may be sent now, which then is. */
  function* allowed(): Generator<Question> {
    for (const [number, message] of held) {
      if (open.size - held.size >= limits.requests) return
      held.delete(number)
      yield message
    }
  }

  /** Chunks of one file that are asked for together go in one message. */
  function sendRuns() {
    isSending = false
    const sent: Question[] = []
    for (const message of allowed()) {
      const last = sent.at(-1)
      if (last?.type === 'get' && message.type === 'get' && goesWith(last, message)) {
        last.more = [...(last.more ?? []), message.chunk]
      } else sent.push(message)
    }
    for (const message of sent) session.send(message)
  }

  function tellNews() {
    const all = [...news].map(([sha256, payload]) => ({ sha256, payload }))
    news.clear()
    for (let at = 0; at < all.length; at += limits.haves) {
      const some = all.slice(at, at + limits.haves)
      if (canMany && some.length > 1) keepsUp = session.send(havesOf(some))
      else for (const one of some) keepsUp = session.send({ type: 'have', ...one })
    }
  }

  function settle(number: number) {
    open.delete(number)
    sendHeld()
  }

  /** Asks for what is no chunk, named `what` for people, and waits for it no longer than `patience` ms. */
  function once(
    message: Omit<ManifestWanted | SignatureWanted, 'request'>,
    { what, patience }: { what: string; patience: number },
  ): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      const fail = (why: string) => {
        stop()
        reject(new PacsrvError('peer', `${session.remote} gave no ${what}: ${why}`))
      }
      const cancelTimer = clock.after(patience, () => {
        asker.cancel(number)
        fail('silence')
      })
      const unlisten = onClose(() => fail('the connection closed'))
      function stop() {
        cancelTimer()
        unlisten()
      }
      const number = request(message, (answer) => {
        stop()
        if ('bytes' in answer) resolve(answer.bytes)
        else fail(answer.refused)
      })
    })
  }

  function onClose(listener: (reason: Error | undefined) => void): () => void {
    if (gone) {
      const { reason } = gone
      queueMicrotask(() => listener(reason))
    } else listeners.add(listener)
    return () => listeners.delete(listener)
  }

  const asker: Asker = {
    session,
    manifest: (sha256) =>
      once({ type: 'manifestWanted', sha256 }, { what: 'chunk list', patience: MANIFEST_MS }),
    signature: (sha256) =>
      once({ type: 'signatureWanted', sha256 }, { what: 'signature', patience: SIGNATURE_MS }),
    chunk: (sha256, chunk, answer) => request({ type: 'get', sha256, chunk }, answer),
    have(sha256, payload) {
      news.set(sha256, payload)
      telling.soon()
      return keepsUp
    },
    cancel(number) {
      if (held.delete(number)) open.delete(number)
      else if (open.has(number)) {
        session.send({ type: 'cancel', request: number })
        settle(number)
      }
    },
    onClose,
    get open() {
      return open.size
    },
  }

  return {
    asker,
    receive(message) {
      if (message.type !== 'refuse' && !isAnswer(message)) return 'no answer'
      const answer = open.get(message.request)
      if (!answer) return 'unasked'
      settle(message.request)
      answer(message.type === 'refuse' ? { refused: message.reason } : { bytes: message.payload })
      return 'taken'
    },
    closed(reason) {
      gone = { reason }
      telling.stop()
      open.clear()
      held.clear()
      for (const listener of [...listeners]) listener(reason)
      listeners.clear()
    },
  }
}
