import { Socket } from 'node:net'
import { expect, it } from '@jest/globals'
import { namesIn, peerNamesOf } from '../../../gateway/pep/peer-names.ts'

it('names of a certificate are its entries, whole', () => {
  expect(namesIn('DNS:localhost, URI:spiffe://corp/proxy')).toEqual([
    'DNS:localhost',
    'URI:spiffe://corp/proxy',
  ])
  expect(namesIn(undefined)).toEqual([])
})

it('a certificate with a name that hides a separator has no names (CVE-2021-44532)', () => {
  expect(namesIn('URI:"http://a/, URI:spiffe://corp/proxy"')).toEqual([])
  expect(namesIn('DNS:a\\, URI:spiffe://corp/proxy')).toEqual([])
})

it('a connection without TLS has none', () => {
  expect(peerNamesOf(new Socket())).toEqual([])
})
