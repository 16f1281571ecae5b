import { PacsrvError } from '../base/error.ts'

/** A user by number, as `id -u` and `id -g` print them. */
export interface Identity {
  uid: number
  gid: number
}

/** Root's rights are laid down for good: groups, then group, then user. Nothing, for who isn't root. */
export function dropRoot({ uid, gid }: Identity): void {
  if (process.getuid?.() !== 0) return
  if (uid === 0 || gid === 0) throw new PacsrvError('usage', 'a webhost started by root needs another user')
  process.setgroups!([gid])
  process.setgid!(gid)
  process.setuid!(uid)
}
