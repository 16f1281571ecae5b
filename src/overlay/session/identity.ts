import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign,
  verify,
} from 'node:crypto'
import { readFile, rename, writeFile } from 'node:fs/promises'
import { systemCode } from '../../base/error.ts'
import type { Log } from '../../base/log.ts'
import { sha256 } from '../../base/sha256.ts'
import type { NodeId } from '../../wire/messages.ts'

/** Who a node is: an Ed25519 key (RFC 8032). Nobody else can claim its id without signing for it. */
export interface Identity {
  readonly id: NodeId
  /** Raw public key, 32 bytes in hex. */
  readonly key: string
  /** Signature of `text`, 64 bytes in hex. */
  sign(text: Uint8Array): string
  /** Whether `signature` over `text` was made by the owner of the raw public `key`. Never throws. */
  verify(key: string, text: Uint8Array, signature: string): boolean
}

/** Which end of a connection a proof speaks for. */
export type Role = 'dialler' | 'accepter'

/** What one end's HELLO contributes to the proofs: raw key and nonce, 32 bytes each in hex. */
export interface Greeter {
  key: string
  nonce: string
}

const CONTEXT = 'pacsrv proof 1'

/** A node's id: the SHA-256 of its raw public key. */
export function idOf(key: string): NodeId {
  return sha256(Buffer.from(key, 'hex'))
}

/**
 * The bytes that the PROOF of `role` signs. The context keeps the signature from meaning anything elsewhere;
 * fresh nonces of both keep it from being replayed; the role, from being reflected; both keys, from being
 * passed on to a third node; the binding of a closed network's connection, from being passed on by one of its
 * nodes that sits in between.
 */
export function proofText(role: Role, dialler: Greeter, accepter: Greeter, binding = ''): Uint8Array {
  const hex = dialler.key + dialler.nonce + accepter.key + accepter.nonce + binding
  return Buffer.concat([Buffer.from(`${CONTEXT} ${role}\0`), Buffer.from(hex, 'hex')])
}

/** A node that lasts as long as the process. */
export function createIdentity(): Identity {
  return identityOf(generateKeyPairSync('ed25519').privateKey)
}

/**
 * The node's lasting identity: a PKCS #8 PEM file of mode 0600, made when it isn't there. A damaged file is
 * renamed to `FILE.damaged` and replaced: the node then has a new id. Throws what the file system throws.
 */
export async function loadIdentity(file: string, log: Log): Promise<Identity> {
  const pem = await readFile(file).catch((error) => {
    if (systemCode(error) === 'ENOENT') return undefined
    throw error
  })
  if (pem !== undefined) {
    try {
      return identityOf(createPrivateKey(pem))
    } catch (error) {
      log.warn({ file, error }, `${file} is damaged: set aside as ${file}.damaged, and a new node id made`)
      await rename(file, `${file}.damaged`)
    }
  }
  const { privateKey } = generateKeyPairSync('ed25519')
  const fresh = `${file}.${process.pid}.new`
  await writeFile(fresh, privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600, flush: true })
  await rename(fresh, file)
  return identityOf(privateKey)
}

function identityOf(privateKey: KeyObject): Identity {
  if (privateKey.asymmetricKeyType !== 'ed25519') throw new TypeError('not an Ed25519 key')
  const { x } = createPublicKey(privateKey).export({ format: 'jwk' })
  const key = Buffer.from(x!, 'base64url').toString('hex')
  return {
    id: idOf(key),
    key,
    sign: (text) => sign(null, text, privateKey).toString('hex'),
    verify: verifyProof,
  }
}

function verifyProof(key: string, text: Uint8Array, signature: string): boolean {
  try {
    const x = Buffer.from(key, 'hex').toString('base64url')
    const publicKey = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' })
    return verify(null, text, publicKey, Buffer.from(signature, 'hex'))
  } catch {
    return false
  }
}
