/** Main of the hashing thread: answers each order, in turn, with the file's hashes or with what went wrong. */
import { parentPort } from 'node:worker_threads'
import { asError, systemCode } from '../base/error.ts'
import { hashFile } from './hash-file.ts'
import type { HashAnswer, HashOrder } from './hasher.ts'

function answer({ path, known }: HashOrder): HashAnswer {
  try {
    return { hashes: hashFile(path, known) }
  } catch (error) {
    return { message: asError(error).message, code: systemCode(error) }
  }
}

parentPort?.on('message', (order: HashOrder) => parentPort?.postMessage(answer(order)))
