/** What a node says of a download of its own, one byte a chunk. */
export interface HaveMaps {
  /** It has it. */
  hand: Uint8Array
  /** It had it from the mirror itself, or has asked the mirror for it. */
  own: Uint8Array
}

/** The payload of HAVE: two bitmaps, bit i of byte i/8, lowest first; see docs/protocol.md. */
export function packMaps({ hand, own }: HaveMaps): Buffer {
  const bytes = Math.ceil(hand.length / 8)
  const packed = Buffer.alloc(2 * bytes)
  for (let chunk = 0; chunk < hand.length; chunk++) {
    const bit = 1 << (chunk & 7)
    if (hand[chunk]) packed[chunk >> 3]! |= bit
    if (own[chunk]) packed[bytes + (chunk >> 3)]! |= bit
  }
  return packed
}

/** Undefined where it isn't what a file of so many chunks has. */
export function unpackMaps(payload: Uint8Array, chunks: number): HaveMaps | undefined {
  const bytes = Math.ceil(chunks / 8)
  if (payload.length !== 2 * bytes) return undefined
  const hand = unpack(payload.subarray(0, bytes), chunks)
  const own = unpack(payload.subarray(bytes), chunks)
  return hand && own && { hand, own }
}

function unpack(bits: Uint8Array, chunks: number): Uint8Array | undefined {
  const spare = chunks & 7
  if (spare > 0 && bits[bits.length - 1]! >> spare !== 0) return undefined
  return Uint8Array.from({ length: chunks }, (_, chunk) => (bits[chunk >> 3]! >> (chunk & 7)) & 1)
}
