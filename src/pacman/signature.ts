import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import { limits } from '../wire/limits.ts'

const SIGNATURE_PACKET = 2

/** Reads a detached signature: a regular file, no link, that looks like one. Undefined for all else; never rejects. */
export async function readSignature(path: string): Promise<Uint8Array | undefined> {
  try {
    const handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
    try {
      const stat = await handle.stat()
      if (!stat.isFile() || stat.size > limits.signatureBytes) return undefined
      const bytes = await handle.readFile()
      return isSignature(bytes) ? bytes : undefined
    } finally {
      await handle.close()
    }
  } catch {
    return undefined
  }
}

/**
 * Whether bytes are one or more OpenPGP signature packets, binary, and nothing else (RFC 9580, 4.2 and 5.2). Says
 * nothing about who signed what: pacman finds that out.
 */
export function isSignature(bytes: Uint8Array): boolean {
  if (bytes.length === 0 || bytes.length > limits.signatureBytes) return false
  for (let at = 0; at < bytes.length; ) {
    const packet = packetAt(bytes, at)
    const version = packet && bytes[packet.start]!
    if (packet?.tag !== SIGNATURE_PACKET || packet.end > bytes.length) return false
    if (version === undefined || version < 3 || version > 6) return false
    at = packet.end
  }
  return true
}

/** A packet's tag, and where its body starts and ends. Undefined where there is none, or none of known length. */
function packetAt(bytes: Uint8Array, at: number): { tag: number; start: number; end: number } | undefined {
  const first = bytes[at]!
  const number = (from: number, length: number) =>
    bytes.subarray(from, from + length).reduce((sum, byte) => sum * 256 + byte, 0)
  const packet = (tag: number, start: number, length: number) =>
    length > 0 ? { tag, start, end: start + length } : undefined
  if ((first & 0x80) === 0) return undefined
  if ((first & 0x40) === 0) {
    const lengthBytes = [1, 2, 4][first & 3]
    if (lengthBytes === undefined) return undefined
    return packet((first >> 2) & 15, at + 1 + lengthBytes, number(at + 1, lengthBytes))
  }
  const length = bytes[at + 1] ?? 255
  if (length < 192) return packet(first & 63, at + 2, length)
  if (length < 224) return packet(first & 63, at + 3, (length - 192) * 256 + 192 + (bytes[at + 2] ?? 0))
  return length === 255 ? packet(first & 63, at + 6, number(at + 2, 4)) : undefined
}
