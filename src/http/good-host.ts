import { reachOf } from '../base/address.ts'
import { endpoint } from '../base/endpoint.ts'

const PACKAGE = /\.pkg\.tar(\.\w+)?(\.sig)?$/

/** A request by TCP: its Host header, its path, and both addresses. */
export interface HostCall {
  host: string
  path: string
  from: string
  to: string
}

/**
 * Whether a request means this machine. A Host that is a name of somebody else's may be a browser that was led here by
 * DNS (rebinding). Other machines may get packages by whatever name they know this one by, which it can't know; the status
 * tells more, and is for an address or for `ownName` only.
 */
export function isGoodHost({ host, path, from, to }: HostCall, ownName: string): boolean {
  const name = host.replace(/:\d+$/, '').toLowerCase()
  const isAddress = /^[\d.]+$/.test(name) || /^\[[\da-f:.]+\]$/.test(name)
  if (name === '' || isAddress || name === 'localhost' || name === ownName.toLowerCase()) return true
  const sender = endpoint(from, 0)
  const isOther = from !== to && sender !== undefined && reachOf(sender) !== 'host'
  return isOther && PACKAGE.test(path)
}
