import * as assert from 'uvu/assert'
import { PacsrvError } from '../../src/base/error.ts'
import type { Link } from '../../src/net/transport.ts'
import type { Message } from '../../src/wire/messages.ts'

/** A promise and the means to settle it. */
export function later<T>() {
  let resolve!: (value: T) => void
  const promise = new Promise<T>((settle) => {
    resolve = settle
  })
  return { promise, resolve }
}

/** Reads a link's messages one by one; `closed` gives the reason of its close, and fails on a second. */
export function reader(link: Link) {
  const queue: Message[] = []
  const waiting: ((message: Message) => void)[] = []
  const closed = later<Error | undefined>()
  const drained = later<void>()
  let closes = 0
  link.handle({
    onMessage(message) {
      const next = waiting.shift()
      if (next) next(message)
      else queue.push(message)
    },
    onClose(reason) {
      assert.is(++closes, 1, 'closed twice')
      closed.resolve(reason)
    },
    onDrain: () => drained.resolve(),
  })
  const next = async () => queue.shift() ?? new Promise<Message>((resolve) => waiting.push(resolve))
  return { link, next, queue, closed: closed.promise, drained: drained.promise }
}

export const ping = (token: number): Message => ({ type: 'ping', token })
export const isPing = (message: Message) => (message.type === 'ping' ? message.token : message.type)

/** That `promise` rejects with our error, of this code, saying `words`. */
export async function rejects(promise: Promise<unknown>, code: string, words: string) {
  const error = await promise.then(
    () => assert.unreachable('did not reject'),
    (thrown: unknown) => thrown as PacsrvError,
  )
  isError(error, code, words)
}

export function isError(error: unknown, code: string, words: string) {
  assert.instance(error, PacsrvError)
  assert.is((error as PacsrvError).code, code)
  assert.ok((error as PacsrvError).message.includes(words), (error as PacsrvError).message)
}
