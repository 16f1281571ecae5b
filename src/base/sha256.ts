import { hash } from 'node:crypto'

/** The SHA-256 of `bytes` as 64 hex digits: how pacsrv names files, chunk lists and nodes in memory. */
export function sha256(bytes: Uint8Array): string {
  return hash('sha256', bytes, 'hex')
}
