/** Loaded into a daemon by NODE_OPTIONS: one byte of every chunk that it sends to another node is wrong. */
const { Socket } = require('node:net')

/** Bytes: chunks are larger, and nothing else that a node sends is in the tests' crowds. */
const LARGE = 16 * 1024
const write = Socket.prototype.write

Socket.prototype.write = function (data, ...rest) {
  if (!(data instanceof Uint8Array) || data.length < LARGE || this.remotePort === undefined)
    return write.call(this, data, ...rest)
  const rotten = Buffer.from(data)
  rotten[rotten.length >> 1] ^= 1
  return write.call(this, rotten, ...rest)
}
