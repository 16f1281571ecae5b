/** Main of the hashing thread: answers each path, in order, with its hashes or with what went wrong. */
import { parentPort } from 'node:worker_threads'
import { asError, systemCode } from '../base/error.ts'
import { hashFile } from './hash-file.ts'
import type { HashAnswer } from './hasher.ts'

function answer(path: string): HashAnswer {
  try {
    return { hashes: hashFile(path) }
  } catch (error) {
    return { message: asError(error).message, code: systemCode(error) }
  }
}

parentPort?.on('message', (path: string) => parentPort?.postMessage(answer(path)))
